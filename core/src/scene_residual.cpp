// SPDX-License-Identifier: MIT
#include "scene_residual.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace starflow {
namespace {

constexpr double kLeastMismatch = 0.25;  // sigma

/// Calls visit(star, first row, last row) for the rows of one strip that a star reaches, the stars in their order, so
/// that the sums of each pixel are the same whatever strip comes first.
template <class Reach, class Visit>
void for_strips(const StarScene& scene, ParallelFor parallel, const Reach& reach, const Visit& visit) {
  parallel(scene.strips(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t strip = begin; strip < end; ++strip) {
      const int top = static_cast<int>(strip) * scene.strip_rows(), bottom = top + scene.strip_rows() - 1;
      const std::size_t first = scene.first(strip > 0 ? strip - 1 : 0);
      const std::size_t last = scene.first(std::min(scene.strips(), strip + 2));
      for (std::size_t i = first; i < last; ++i) {
        const SceneStar& s = scene.stars[i];
        const int y = static_cast<int>(std::lround(s.y)), r = reach(s);
        if (y + r >= top && y - r <= bottom) visit(s, std::max(top, y - r), std::min(bottom, y + r));
      }
    }
  });
}

}  // namespace

void subtract_light(const BrightPixels& bright,
                    const BrightIndex& index,
                    const FilteredStar& shape,
                    const StarScene& scene,
                    SceneResidual& residual,
                    ParallelFor parallel) {
  const std::size_t n = bright.pixels.size();
  residual.left_over.resize(n);
  for (std::size_t i = 0; i < n; ++i) residual.left_over[i] = bright.pixels[i].height;
  const auto reach = [](const SceneStar& s) { return static_cast<int>(s.reach); };
  const auto most = static_cast<std::size_t>(2 * static_cast<int>(shape.reach()) + 1);
  std::vector<float> rows(most * scene.strips());
  for_strips(scene, parallel, reach, [&](const SceneStar& s, int first, int last) {
    const int x = static_cast<int>(std::lround(s.x)), r = reach(s);
    float* across = &rows[most * static_cast<std::size_t>(first / scene.strip_rows())];
    for (int i = -r; i <= r; ++i) across[i + r] = static_cast<float>(shape.at(x + i - s.x));
    for (int y = first; y <= last; ++y) {
      const auto height = static_cast<float>(s.amplitude * shape.at(y - s.y));
      index.visit(y, x - r, x + r, [&](int from, std::size_t at, int count) {
        const float* light = across + (from - x + r);
        float* left = &residual.left_over[at];
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
  residual.mismatch.assign(residual.left_over.size(), 0.0F);
  const auto reach = [&](const SceneStar& s) { return mismatch.radius_of(s.amplitude, kLeastMismatch); };
  const auto side = static_cast<std::size_t>(2 * mismatch.radius + 1);
  for_strips(scene, parallel, reach, [&](const SceneStar& s, int first, int last) {
    const int x = static_cast<int>(std::lround(s.x)), star_y = static_cast<int>(std::lround(s.y)), r = reach(s);
    const auto amplitude = static_cast<float>(s.amplitude);
    const auto square =
        static_cast<float>(s.amplitude * (shot_noise ? s.amplitude : std::max(s.amplitude, mismatch.reference)));
    for (int y = first; y <= last; ++y) {
      const std::size_t row = static_cast<std::size_t>(y - star_y + mismatch.radius) * side;
      index.visit(y, x - r, x + r, [&](int from, std::size_t at, int count) {
        const std::size_t cell = row + static_cast<std::size_t>(from - x + mismatch.radius);
        for (int i = 0; i < count; ++i) {
          const auto k = static_cast<std::size_t>(i);
          residual.left_over[at + k] -= amplitude * mismatch.mean[cell + k];
          residual.mismatch[at + k] += square * mismatch.variance[cell + k];
        }
      });
    }
  });
}

}  // namespace starflow
