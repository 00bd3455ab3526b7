// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Which stars of a list lie near a place: a grid of cells, made once a frame.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// Positions in the cells of a frame.
class NeighbourGrid {
 public:
  struct Entry {
    double x = 0, y = 0;  ///< px
    std::uint32_t star = 0;
  };

  /// Takes the positions over; those that are not finite are nobody's neighbours, those outside of the frame lie in
  /// the cells of its border. \p reach_px, > 0, is what near() is asked for most. Reuses its memory: no allocation for
  /// as many stars and as large a frame as it has held before. O(n).
  void build(std::span<const double> x, std::span<const double> y, int width, int height, double reach_px);

  /// Calls `visit(entry)` for each star, itself too, whose x and y are both within \p reach_px of the place. Their
  /// order depends on that of the list.
  template <class Visit>
  void near(double x, double y, double reach_px, Visit&& visit) const {
    if (begin_.empty()) return;
    const int first = cell(x - reach_px, columns_), last = cell(x + reach_px, columns_);
    for (int row = cell(y - reach_px, rows_); row <= cell(y + reach_px, rows_); ++row) {
      const auto line = static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_);
      const std::uint32_t end = begin_[line + static_cast<std::size_t>(last) + 1];
      for (std::uint32_t k = begin_[line + static_cast<std::size_t>(first)]; k < end; ++k) {
        const Entry& e = entries_[k];
        if (std::abs(e.x - x) <= reach_px && std::abs(e.y - y) <= reach_px) visit(e);
      }
    }
  }

 private:
  [[nodiscard]] int cell(double v, int count) const {
    return static_cast<int>(std::clamp(v * per_cell_, 0.0, count - 1.0));
  }

  double per_cell_ = 1;  // 1 / px
  int columns_ = 1, rows_ = 1;
  std::vector<std::uint32_t> begin_, cell_of_;  // of each cell, and the end
  std::vector<Entry> entries_;
};

/// The stars nearest to one, nearest first; of two as near the one that lies higher up, or left.
struct NearStars {
  static constexpr std::size_t kMost = 32;
  std::array<std::uint32_t, kMost> star;
  std::size_t size = 0;
  [[nodiscard]] std::span<const std::uint32_t> all() const { return {star.data(), size}; }
};

}  // namespace starflow
