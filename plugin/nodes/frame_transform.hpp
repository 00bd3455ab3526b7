// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// From the pixels of one frame to those of another.

#include <array>
#include <cmath>

namespace starflow {

struct StarPoint {
  double x = 0, y = 0;  ///< px
};

inline double distance(StarPoint a, StarPoint b) { return std::hypot(a.x - b.x, a.y - b.y); }

/// x' = xx x + xy y + x0, y' = yx x + yy y + y0.
struct FrameTransform {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;

  [[nodiscard]] StarPoint operator()(StarPoint p) const noexcept {
    return {xx * p.x + xy * p.y + x0, yx * p.x + yy * p.y + y0};
  }
  [[nodiscard]] std::array<double, 6> coefficients() const noexcept { return {xx, xy, x0, yx, yy, y0}; }
};

}  // namespace starflow
