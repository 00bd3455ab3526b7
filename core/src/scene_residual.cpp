// SPDX-License-Identifier: MIT
#include "scene_residual.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace starflow {
namespace {

constexpr double kLeastMismatch = 0.25;  // sigma

/// Calls visit(light, sign, first row, last row) for the rows of one strip that light reaches which is not yet off the
/// residual (1) or has moved since it was (-1 for what it was), the stars in their order, so that the sums of each
/// pixel are the same whatever strip comes first.
template <class Reach, class Visit>
void for_strips(
    const StarScene& scene, SceneResidual& residual, ParallelFor parallel, const Reach& reach, const Visit& visit) {
  parallel(scene.strips(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t strip = begin; strip < end; ++strip) {
      const int top = static_cast<int>(strip) * scene.strip_rows(), bottom = top + scene.strip_rows() - 1;
      const auto within = [&](const StarLight& light, double sign) {
        const int y = static_cast<int>(std::lround(light.y)), r = reach(light);
        if (y + r < top || y - r > bottom) return;
        residual.changed[strip] = 1;
        visit(light, sign, std::max(top, y - r), std::min(bottom, y + r));
      };
      const std::size_t first = scene.first(strip > 0 ? strip - 1 : 0);
      const std::size_t last = scene.first(std::min(scene.strips(), strip + 2));
      for (std::size_t i = first; i < last; ++i) {
        const SceneStar& s = scene.stars[i];
        if (s.taken == s.light()) continue;
        if (s.taken.amplitude > 0) within(s.taken, -1);
        within(s.light(), 1);
      }
    }
  });
}

}  // namespace

void subtract_light(const BrightIndex& index,
                    const FilteredStar& shape,
                    const StarScene& scene,
                    SceneResidual& residual,
                    ParallelFor parallel) {
  const auto reach = [](const StarLight& s) { return static_cast<int>(s.reach); };
  const auto most = static_cast<std::size_t>(2 * static_cast<int>(shape.reach()) + 1);
  std::vector<float> rows(most * scene.strips());
  for_strips(scene, residual, parallel, reach, [&](const StarLight& s, double sign, int first, int last) {
    const int x = static_cast<int>(std::lround(s.x)), r = reach(s);
    float* across = &rows[most * static_cast<std::size_t>(first / scene.strip_rows())];
    for (int i = -r; i <= r; ++i) across[i + r] = static_cast<float>(shape.at(x + i - s.x));
    for (int y = first; y <= last; ++y) {
      const auto height = static_cast<float>(sign * s.amplitude * shape.at(y - s.y));
      index.visit(y, x - r, x + r, [&](int from, std::size_t at, int count) {
        const float* __restrict light = across + (from - x + r);
        float* __restrict left = &residual.left_over[at];
        for (int i = 0; i < count; ++i) left[i] -= height * light[i];
      });
    }
  });
}

void subtract_mismatch(const BrightIndex& index,
                       const ShapeMismatch& mismatch,
                       const StarScene& scene,
                       bool shot_noise,
                       SceneResidual& residual,
                       ParallelFor parallel) {
  const auto reach = [&](const StarLight& s) { return mismatch.radius_of(s.amplitude, kLeastMismatch); };
  const auto side = static_cast<std::size_t>(2 * mismatch.radius + 1);
  for_strips(scene, residual, parallel, reach, [&](const StarLight& s, double sign, int first, int last) {
    const int x = static_cast<int>(std::lround(s.x)), star_y = static_cast<int>(std::lround(s.y)), r = reach(s);
    const auto amplitude = static_cast<float>(sign * s.amplitude);
    const auto square =
        static_cast<float>(sign * s.amplitude * (shot_noise ? s.amplitude : std::max(s.amplitude, mismatch.reference)));
    for (int y = first; y <= last; ++y) {
      const std::size_t row = static_cast<std::size_t>(y - star_y + mismatch.radius) * side;
      index.visit(y, x - r, x + r, [&](int from, std::size_t at, int count) {
        const std::size_t cell = row + static_cast<std::size_t>(from - x + mismatch.radius);
        const float* __restrict mean = &mismatch.mean[cell];
        const float* __restrict variance = &mismatch.variance[cell];
        float* __restrict left = &residual.left_over[at];
        float* __restrict sum = &residual.mismatch[at];
        for (int i = 0; i < count; ++i) {
          left[i] -= amplitude * mean[i];
          sum[i] += square * variance[i];
        }
      });
    }
  });
}

}  // namespace starflow
