// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How a star's light is spread over radius.

#include "stamp.hpp"

namespace starflow {

/// Second moments of a detection, px^2.
struct Moments2 {
  double xx = 0, yy = 0, xy = 0;
};

struct HalfLight {
  double hfr = 0;          ///< px; NaN = not defined
  double mean_radius = 0;  ///< px; NaN = not defined
};

/// Radius of the circle about (x, y) that holds half of the flux in the star's Kron ellipse (2.5 Kron radii), and the
/// flux-weighted mean radius in that ellipse. Sources: Kron 1980, ApJS 43, 305; SExtractor manual, FLUX_RADIUS.
[[nodiscard]] HalfLight half_light(const Stamp& stamp, double x, double y, const Moments2& moments);

/// Half side of the stamp that half_light() needs, px.
[[nodiscard]] double half_light_reach(const Moments2& moments);

}  // namespace starflow
