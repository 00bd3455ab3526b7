// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Bright pixels by their place.

#include "bright_pixels.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace starflow {

/// Finds bright pixels in the frame: the runs of a row, and the pixel at a place. Borrows \p bright.
class BrightIndex {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  BrightIndex(const BrightPixels& bright, int height)
      : runs_(bright.runs), first_(static_cast<std::size_t>(height) + 1, bright.runs.size()) {
    std::size_t next = 0;
    for (std::size_t y = 0; y < first_.size(); ++y) {
      while (next < runs_.size() && runs_[next].y < static_cast<int>(y)) ++next;
      first_[y] = next;
    }
  }

  /// Of row \p y, inside of the frame, from left to right: those that end right of \p x.
  [[nodiscard]] std::span<const BrightRun> row(int y, int x = 0) const noexcept {
    const auto at = static_cast<std::size_t>(y);
    const auto all = runs_.subspan(first_[at], first_[at + 1] - first_[at]);
    const auto begin = std::ranges::partition_point(all, [x](const BrightRun& r) { return r.x + r.n <= x; });
    return {begin, all.end()};
  }

  /// Number of the pixel at (x, y), which may lie outside of the frame; kNone where it is not bright.
  [[nodiscard]] std::size_t at(int x, int y) const noexcept {
    if (y < 0 || static_cast<std::size_t>(y) + 1 >= first_.size()) return kNone;
    const std::span<const BrightRun> right = row(y, x);
    if (right.empty() || right.front().x > x) return kNone;
    return right.front().first + static_cast<std::size_t>(x - right.front().x);
  }

  /// Calls visit(x, number of the first pixel, n) for the stretches of bright pixels in [x0, x1] of row \p y; all may
  /// lie outside of the frame.
  template <class Visit>
  void visit(int y, int x0, int x1, const Visit& visit) const {
    if (y < 0 || static_cast<std::size_t>(y) + 1 >= first_.size()) return;
    for (const BrightRun& r : row(y, x0)) {
      if (r.x > x1) break;
      const int from = std::max(x0, r.x), to = std::min(x1, r.x + r.n - 1);
      visit(from, r.first + static_cast<std::size_t>(from - r.x), to - from + 1);
    }
  }

 private:
  std::span<const BrightRun> runs_;
  std::vector<std::size_t> first_;  // of each row
};

}  // namespace starflow
