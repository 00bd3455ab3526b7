// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the bands of one search have in common.

#include "bright_pixels.hpp"

namespace starflow {

struct BandJob {
  const FrameView& frame;
  const Background& background;
  const Detector& detector;
  const StarFilter& filter;
  float floor;  ///< sigma
  Touch touch;
};

}  // namespace starflow
