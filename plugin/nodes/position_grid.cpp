// SPDX-License-Identifier: MIT
#include "position_grid.hpp"

#include <starflow/sdk/node.hpp>

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <numbers>

namespace starflow {
namespace {

/// One side of the grid, before rotation: positions (i - (count - 1) / 2) * step from the centre.
struct Side {
  int count = 0;
  double step = 0;

  [[nodiscard]] double at(int i) const { return (i - 0.5 * (count - 1)) * step; }
};

/// Evenly from margin to margin of \p size pixels.
Side spread(int count, int size, double margin) {
  return {count, count > 1 ? (size - 1 - 2 * margin) / (count - 1) : 0.0};
}

/// As many as reach \p radius on both sides of the centre; one stands on it.
Side reach(double radius, double spacing) {
  if (radius / spacing > kMaxGridPositions) return {static_cast<int>(kMaxGridPositions), spacing};
  return {2 * static_cast<int>(radius / spacing) + 1, spacing};
}

}  // namespace

Positions grid_positions(const GridShape& grid, int width, int height) {
  const double right = width - 1 - grid.margin_px, bottom = height - 1 - grid.margin_px;
  if (right < grid.margin_px || bottom < grid.margin_px) {
    throw FrameError("grid.no_room", fmt::format("of {}x{} px has no room for a grid within margins of {} px", width,
                                                 height, grid.margin_px));
  }
  const bool all = grid.columns > 0;
  Side across, down;
  if (!all) {
    // The frame's half diagonal, as any corner can come to lie on an axis of the grid, and the shift.
    const double radius = 0.5 * std::hypot(width, height) + std::hypot(grid.offset_x_px, grid.offset_y_px);
    across = down = reach(radius, *grid.spacing_px);
  } else if (grid.spacing_px) {
    across = {grid.columns, *grid.spacing_px};
    down = {grid.rows, *grid.spacing_px};
  } else {
    across = spread(grid.columns, width, grid.margin_px);
    down = spread(grid.rows, height, grid.margin_px);
  }
  const auto refuse_many = [&] {
    throw FrameError("grid.too_many",
                     fmt::format("of {}x{} px would get more than {:.0f} positions", width, height, kMaxGridPositions));
  };
  // Most of the square about a narrow frame lies outside of it; this bounds the time that it takes to find out.
  if (1.0 * across.count * down.count > 100 * kMaxGridPositions) refuse_many();
  const double angle = grid.rotation_deg * std::numbers::pi / 180;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  Positions out;
  for (int j = 0; j < down.count; ++j) {
    for (int i = 0; i < across.count; ++i) {
      const double u = across.at(i), v = down.at(j);
      const double x = 0.5 * (width - 1) + grid.offset_x_px + u * cosine - v * sine;
      const double y = 0.5 * (height - 1) + grid.offset_y_px + u * sine + v * cosine;
      if (!all && (x < grid.margin_px || x > right || y < grid.margin_px || y > bottom)) continue;
      if (static_cast<double>(out.id.size()) >= kMaxGridPositions) refuse_many();
      out.id.push_back(static_cast<std::int64_t>(out.id.size()));
      out.x.push_back(x);
      out.y.push_back(y);
    }
  }
  return out;
}

}  // namespace starflow
