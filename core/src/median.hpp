// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The middle one of some values.

#include <algorithm>
#include <cstddef>
#include <span>

namespace starflow {

/// The upper one of two. \p values are not empty, none is NaN, and they get another order.
template <class T>
[[nodiscard]] T upper_median(std::span<T> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace starflow
