// SPDX-License-Identifier: MIT
#include "watershed.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace starflow {
namespace {

constexpr std::int32_t kNone = -1;

class Flood {
 public:
  Flood(std::span<const float> plane, int width, int height, const WatershedOptions& options)
      : plane_(plane), width_(width), height_(height), options_(options), label_(plane.size(), kNone) {}

  Basins run() {
    for (std::size_t p = 0; p < plane_.size(); ++p) {
      if (plane_[p] > options_.floor) result_.pixels.push_back(p);
    }
    std::ranges::sort(result_.pixels, [this](std::size_t a, std::size_t b) {
      return plane_[a] > plane_[b] || (plane_[a] == plane_[b] && a < b);
    });
    for (const std::size_t p : result_.pixels) add(p);
    return finish();
  }

 private:
  std::int32_t root(std::int32_t basin) {
    auto i = static_cast<std::size_t>(basin);
    while (parent_[i] != static_cast<std::int32_t>(i)) {
      parent_[i] = parent_[static_cast<std::size_t>(parent_[i])];
      i = static_cast<std::size_t>(parent_[i]);
    }
    return static_cast<std::int32_t>(i);
  }
  Basin& basin(std::int32_t b) { return result_.basins[static_cast<std::size_t>(b)]; }

  void add(std::size_t p) {
    std::array<std::int32_t, 8> roots{};
    std::size_t n = 0;
    std::int32_t steepest = kNone;
    float brightest = 0;
    visit_neighbours(p, [&](std::size_t q) {
      if (label_[q] == kNone) return;
      const std::int32_t r = root(label_[q]);
      if (steepest == kNone || plane_[q] > brightest) {
        steepest = r;
        brightest = plane_[q];
      }
      if (std::find(roots.begin(), roots.begin() + n, r) == roots.begin() + n) roots[n++] = r;
    });
    if (n == 0) {
      steepest = static_cast<std::int32_t>(result_.basins.size());
      result_.basins.push_back({p, plane_[p], false});
      parent_.push_back(steepest);
    }
    label_[p] = steepest;
    if (n > 1) meet(std::span(roots).first(n), plane_[p]);
  }

  /// Basins in the order of their creation have falling peaks, so the smallest number is the highest.
  void meet(std::span<std::int32_t> roots, float saddle) {
    const std::int32_t highest = *std::ranges::min_element(roots);
    for (const std::int32_t r : roots) {
      if (r == highest) continue;
      const float needed = std::max(options_.min_prominence, options_.prominence * basin(r).height);
      if (basin(r).height - saddle < needed) {
        parent_[static_cast<std::size_t>(r)] = highest;
        basin(highest).touches_other |= basin(r).touches_other;
      } else {
        basin(r).touches_other = basin(highest).touches_other = true;
      }
    }
  }

  void visit_neighbours(std::size_t p, auto&& visit) const {
    const int x = static_cast<int>(p % static_cast<std::size_t>(width_)),
              y = static_cast<int>(p / static_cast<std::size_t>(width_));
    for (int j = std::max(0, y - 1); j <= std::min(height_ - 1, y + 1); ++j) {
      for (int i = std::max(0, x - 1); i <= std::min(width_ - 1, x + 1); ++i) {
        if (i != x || j != y)
          visit(static_cast<std::size_t>(j) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(i));
      }
    }
  }

  Basins finish() {
    std::vector<std::int32_t> number(result_.basins.size(), kNone);
    std::vector<Basin> kept;
    for (std::size_t b = 0; b < result_.basins.size(); ++b) {
      if (parent_[b] != static_cast<std::int32_t>(b)) continue;
      number[b] = static_cast<std::int32_t>(kept.size());
      kept.push_back(result_.basins[b]);
    }
    result_.basin_of.reserve(result_.pixels.size());
    for (const std::size_t p : result_.pixels)
      result_.basin_of.push_back(number[static_cast<std::size_t>(root(label_[p]))]);
    result_.basins = std::move(kept);
    return std::move(result_);
  }

  std::span<const float> plane_;
  int width_, height_;
  WatershedOptions options_;
  std::vector<std::int32_t> label_, parent_;
  Basins result_;
};

}  // namespace

Basins watershed(std::span<const float> plane, int width, int height, const WatershedOptions& options) {
  return Flood(plane, width, height, options).run();
}

}  // namespace starflow
