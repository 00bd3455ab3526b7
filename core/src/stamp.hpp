// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The pixels around one star, without the background.

#include <starflow/core/background.hpp>
#include <starflow/core/detector.hpp>
#include <starflow/core/flags.hpp>
#include <starflow/core/frame_view.hpp>

#include <array>
#include <cstddef>

namespace starflow {

inline constexpr int kMaxStampRadius = 64;  ///< px
inline constexpr int kMaxStampSide = 2 * kMaxStampRadius + 1;

/// A rectangle of pixels, clipped at the frame's edges.
struct Stamp {
  int x0 = 0, y0 = 0;  ///< frame position of the first pixel
  int width = 0, height = 0;
  std::array<double, kMaxStampSide * kMaxStampSide> value;  ///< ADU above the background
  /// ADU^2 of the background. 0 = a bad pixel; negative = a saturated one, whose value is only a lower limit: fits
  /// leave it out, moments take it with the variance -v.
  std::array<double, kMaxStampSide * kMaxStampSide> variance;

  [[nodiscard]] std::size_t index(int column, int row) const noexcept {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column);
  }
};

/// Fills \p stamp with the square of half side \p radius (1..kMaxStampRadius px) around the pixel nearest to (x, y).
/// Empty (width 0) where it lies outside of the frame. The background is taken as linear between the stamp's corners.
void gather(const FrameView& frame,
            const Background& background,
            const Detector& detector,
            double x,
            double y,
            int radius,
            Stamp& stamp);

/// What the pixels within `radius` of the pixel nearest to (x, y) hold: edge, bad_pixel, bad_pixel_center, saturated.
[[nodiscard]] Flags stamp_flags(const FrameView& frame, const Stamp& stamp, double x, double y, int radius);

/// The part of a stamp within `radius` of a pixel; columns [x_begin, x_end) and rows [y_begin, y_end) of the stamp.
struct StampWindow {
  int x_begin = 0, x_end = 0, y_begin = 0, y_end = 0;
};
[[nodiscard]] StampWindow window_around(const Stamp& stamp, double x, double y, double radius);

}  // namespace starflow
