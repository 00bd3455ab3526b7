// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The frame seen through a filter of the stars' shape, in units of its own noise: the pixels that stand out.

#include <starflow/core/background.hpp>
#include <starflow/core/detect.hpp>
#include <starflow/core/detector.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// Bright pixels of a row that touch.
struct BrightRun {
  int y = 0, x = 0, n = 0;  ///< px
  std::size_t first = 0;    ///< index of the first pixel
};

/// A local maximum.
struct BrightPeak {
  std::size_t pixel = 0;
  double x = 0, y = 0;  ///< top of the parabolas through its neighbours, px
};

/// Offset of the extremum of the parabola through three values, within half a pixel.
[[nodiscard]] inline double parabola_offset(double left, double middle, double right) noexcept {
  const double curvature = left - 2 * middle + right;
  return curvature < 0 ? std::clamp(0.5 * (left - right) / curvature, -0.5, 0.5) : 0.0;
}

/// The pixels above the floor; all in raster order, one entry a pixel in each column.
struct BrightPixels {
  static constexpr std::uint8_t kUphill = 15;                ///< bits of `marks`: see there
  static constexpr std::uint8_t kBad = 16, kSaturated = 32;  ///< bits of `marks`
  static constexpr std::uint8_t kSelf = 4;                   ///< way up of a local maximum

  std::vector<float> height;  ///< signal to noise of a star there
  std::vector<float> signal;  ///< ADU above the background; 0 of a bad pixel
  std::vector<float> smooth;  ///< ADU above the background, smoothed by the 3x3 binomial kernel over valid pixels
  /// kBad, kSaturated, and the way up: the highest of itself and the pixels that it touches, 3 * (dy + 1) + dx + 1;
  /// of equals the first.
  std::vector<std::uint8_t> marks;
  std::vector<BrightRun> runs;
  std::vector<BrightPeak> peaks;

  void clear();  ///< keeps the memory
  [[nodiscard]] std::size_t size() const noexcept { return height.size(); }
  [[nodiscard]] std::uint8_t uphill(std::size_t pixel) const noexcept { return marks[pixel] & kUphill; }
};

/// Rows [first, end) of a frame.
struct RowBand {
  int first = 0, end = 0;
};

/// A matched filter: a pixel-integrated Gaussian of unit norm.
struct StarFilter {
  explicit StarFilter(double fwhm_px);

  int radius = 0;
  std::vector<float> k;  ///< along one axis, 2 * radius + 1; sum k^2 = 1
};

/// Whitens the frame, filters it, and collects what is above \p floor (in sigma) in the rows of \p bands (in falling
/// or rising order, not overlapping). On pure background noise the filtered values have mean 0 and standard deviation
/// 1, at edges and beside masked pixels too; where fewer than a quarter of the filter's weight falls on valid pixels
/// they are 0. Holds a few rows for each thread. The result does not depend on the number of threads.
/// \param found  memory that is reused, of the bands
void bright_pixels(const FrameView& frame,
                   const Background& background,
                   const Detector& detector,
                   const StarFilter& filter,
                   float floor,
                   Touch touch,
                   std::span<const RowBand> bands,
                   ParallelFor parallel,
                   std::vector<BrightPixels>& found,
                   BrightPixels& out);

/// The whole frame in bands.
[[nodiscard]] std::vector<RowBand> row_bands(int height, const StarFilter& filter);

}  // namespace starflow
