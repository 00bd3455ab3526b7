// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Things that belong together, as more and more of them are joined.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace starflow {

/// Numbers 0..n-1 in sets. A set goes by its lowest number, so what it is called does not depend on the order of joins.
/// Source: Tarjan & van Leeuwen 1984, J. ACM 31, 245: linking by index, path halving.
class DisjointSets {
 public:
  /// Each of \p n numbers is a set. Keeps the memory.
  void reset(std::size_t n) {
    parent_.resize(n);
    std::iota(parent_.begin(), parent_.end(), std::uint32_t{0});
  }

  /// Lowest number of the set that holds \p i.
  [[nodiscard]] std::uint32_t of(std::size_t i) {
    auto r = static_cast<std::uint32_t>(i);
    while (parent_[r] != r) r = parent_[r] = parent_[parent_[r]];
    return r;
  }

  /// \return lowest number of the joined set
  std::uint32_t join(std::size_t a, std::size_t b) {
    const auto [low, high] = std::minmax({of(a), of(b)});
    return parent_[high] = low;
  }

 private:
  std::vector<std::uint32_t> parent_;
};

}  // namespace starflow
