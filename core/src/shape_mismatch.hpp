// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the fitted shape leaves over of the frame's stars: how much, where about the star, and how it varies.

#include <starflow/core/background.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>

#include "bright_pixels.hpp"
#include "filtered_star.hpp"
#include "star_scene.hpp"

#include <vector>

namespace starflow {

/// Maps about a star in parts of its amplitude, square, 2 * radius + 1 px wide. Companions are looked for in what is
/// left over, so what a single star leaves over must not look like one: the mean is taken off, and the variance is
/// added to that of the noise.
struct ShapeMismatch {
  int radius = 0;               ///< px
  std::vector<float> mean;      ///< row by row
  std::vector<float> variance;  ///< with a share for what no star of the frame shows
  std::vector<float> highest;   ///< of |mean| and the root of the variance at that distance along an axis or farther
  double known_to = 0;          ///< amplitude up to which the maps hold
  double reference = 0;  ///< amplitude of the stars that the maps were made from; 0 = too few, the maps are a guess

  /// Distance from a star of this amplitude beyond which the mismatch stays below \p least, px; -1 = everywhere.
  [[nodiscard]] int radius_of(double amplitude, double least) const noexcept;
};

/// From the brightest stars of \p scene without a bright neighbour.
[[nodiscard]] ShapeMismatch measure_mismatch(const FrameView& frame,
                                             const Background& background,
                                             const StarFilter& filter,
                                             const FilteredStar& shape,
                                             const StarScene& scene,
                                             ParallelFor parallel);

/// Rows that a strip of a scene must have, so that light and mismatch reach the next strip at most.
[[nodiscard]] int least_strip_rows(const FilteredStar& shape);

}  // namespace starflow
