// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// One row of pixels of a MeshSurface.

#include <array>
#include <cstddef>
#include <span>

namespace starflow {

/// A cubic B-spline in x whose coefficients are the weighted sum of four rows.
struct SurfaceRow {
  static constexpr std::size_t kMostKnots = 2048;

  const float* coefficients = nullptr;  ///< of the first row; the first belongs to the knot at -2
  std::ptrdiff_t stride = 0;
  std::array<double, 4> weight{};
  double knots_per_px = 0;
  float low = 0, high = 0;  ///< the values are held between these
};

/// Writes the value, or 1 / value, of pixels 0 .. out.size()-1. Knot k lies at px (k + 0.5) / knots_per_px - 0.5.
/// Agrees with double precision to a few roundings of a float, which differ between instruction sets.
void fill_row(const SurfaceRow& row, std::span<float> out);
void fill_inverse_row(const SurfaceRow& row, std::span<float> out);

}  // namespace starflow
