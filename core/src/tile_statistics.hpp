// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Robust level and noise of a heap of pixels.

#include "tile_histogram.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

struct TileStatistics {
  double level = 0;  ///< of the sky
  double noise = 0;  ///< 1 sigma; 0 where all pixels that were left are equal
};

/// What is used again from tile to tile.
struct TileWorkspace {
  /// Where the bins are to lie: that of the last tile serves the next, unless that proves wrong. A workspace starts
  /// afresh with each row of tiles, so that the bins do not depend on the number of threads.
  struct Scale {
    double median = 0, sigma = 0;  // sigma 0 = all values are equal, or nothing is known
  };
  Scale last;
  TileHistogram histogram;
  std::vector<float> picked, rest;
};

/// Counts \p values into bins of a 64th of their scatter (whole numbers: of a power of two quanta), clips at 3 sigma
/// around the median until nothing changes, and gives
/// - the mean, corrected for what the clip takes from a lopsided noise (Poisson of a few electrons), where the clip
///   took no more from the bright side than noise has there;
/// - the mode 2.5 median - 1.5 mean, where stars are many; their wings below the clip pull the mean by 2.5 times the
///   distance between mean and median;
/// - the median, where that distance is more than 0.3 sigma.
/// Between the first two the answer moves smoothly. The standard deviation is corrected for the clip.
/// Whole numbers in a bin of several count as spread evenly over it: that moves the median of a smooth distribution by
/// less than 0.001 sigma. Of other real numbers the bins only tell where to look.
/// \param values   1..TileHistogram::kMostPixels of them, finite
/// \param quantum  all values are multiples of this, of whole numbers a power of two; 0 = continuous
[[nodiscard]] TileStatistics clipped_statistics(std::span<const std::uint16_t> values,
                                                double quantum,
                                                TileWorkspace& workspace);
[[nodiscard]] TileStatistics clipped_statistics(std::span<const float> values,
                                                double quantum,
                                                TileWorkspace& workspace);

/// The value below which \p wanted of \p values (reordered, not empty) lie; ties as interpolated_median().
[[nodiscard]] float interpolated_rank(std::span<float> values, double wanted) noexcept;

/// Median of \p values (reordered, not empty). Values that tie are spread over the gap to their neighbours, so that
/// integer pixels give a fraction: without this a sky of 1.4 ADU noise is wrong by up to 0.35 sigma.
[[nodiscard]] float interpolated_median(std::span<float> values) noexcept;

}  // namespace starflow
