// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// One value for each tile of a frame: unknown ones filled in, wrong ones filtered out.

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

}  // namespace starflow
