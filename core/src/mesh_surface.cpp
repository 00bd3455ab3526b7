// SPDX-License-Identifier: MIT
#include <starflow/core/background.hpp>

#include "surface_row.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

namespace starflow {
namespace {

constexpr int kPad = 2;  // coefficients beyond each end

/// The four cubic B-spline weights at t in [0, 1) of an interval.
std::array<double, 4> weights(double t) {
  const double s = 1 - t;
  return {s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6, t * t * t / 6};
}

/// Their derivatives by t.
std::array<double, 4> slopes(double t) {
  const double s = 1 - t;
  return {-s * s / 2, (3 * t * t - 4 * t) / 2, -(3 * s * s - 4 * s) / 2, t * t / 2};
}

struct Knot {
  int interval = 0;  // index of the tile centre to the left, -1 before the first
  double t = 0;
};

Knot locate(double px, double per_px, int n) {
  const double u = std::clamp((px + 0.5) * per_px - 0.5, -1.0, static_cast<double>(n) - 1e-9);
  const double left = std::floor(u);
  return {static_cast<int>(left), u - left};
}

/// Turns n samples, `stride` apart, into B-spline coefficients in place; the samples start kPad in.
/// Thomas' algorithm on (c[i-1] + 4 c[i] + c[i+1]) / 6 = f[i]. Where the second difference c[i-1] - 2 c[i] + c[i+1] of
/// an end is to be q, c = f - q / 6 there; q goes on beyond it.
void to_coefficients(double* f, std::ptrdiff_t stride, int n, MeshSurface::Rim rim, std::vector<double>& scratch) {
  const auto at = [f, stride](int i) -> double& { return f[(i + kPad) * stride]; };
  if (n == 1) {
    for (int i = 1; i <= kPad; ++i) at(-i) = at(i) = at(0);
    return;
  }
  const bool bent = rim == MeshSurface::Rim::bent && n > 2;
  const double start = bent ? at(0) - 2 * at(1) + at(2) : 0, end = bent ? at(n - 1) - 2 * at(n - 2) + at(n - 3) : 0;
  at(0) -= start / 6;
  at(n - 1) -= end / 6;
  scratch.assign(static_cast<std::size_t>(n), 0.0);
  for (int i = 1; i + 1 < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const double pivot = 4 - (i > 1 ? scratch[k - 1] : 0.0);
    scratch[k] = 1 / pivot;
    at(i) = (6 * at(i) - at(i - 1)) / pivot;
  }
  for (int i = n - 2; i > 0; --i) at(i) -= scratch[static_cast<std::size_t>(i)] * at(i + 1);
  for (int i = 1; i <= kPad; ++i) {
    at(-i) = 2 * at(1 - i) - at(2 - i) + start;
    at(n - 1 + i) = 2 * at(n - 2 + i) - at(n - 3 + i) + end;
  }
}

}  // namespace

MeshSurface::MeshSurface(std::vector<float> values, int columns, int rows, int width, int height, Rim rim)
    : columns_(columns),
      rows_(rows),
      per_px_x_(static_cast<double>(columns) / width),
      per_px_y_(static_cast<double>(rows) / height) {
  const int padded = columns + 2 * kPad;
  std::vector<double> grid(static_cast<std::size_t>(padded) * static_cast<std::size_t>(rows + 2 * kPad));
  for (int j = 0; j < rows; ++j) {
    for (int i = 0; i < columns; ++i) {
      grid[static_cast<std::size_t>((j + kPad) * padded + i + kPad)] =
          static_cast<double>(values[static_cast<std::size_t>(j * columns + i)]);
    }
  }
  std::vector<double> scratch;
  for (int j = 0; j < rows; ++j)
    to_coefficients(&grid[static_cast<std::size_t>((j + kPad) * padded)], 1, columns, rim, scratch);
  for (int i = 0; i < padded; ++i) to_coefficients(&grid[static_cast<std::size_t>(i)], padded, rows, rim, scratch);
  coefficients_.assign(grid.begin(), grid.end());
}

float MeshSurface::at(double x, double y) const noexcept {
  if (coefficients_.empty()) return 0;
  const Knot kx = locate(x, per_px_x_, columns_), ky = locate(y, per_px_y_, rows_);
  const auto wx = weights(kx.t), wy = weights(ky.t);
  double sum = 0;
  for (int j = 0; j < 4; ++j) {
    const float* c =
        &coefficients_[static_cast<std::size_t>((ky.interval + 1 + j) * (columns_ + 2 * kPad) + kx.interval + 1)];
    double line = 0;
    for (int i = 0; i < 4; ++i) line += wx[static_cast<std::size_t>(i)] * static_cast<double>(c[i]);
    sum += wy[static_cast<std::size_t>(j)] * line;
  }
  return static_cast<float>(sum);
}

MeshSurface::Tangent MeshSurface::tangent(double x, double y) const noexcept {
  if (coefficients_.empty()) return {};
  const Knot kx = locate(x, per_px_x_, columns_), ky = locate(y, per_px_y_, rows_);
  const auto wx = weights(kx.t), wy = weights(ky.t), sx = slopes(kx.t), sy = slopes(ky.t);
  Tangent out;
  for (std::size_t j = 0; j < 4; ++j) {
    const float* c =
        &coefficients_[(static_cast<std::size_t>(ky.interval + 1) + j) * static_cast<std::size_t>(columns_ + 2 * kPad) +
                       static_cast<std::size_t>(kx.interval + 1)];
    double line = 0, slope = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      line += wx[i] * static_cast<double>(c[i]);
      slope += sx[i] * static_cast<double>(c[i]);
    }
    out.value += wy[j] * line;
    out.slope_x += wy[j] * slope;
    out.slope_y += sy[j] * line;
  }
  out.slope_x *= per_px_x_;
  out.slope_y *= per_px_y_;
  return out;
}

SurfaceRow MeshSurface::at_row(int y, Range range) const noexcept {
  const Knot ky = locate(y, per_px_y_, rows_);
  const std::ptrdiff_t stride = columns_ + 2 * kPad;
  return {&coefficients_[static_cast<std::size_t>((ky.interval + 1) * stride)],
          stride,
          weights(ky.t),
          per_px_x_,
          range.low,
          range.high};
}

void MeshSurface::row(int y, std::span<float> out, Range range) const noexcept {
  if (coefficients_.empty()) {
    std::ranges::fill(out, std::clamp(0.0F, range.low, range.high));
    return;
  }
  fill_row(at_row(y, range), out);
}

void MeshSurface::inverse_row(int y, std::span<float> out, Range range) const noexcept {
  if (coefficients_.empty()) {
    std::ranges::fill(out, 1 / std::clamp(0.0F, range.low, range.high));
    return;
  }
  fill_inverse_row(at_row(y, range), out);
}

}  // namespace starflow
