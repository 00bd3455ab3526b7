// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// One measured star before it goes into the table.

#include <starflow/core/star_table.hpp>

#include <limits>
#include <type_traits>

namespace starflow {

template <class T>
using RowCell = T;

struct StarRow : StarFields<RowCell> {
  StarRow() : StarFields<RowCell>{} {
    for_each_column(*this, [](auto, auto, auto, auto& field) {
      using T = std::remove_reference_t<decltype(field)>;
      if constexpr (std::is_floating_point_v<T>) field = std::numeric_limits<T>::quiet_NaN();
    });
  }
};

}  // namespace starflow
