// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// New stars in what is left over of a frame when the known ones are taken off.

#include <starflow/core/background.hpp>
#include <starflow/core/detector.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>

#include "artefact.hpp"
#include "basins.hpp"
#include "bright_index.hpp"
#include "filtered_star.hpp"
#include "scene_residual.hpp"
#include "star_scene.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// A frame and what the first search made of it; borrows all.
struct SearchedFrame {
  const FrameView& frame;
  const Background& background;
  const Detector& detector;
  const ArtefactTest& artefact;
  const BrightPixels& bright;
  const Basins& basins;
  const StarFilter& filter;
  const FilteredStar& shape;
  double threshold_sigma;
};

struct SearchJob : SearchedFrame {
  const BrightIndex& index;                     ///< of `bright`
  std::span<const std::uint8_t> barred_basins;  ///< not 0: a saturated star's or an artefact's; basins beyond are not
};

/// Peaks of what is left over that stand above the threshold times the root of all variance (background, light, and
/// mismatch), and as much above the level of a ring about them, so that a halo is none. Not nearer than half a FWHM to
/// a known star, and than 3/4 of one to a better new one; one beside each known star; not where the filter meets a
/// masked or saturated pixel, one far below the sky, an artefact or the edge.
[[nodiscard]] std::vector<SceneStar> search_residual(const SearchJob& job,
                                                     const StarScene& scene,
                                                     const SceneResidual& residual,
                                                     double shape_known_to,
                                                     ParallelFor parallel);

}  // namespace starflow
