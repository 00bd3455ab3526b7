// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The filtered frame less the stars of a scene.

#include <starflow/core/parallel.hpp>

#include "bright_index.hpp"
#include "filtered_star.hpp"
#include "shape_mismatch.hpp"
#include "star_scene.hpp"

#include <cstdint>
#include <vector>

namespace starflow {

/// One value for each bright pixel, but for the last.
struct SceneResidual {
  std::vector<float> left_over;       ///< sigma
  std::vector<float> mismatch;        ///< variance of the stars' shapes, sigma^2
  std::vector<std::uint8_t> changed;  ///< of each strip: not 0 where light was taken off or put back
};

/// Takes the light of the stars off, as far as SceneStar::taken does not say that it is; what stars were before they
/// changed is put back.
void subtract_light(const BrightIndex& index,
                    const FilteredStar& shape,
                    const StarScene& scene,
                    SceneResidual& residual,
                    ParallelFor parallel);

/// Takes off what the stars' shapes leave over, of the same stars, and sums its variance. \param shot_noise  whether
/// the variance of the light is known; where not, the scatter that the maps' stars show may be all theirs, and falls
/// with the root of the light only.
void subtract_mismatch(const BrightIndex& index,
                       const ShapeMismatch& mismatch,
                       const StarScene& scene,
                       bool shot_noise,
                       SceneResidual& residual,
                       ParallelFor parallel);

}  // namespace starflow
