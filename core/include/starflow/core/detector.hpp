// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the sensor adds to the light: gain, read noise, saturation.

#include <limits>

namespace starflow {

/// Sensor constants of one frame. Zero = unknown, where that is said.
struct Detector {
  double gain_e_per_adu = 0;  ///< e-/ADU; 0 = unknown: only the background variance counts
  double read_noise_e = 0;    ///< e-; 0 = unknown. Not added where the background noise is measured: it is in there
  double saturation_adu = std::numeric_limits<double>::infinity();  ///< at or above: saturated; infinity = unknown
};

}  // namespace starflow
