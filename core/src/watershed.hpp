// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Splits the bright pixels of a plane into the basins of its prominent peaks.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// One peak and the pixels that belong to it.
struct Basin {
  std::size_t peak = 0;  ///< index of the brightest pixel
  float height = 0;      ///< its value
  bool touches_other = false;
};

struct Basins {
  std::vector<Basin> basins;           ///< in falling height
  std::vector<std::size_t> pixels;     ///< all pixels above the floor, in falling value
  std::vector<std::int32_t> basin_of;  ///< of pixels[k]: index into basins
};

struct WatershedOptions {
  float floor = 3;           ///< pixels above this take part
  float prominence = 0.1F;   ///< of a peak above its saddle, as a fraction of the peak
  float min_prominence = 3;  ///< the same in the plane's own units
};

/// Floods the plane from the top: a pixel joins the basin of its brightest neighbour (8-connected); where two basins
/// meet, the lower one is absorbed unless its peak is prominent. Deterministic: equal values are taken in index order.
[[nodiscard]] Basins watershed(std::span<const float> plane, int width, int height, const WatershedOptions& options);

}  // namespace starflow
