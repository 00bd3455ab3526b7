// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Bright pixels by their place.

#include "bright_pixels.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// Finds bright pixels in the frame: the runs of a row, and the pixel at a place. Borrows \p bright.
class BrightIndex {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  BrightIndex(const BrightPixels& bright, int width, int height)
      : runs_(bright.runs),
        rows_(height),
        cells_((width >> kCellBits) + 1),
        first_(static_cast<std::size_t>(height) * static_cast<std::size_t>(cells_) + 1) {
    std::uint32_t next = 0;
    for (int y = 0; y < height; ++y) {
      const auto row = first_.begin() + static_cast<std::ptrdiff_t>(y) * cells_;
      int cell = 0;
      for (; next < runs_.size() && runs_[next].y == y; ++next) {
        const int beyond = ((end(runs_[next]) - 1) >> kCellBits) + 1;
        if (beyond > cell) std::fill(row + cell, row + beyond, next);
        cell = std::max(cell, beyond);
      }
      std::fill(row + cell, row + cells_, next);
    }
    first_.back() = next;
  }

  /// Of row \p y, inside of the frame, from left to right: those that end right of \p x.
  [[nodiscard]] std::span<const BrightRun> row(int y, int x = 0) const noexcept {
    const std::size_t row = static_cast<std::size_t>(y) * static_cast<std::size_t>(cells_);
    const std::size_t last = first_[row + static_cast<std::size_t>(cells_)];
    std::size_t first = first_[row + static_cast<std::size_t>(std::clamp(x >> kCellBits, 0, cells_ - 1))];
    while (first < last && end(runs_[first]) <= x) ++first;
    return runs_.subspan(first, last - first);
  }

  /// Number of the pixel at (x, y), which may lie outside of the frame; kNone where it is not bright.
  [[nodiscard]] std::size_t at(int x, int y) const noexcept {
    if (y < 0 || y >= rows_) return kNone;
    const std::span<const BrightRun> right = row(y, x);
    if (right.empty() || right.front().x > x) return kNone;
    return right.front().first + static_cast<std::size_t>(x - right.front().x);
  }

  /// Calls visit(x, number of the first pixel, n) for the stretches of bright pixels in [x0, x1] of row \p y; all may
  /// lie outside of the frame.
  template <class Visit>
  void visit(int y, int x0, int x1, const Visit& visit) const {
    if (y < 0 || y >= rows_) return;
    for (const BrightRun& r : row(y, x0)) {
      if (r.x > x1) break;
      const int from = std::max(x0, r.x), to = std::min(x1, r.x + r.n - 1);
      visit(from, r.first + static_cast<std::size_t>(from - r.x), to - from + 1);
    }
  }

 private:
  static constexpr int kCellBits = 6;  // of a row: the few runs of a cell are gone through one by one

  static int end(const BrightRun& run) noexcept { return run.x + run.n; }

  std::span<const BrightRun> runs_;
  int rows_, cells_;                  // of the frame; of a row
  std::vector<std::uint32_t> first_;  // of each cell: the first run that ends in it or right of it
};

}  // namespace starflow
