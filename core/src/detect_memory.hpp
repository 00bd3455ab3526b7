// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What a search for stars reuses from frame to frame.

#include <starflow/core/detect.hpp>
#include <starflow/core/measure.hpp>

#include "basins.hpp"
#include "bright_pixels.hpp"
#include "scene_residual.hpp"

#include <vector>

namespace starflow {

struct DetectMemory {
  std::vector<BrightPixels> bands;
  BrightPixels bright;
  Basins basins;
  SceneResidual residual;
  MeasureWorkspace fit;  // for the stars that tell the frame's FWHM
  StarTable stars;
};

}  // namespace starflow
