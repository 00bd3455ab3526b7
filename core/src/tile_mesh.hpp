// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// One value for each tile of a frame: unknown ones filled in, wrong ones filtered out.

#include <span>
#include <vector>

namespace starflow {

struct MeshSize {
  int columns = 0, rows = 0;  ///< tiles
};

/// Gives each unknown (NaN) tile the mean of the nearest ring of known ones. At least one must be known.
void fill_unknown(std::vector<float>& v, const MeshSize& mesh);

/// Median over side x side tiles. \p keep_slope: at the rim the window lies to one side, so its own gradient is taken
/// out first.
void median_filter(std::vector<float>& v, const MeshSize& mesh, int side, bool keep_slope);

/// As the median filter with slopes kept, but a tile stays as far from the median as it is where that is more than
/// `slight` (> 0) and not more than four times the median distance in its window: so tops of hills stay, which the
/// median cuts off. Below `slight`, in proportion. Source of the test for outliers: Hampel's identifier, Davies &
/// Gather 1993, JASA 88, 782.
void keep_smooth(std::vector<float>& v, const MeshSize& mesh, int side, std::span<const float> slight);

}  // namespace starflow
