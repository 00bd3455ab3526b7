// SPDX-License-Identifier: MIT
#include "scene_fit.hpp"

#include <algorithm>
#include <cmath>

namespace starflow {
namespace {

constexpr double kLeastLight = 0.05;     // sigma: below, a neighbour's light does not matter
constexpr std::int32_t kNever = -1;      // sweep of the last change
constexpr double kMaxStep = 0.3;         // FWHM, of one step
constexpr double kLeastAmplitude = 0.5;  // sigma
constexpr double kSettled = 0.05;        // sigma: the change of the light at the star that no longer counts

/// Normal equations of amplitude and place over the pixels of a patch.
struct Equations {
  double aa = 0, ax = 0, ay = 0, xx = 0, xy = 0, yy = 0, ra = 0, rx = 0, ry = 0;

  void add(double a, double x, double y, double r) {
    aa += a * a;
    ax += a * x;
    ay += a * y;
    xx += x * x;
    xy += x * y;
    yy += y * y;
    ra += a * r;
    rx += x * r;
    ry += y * r;
  }
};

struct Step {
  double amplitude = 0, x = 0, y = 0;
};

/// By Cramer's rule; only the amplitude where the place is not determined.
Step solved(const Equations& e, bool movable) {
  const double cxx = e.yy * e.aa - e.ay * e.ay, cxy = e.ay * e.ax - e.xy * e.aa, cxa = e.xy * e.ay - e.yy * e.ax;
  const double det = e.xx * cxx + e.xy * cxy + e.ax * cxa;
  if (!movable || !(det > 1e-9 * e.xx * e.yy * e.aa)) return {e.aa > 0 ? e.ra / e.aa : 0.0, 0, 0};
  const double cyy = e.xx * e.aa - e.ax * e.ax, cya = e.xy * e.ax - e.xx * e.ay, caa = e.xx * e.yy - e.xy * e.xy;
  return {(cxa * e.rx + cya * e.ry + caa * e.ra) / det, (cxx * e.rx + cxy * e.ry + cxa * e.ra) / det,
          (cxy * e.rx + cyy * e.ry + cya * e.ra) / det};
}

/// The shape along one axis at the three pixels about \p middle.
std::array<double, 3> values(const FilteredStar& shape, int middle, double centre) {
  return {shape.at(middle - 1 - centre), shape.at(middle - centre), shape.at(middle + 1 - centre)};
}

/// The same of its slope.
std::array<double, 3> slopes(const FilteredStar& shape, int middle, double centre) {
  return {shape.slope(middle - 1 - centre), shape.slope(middle - centre), shape.slope(middle + 1 - centre)};
}

}  // namespace

void SceneFit::find_neighbours(ParallelFor parallel) {
  const std::size_t n = scene_.stars.size();
  const double margin = 1.5 + kMaxWayFwhm * shape_.fwhm_px();
  std::vector<std::vector<std::uint32_t>> found(scene_.strips());
  first_neighbour_.assign(n + 1, 0);
  parallel(scene_.strips(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t strip = begin; strip < end; ++strip) {
      scene_.visit_pairs(strip, shape_.reach() + margin, [&](std::size_t i, std::size_t j) {
        const SceneStar &s = scene_.stars[i], &o = scene_.stars[j];
        const double dx = o.seed_x - s.seed_x, dy = o.seed_y - s.seed_y, far = o.reach + margin;
        if (dx * dx + dy * dy >= far * far) return;
        found[strip].push_back(static_cast<std::uint32_t>(j));
        ++first_neighbour_[i + 1];
      });
    }
  });
  for (std::size_t i = 0; i < n; ++i) first_neighbour_[i + 1] += first_neighbour_[i];
  neighbours_.clear();
  neighbours_.reserve(first_neighbour_[n]);
  for (const auto& near : found) neighbours_.insert(neighbours_.end(), near.begin(), near.end());
}

void SceneFit::run(int sweeps, ParallelFor parallel) {
  for (SceneStar& s : scene_.stars) s.reach = shape_.radius(s.amplitude, kLeastLight);
  find_neighbours(parallel);
  patches_.assign(scene_.stars.size(), Patch{});
  changed_.clear();
  for (const SceneStar& s : scene_.stars) changed_.push_back(s.settled ? kNever : 0);
  for (std::int32_t sweep = 1; sweep <= sweeps; ++sweep) {
    for (const std::size_t parity : {std::size_t{0}, std::size_t{1}}) {
      parallel((scene_.strips() + 1 - parity) / 2, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t pair = begin; pair < end; ++pair) {
          const std::size_t strip = 2 * pair + parity;
          for (std::size_t i = scene_.first(strip); i < scene_.first(strip + 1); ++i) {
            if (must_fit(i, sweep) && improve(i)) changed_[i] = sweep;
          }
        }
      });
    }
    if (std::ranges::find(changed_, sweep) == changed_.end()) break;
  }
  for (std::size_t i = 0; i < changed_.size(); ++i) {
    SceneStar& s = scene_.stars[i];
    s.settled = changed_[i] != sweeps;
    s.reach = shape_.radius(s.amplitude, kLeastLight);
  }
}

bool SceneFit::must_fit(std::size_t star, std::int32_t sweep) const {
  const auto recent = [&](std::size_t i) { return changed_[i] >= sweep - 1; };
  if (recent(star)) return true;
  for (std::size_t k = first_neighbour_[star]; k < first_neighbour_[star + 1]; ++k) {
    if (recent(neighbours_[k])) return true;
  }
  return false;
}

void SceneFit::read(Patch& patch, int x, int y) const {
  if (patch.known && patch.x == x && patch.y == y) return;
  patch = {};
  patch.known = true;
  patch.x = x;
  patch.y = y;
  for (int j = 0; j < 3; ++j) {
    index_.visit(y + j - 1, x - 1, x + 1, [&](int from, std::size_t first, int n) {
      for (int i = 0; i < n; ++i) {
        const auto at = static_cast<std::size_t>(3 * j + from + i - x + 1);
        patch.height[at] = bright_.height[first + static_cast<std::size_t>(i)];
        patch.bright[at] = true;
      }
    });
  }
  patch.movable = patch.bright[1] && patch.bright[3] && patch.bright[4] && patch.bright[5] && patch.bright[7];
}

bool SceneFit::improve(std::size_t star) {
  SceneStar& s = scene_.stars[star];
  const int px = static_cast<int>(std::lround(s.x)), py = static_cast<int>(std::lround(s.y));
  Patch& patch = patches_[star];
  read(patch, px, py);
  std::array<double, 9> light{};
  for (std::size_t k = 0; k < 9; ++k) light[k] = static_cast<double>(patch.height[k]);
  const double reach = shape_.reach() + 1;
  for (std::size_t k = first_neighbour_[star]; k < first_neighbour_[star + 1]; ++k) {
    const SceneStar& o = scene_.stars[neighbours_[k]];
    if (std::abs(o.x - px) > reach || std::abs(o.y - py) > reach) continue;
    const auto across = values(shape_, px, o.x), down = values(shape_, py, o.y);
    for (std::size_t p = 0; p < 9; ++p) light[p] -= o.amplitude * down[p / 3] * across[p % 3];
  }
  const auto across = values(shape_, px, s.x), down = values(shape_, py, s.y);
  const auto slope_x = slopes(shape_, px, s.x), slope_y = slopes(shape_, py, s.y);
  Equations e;
  for (std::size_t p = 0; p < 9; ++p) {
    if (!patch.bright[p]) continue;
    const double a = down[p / 3] * across[p % 3];
    e.add(a, -s.amplitude * down[p / 3] * slope_x[p % 3], -s.amplitude * across[p % 3] * slope_y[p / 3],
          light[p] - s.amplitude * a);
  }
  const Step step = solved(e, patch.movable && s.is_star);
  const double most = kMaxStep * shape_.fwhm_px();
  const double way = kMaxWayFwhm * shape_.fwhm_px();
  const SceneStar before = s;
  s.x = std::clamp(s.x + std::clamp(step.x, -most, most), s.seed_x - way, s.seed_x + way);
  s.y = std::clamp(s.y + std::clamp(step.y, -most, most), s.seed_y - way, s.seed_y + way);
  s.amplitude = std::max(s.amplitude + step.amplitude, kLeastAmplitude);
  const double moved = (std::abs(s.x - before.x) + std::abs(s.y - before.y)) / shape_.fwhm_px();
  return moved * s.amplitude + std::abs(s.amplitude - before.amplitude) > kSettled;
}

}  // namespace starflow
