// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Points of a frame sorted into cells, to find those near a place without looking at all of them.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace starflow {

class PointGrid {
 public:
  /// \param cell_px  of the order of the distances that will be asked for; at least 1 px is used
  PointGrid(int width, int height, double cell_px)
      : cell_(std::max(cell_px, 1.0)), columns_(cells(width)), rows_(cells(height)), cell_points_(columns_ * rows_) {}

  void add(double x, double y) {
    cell_points_[cell(y, rows_) * columns_ + cell(x, columns_)].push_back(points_.size());
    points_.push_back({x, y});
  }

  /// Calls `visit(index, distance2_px2)` for each point within \p radius of (x, y); indices count from 0 in order of
  /// add().
  template <class Visit>
  void for_each_within(double x, double y, double radius, Visit&& visit) const {
    const std::size_t right = cell(x + radius, columns_), bottom = cell(y + radius, rows_);
    for (std::size_t j = cell(y - radius, rows_); j <= bottom; ++j) {
      for (std::size_t i = cell(x - radius, columns_); i <= right; ++i) {
        for (const std::size_t n : cell_points_[j * columns_ + i]) {
          const double dx = points_[n].x - x, dy = points_[n].y - y;
          const double distance2 = dx * dx + dy * dy;
          if (distance2 <= radius * radius) visit(n, distance2);
        }
      }
    }
  }
  [[nodiscard]] std::size_t count_within(double x, double y, double radius) const {
    std::size_t count = 0;
    for_each_within(x, y, radius, [&](std::size_t, double) { ++count; });
    return count;
  }
  [[nodiscard]] bool any_within(double x, double y, double radius) const { return count_within(x, y, radius) > 0; }

 private:
  struct Point {
    double x, y;
  };
  [[nodiscard]] std::size_t cells(int size) const { return static_cast<std::size_t>(std::max(size, 1) / cell_) + 1; }
  /// Points outside of the frame live in its outermost cells; NaN in the first.
  [[nodiscard]] std::size_t cell(double v, std::size_t count) const {
    const double c = std::floor(v / cell_);
    return c > 0 ? std::min(static_cast<std::size_t>(std::min(c, 1e9)), count - 1) : 0;
  }

  double cell_;
  std::size_t columns_, rows_;
  std::vector<std::vector<std::size_t>> cell_points_;
  std::vector<Point> points_;
};

}  // namespace starflow
