// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The clip of HistogramClip on the values themselves.

#include "histogram_clip.hpp"
#include "tile_statistics.hpp"

#include <span>

namespace starflow {

/// Statistics of real numbers. The bins only tell where to look for a median: the answer does not depend on where they
/// lie, and follows the values when these are scaled, turned or mirrored, to a few roundings.
/// \param low, per_width  what the bins were counted with
[[nodiscard]] TileStatistics clip_values(std::span<const float> values,
                                         const HistogramClip& histogram,
                                         float low,
                                         float per_width,
                                         TileWorkspace& workspace);

}  // namespace starflow
