// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Tells a star whose top was cut off, at a level that nobody gave, from one whose brightest pixels are alike by
/// chance.

#include <starflow/core/background.hpp>
#include <starflow/core/detect.hpp>
#include <starflow/core/detector.hpp>
#include <starflow/core/frame_view.hpp>

#include <cstddef>

namespace starflow {

/// How a star's pixels scatter, and how fast its light falls.
struct TopNoise {
  double level = 0;     ///< ADU of the sky
  double noise = 0;     ///< ADU, 1 sigma of a pixel of the sky
  double per_gain = 0;  ///< ADU of variance an ADU of light brings; 0 = not known
  double fwhm_px = 3;   ///< of the stars
};

[[nodiscard]] TopNoise top_noise(double level, double noise, const Detector& detector, double fwhm_px) noexcept;

/// The value that the brightest pixels of the star at (x, y) share where no star can give it to them, else +infinity.
/// Either three or more that touch each other are alike though noise would part them but once in a million stars, what
/// the pixels' values are multiples of considered; or they lie so far apart that the middle of a star would stand above
/// its sides by 6 sigma of their noise, and by more than two steps of their values.
/// \param x, y  px, of a pixel of the frame
[[nodiscard]] double flat_top(const FrameView& frame, int x, int y, const TopNoise& star) noexcept;

/// The level at which the tops of two or more of these stars are cut off, where no star stands above it and no other
/// level was given, else +infinity: what one camera does to one star it does to all. Two amplifiers may cut at two
/// levels: a star above one of them says that it is not the level of all.
[[nodiscard]] double common_top(const FrameView& frame,
                                const Background& background,
                                const Detector& detector,
                                const Detections& detections,
                                double fwhm_px) noexcept;

}  // namespace starflow
