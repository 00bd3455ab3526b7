// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Takes hot pixels out of the filtered frame, so that they hide no star.

#include <starflow/core/background.hpp>
#include <starflow/core/detect.hpp>
#include <starflow/core/frame_view.hpp>

#include "artefact.hpp"
#include "bright_pixels.hpp"

#include <vector>

namespace starflow {

/// A pixel that is much brighter than those about it, and what the filter saw of it.
struct HotPixel {
  int x = 0, y = 0;  ///< px
  float height = 0;  ///< of the filtered frame there, sigma
};

/// Finds the pixels that stand alone where the filter sees more than \p least of other light beside, and takes their
/// light, less that of the pixels about them, off what the filter made of it; as bad pixels they count no more. What
/// falls below \p floor is bright no more. \return those that were above the floor, in raster order
[[nodiscard]] std::vector<HotPixel> take_off_hot_pixels(const FrameView& frame,
                                                        const Background& background,
                                                        const ArtefactTest& artefact,
                                                        const StarFilter& filter,
                                                        float floor,
                                                        float least,
                                                        Touch touch,
                                                        BrightPixels& bright);

}  // namespace starflow
