// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A table of stars whose every cell is different, for tests of what writes or judges tables.

#include <starflow/sdk/messages.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace starflow::test {

/// Each number is another irrational one, so that swapped columns and lost digits show.
inline StarTable distinct_stars(std::size_t n) {
  StarTable stars;
  stars.resize(n);
  double next = 1;
  for_each_column(stars, [&](auto, auto, auto, auto& column) {
    using Cell = typename std::remove_reference_t<decltype(column)>::value_type;
    for (Cell& cell : column) {
      next += 1;
      if constexpr (std::is_same_v<Cell, double>) {
        cell = std::sqrt(next) * std::pow(10, static_cast<int>(next) % 9 - 4);
      } else if constexpr (std::is_integral_v<Cell>) {
        cell = static_cast<Cell>(next);
      }
    }
  });
  for (Flags& f : stars.flags) f = 0;
  return stars;
}

inline StarList star_list(StarTable stars, FrameInfo info = {}) {
  StarList list;
  list.frame = std::make_shared<const FrameInfo>(std::move(info));
  list.background_adu = 101.25;
  list.noise_adu = 7.5;
  list.background_reliable = true;
  list.fwhm_px = 3;
  list.stars = std::move(stars);
  return list;
}

}  // namespace starflow::test
