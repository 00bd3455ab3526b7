// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Regular grids of positions, for pinhole masks and tests.

#include "position_file.hpp"

#include <optional>

namespace starflow {

inline constexpr double kMaxGridPositions = 1e7;

/// Spacing, number, or both; at least one of them.
struct GridShape {
  std::optional<double> spacing_px{};  ///< between neighbours, along rows and columns of the grid
  int columns = 0, rows = 0;           ///< 0 = as many as the frame has room for at that spacing
  double margin_px = 0;                ///< from the edge of the frame, without a number or a spacing
  double rotation_deg = 0;             ///< about the frame's centre, from +x towards +y
  double offset_x_px = 0, offset_y_px = 0;
};

/// The grid in a frame of \p width x \p height px, centred on it, then rotated about its centre, then shifted.
///
/// By spacing alone: one position stands at the (shifted) centre, and every one is kept that lies in the frame,
/// margin_px or more from the centres of its outermost pixels. By numbers alone: spread evenly from margin to margin of
/// the unrotated frame, one alone in the middle. By both: as many as asked for at that spacing. By numbers all are
/// kept, outside of the frame too. Ids count from 0 along the rows, so by numbers id = row * columns + column.
/// \throws FrameError `grid.no_room` where the margins leave nothing, `grid.too_many` above kMaxGridPositions
[[nodiscard]] Positions grid_positions(const GridShape& grid, int width, int height);

}  // namespace starflow
