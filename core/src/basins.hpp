// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Splits bright pixels into the basins of their prominent peaks.

#include "bright_pixels.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starflow {

/// One peak that stands by itself.
struct Basin {
  std::size_t peak = 0;  ///< index into BrightPixels::peaks
  float beside = 0;      ///< height of the highest peak whose basin touches it, sigma; 0 = none
};

struct Basins {
  std::vector<Basin> basins;  ///< in falling height
  std::vector<std::int32_t>
      basin_of;  ///< of each bright pixel: index into basins; -1 where its peak lies in a row that was not searched
};

struct Prominence {
  float fraction = 0.1F;  ///< of a peak above its saddle, as a fraction of the peak
  float least = 3;        ///< the same in sigma
};

/// A watershed: each pixel belongs to the peak that the steepest way leads to; where two basins meet,
/// the lower one is absorbed unless its peak is prominent. Deterministic: of equal pixels the first counts as higher.
void split_basins(const BrightPixels& bright, int width, const Prominence& prominence, Touch touch, Basins& out);

}  // namespace starflow
