// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Noise of the sky in one pixel.

#include <starflow/core/background.hpp>
#include <starflow/core/frame_view.hpp>

#include <cmath>

namespace starflow {

/// The frame's own, of the valid pixel (x, y), ADU^2; 0 where it brings none.
[[nodiscard]] inline double given_variance(const FrameView& frame, int x, int y) {
  if (!frame.variance || x < 0 || y < 0 || x >= frame.width || y >= frame.height) return 0;
  const auto given = static_cast<double>(frame.variance.row(y)[x]);
  return given > 0 && std::isfinite(given) ? given : 0;
}

/// Of the pixel (x, y), ADU^2: the frame's own where it brings one, else the background's.
[[nodiscard]] inline double sky_variance(const FrameView& frame, const Background& background, int x, int y) {
  if (const double given = given_variance(frame, x, y); given > 0) return given;
  const double noise = background.pixel_noise(x, y);
  return noise * noise;
}

}  // namespace starflow
