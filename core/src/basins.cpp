// SPDX-License-Identifier: MIT
#include "basins.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>

namespace starflow {
namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr std::int32_t kOutside = -1;  // of a pixel whose peak lies in a row that was not searched

/// The indices of a row's bright pixels by their place, kNone elsewhere; one column of kNone on each side.
class IndexRow {
 public:
  explicit IndexRow(int width) : at_(static_cast<std::size_t>(width) + 2, kNone) {}

  void set(std::span<const BrightRun> runs) {
    fill(runs_, false);
    runs_ = runs;
    fill(runs_, true);
  }
  [[nodiscard]] std::uint32_t operator[](int x) const { return at_[static_cast<std::size_t>(x + 1)]; }

 private:
  void fill(std::span<const BrightRun> runs, bool known) {
    for (const BrightRun& r : runs) {
      const auto begin = at_.begin() + r.x + 1;
      if (known) {
        std::iota(begin, begin + r.n, static_cast<std::uint32_t>(r.first));
      } else {
        std::fill_n(begin, r.n, kNone);
      }
    }
  }

  std::vector<std::uint32_t> at_;
  std::span<const BrightRun> runs_;
};

/// The rows of indices above, at and below a row.
using IndexRows = std::array<const IndexRow*, 3>;

/// Calls visit(runs of a row, rows of indices about it) for the rows that hold bright pixels.
template <class Visit>
void visit_rows(const BrightPixels& bright, int width, const Visit& visit) {
  std::array<IndexRow, 3> ring = {IndexRow(width), IndexRow(width), IndexRow(width)};
  const std::span<const BrightRun> runs = bright.runs;
  std::size_t end = 0;  // of the runs that were taken
  int held = -1;        // the last row in the ring
  const auto take = [&](int y) {
    const std::size_t begin = end;
    while (end < runs.size() && runs[end].y == y) ++end;
    ring[static_cast<std::size_t>(y) % 3].set(runs.subspan(begin, end - begin));
    held = y;
  };
  for (std::size_t k = 0; k < runs.size();) {
    const int y = runs[k].y;
    std::size_t next = k;
    while (next < runs.size() && runs[next].y == y) ++next;
    for (int row = std::max(held + 1, y - 1); row <= y + 1; ++row) take(row);
    const auto at = [&ring](int row) { return &ring[static_cast<std::size_t>(row + 3) % 3]; };
    visit(runs.subspan(k, next - k), IndexRows{at(y - 1), at(y), at(y + 1)});
    k = next;
  }
}

/// Two basins beside each other, by the pair of pixels over which they meet.
struct Pass {
  float saddle = 0;         // height of the lower pixel
  std::uint32_t pixel = 0;  // that pixel
  std::int32_t a = 0, b = 0;
};

class Watershed {
 public:
  Watershed(const BrightPixels& bright, int width, const Prominence& prominence)
      : bright_(bright), width_(width), prominence_(prominence), basin_of_(bright.pixels.size(), kOutside) {}

  Basins run() {
    climb();
    number();
    find_passes();
    for (const Pass& p : passes_) meet(p);
    return finish();
  }

 private:
  /// Follows each pixel's way up to its peak.
  void climb() {
    uphill_.resize(bright_.pixels.size());
    visit_rows(bright_, width_, [&](std::span<const BrightRun> runs, const IndexRows& rows) {
      for (const BrightRun& r : runs) {
        for (int i = 0; i < r.n; ++i) {
          const std::size_t p = r.first + static_cast<std::size_t>(i);
          const int k = bright_.pixels[p].uphill;
          const std::uint32_t next = (*rows[static_cast<std::size_t>(k / 3)])[r.x + i + k % 3 - 1];
          uphill_[p] = next == kNone ? static_cast<std::uint32_t>(p) : next;
        }
      }
    });
  }

  [[nodiscard]] std::uint32_t top(std::uint32_t p) {
    while (uphill_[p] != p) p = uphill_[p] = uphill_[uphill_[p]];
    return p;
  }

  /// Gives the peaks numbers in falling height, and each pixel its peak's.
  void number() {
    peaks_.resize(bright_.peaks.size());
    std::iota(peaks_.begin(), peaks_.end(), std::size_t{0});
    std::ranges::sort(peaks_, [this](std::size_t a, std::size_t b) {
      const std::size_t p = bright_.peaks[a].pixel, q = bright_.peaks[b].pixel;
      const float hp = bright_.pixels[p].height, hq = bright_.pixels[q].height;
      return hp > hq || (hp == hq && p < q);
    });
    parent_.resize(peaks_.size());
    std::iota(parent_.begin(), parent_.end(), 0);
    touches_.assign(peaks_.size(), 0);
    for (std::size_t k = 0; k < peaks_.size(); ++k)
      basin_of_[bright_.peaks[peaks_[k]].pixel] = static_cast<std::int32_t>(k);
    for (std::uint32_t p = 0; p < uphill_.size(); ++p) basin_of_[p] = basin_of_[top(p)];
  }

  void find_passes() {
    visit_rows(bright_, width_, [&](std::span<const BrightRun> runs, const IndexRows& rows) {
      for (const BrightRun& r : runs) {
        for (int i = 0; i < r.n; ++i) {
          const auto p = static_cast<std::uint32_t>(r.first + static_cast<std::size_t>(i));
          const int x = r.x + i;
          for (const std::uint32_t q : {(*rows[1])[x + 1], (*rows[2])[x - 1], (*rows[2])[x], (*rows[2])[x + 1]}) {
            if (q != kNone && basin_of_[p] != basin_of_[q]) add_pass(p, q);
          }
        }
      }
    });
    std::ranges::sort(passes_, [](const Pass& a, const Pass& b) {
      if (a.saddle != b.saddle) return a.saddle > b.saddle;
      if (a.pixel != b.pixel) return a.pixel < b.pixel;
      return a.a != b.a ? a.a < b.a : a.b < b.b;
    });
  }

  /// \p q comes after \p p: of equal pixels it is the lower one.
  void add_pass(std::uint32_t p, std::uint32_t q) {
    if (basin_of_[p] == kOutside || basin_of_[q] == kOutside) return;
    const float hp = bright_.pixels[p].height, hq = bright_.pixels[q].height;
    const bool p_lower = hp < hq;
    passes_.push_back({p_lower ? hp : hq, p_lower ? p : q, basin_of_[p], basin_of_[q]});
  }

  [[nodiscard]] std::int32_t root(std::int32_t basin) {
    auto i = static_cast<std::size_t>(basin);
    while (parent_[i] != static_cast<std::int32_t>(i)) {
      parent_[i] = parent_[static_cast<std::size_t>(parent_[i])];
      i = static_cast<std::size_t>(parent_[i]);
    }
    return static_cast<std::int32_t>(i);
  }

  void meet(const Pass& pass) {
    const std::int32_t a = root(pass.a), b = root(pass.b);
    if (a == b) return;
    const auto higher = static_cast<std::size_t>(std::min(a, b)), lower = static_cast<std::size_t>(std::max(a, b));
    const float height = bright_.pixels[bright_.peaks[peaks_[lower]].pixel].height;
    if (height - pass.saddle < std::max(prominence_.least, prominence_.fraction * height)) {
      parent_[lower] = static_cast<std::int32_t>(higher);
      touches_[higher] = touches_[higher] | touches_[lower];
    } else {
      touches_[higher] = touches_[lower] = 1;
    }
  }

  Basins finish() {
    Basins out;
    std::vector<std::int32_t> kept(peaks_.size(), -1);
    for (std::size_t k = 0; k < peaks_.size(); ++k) {
      if (parent_[k] != static_cast<std::int32_t>(k)) continue;
      kept[k] = static_cast<std::int32_t>(out.basins.size());
      out.basins.push_back({peaks_[k], touches_[k] != 0});
    }
    for (std::int32_t& b : basin_of_) {
      if (b != kOutside) b = kept[static_cast<std::size_t>(root(b))];
    }
    out.basin_of = std::move(basin_of_);
    return out;
  }

  const BrightPixels& bright_;
  int width_;
  Prominence prominence_;
  std::vector<std::uint32_t> uphill_;
  std::vector<std::size_t> peaks_;  // in falling height
  std::vector<std::int32_t> basin_of_, parent_;
  std::vector<std::uint8_t> touches_;
  std::vector<Pass> passes_;
};

}  // namespace

Basins split_basins(const BrightPixels& bright, int width, const Prominence& prominence) {
  return Watershed(bright, width, prominence).run();
}

}  // namespace starflow
