// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Passes over the values of a tile, a vector at a time.

#include <cstddef>
#include <span>

namespace starflow {

/// Room that a pass needs behind the values that it writes.
inline constexpr std::size_t kValuesBehind = 64;

/// Sums of the values in [low, high], from `centre`.
struct ValueSums {
  double n = 0, x = 0, xx = 0, xxx = 0;
};

/// Writes the values outside [low, high] in their order. \param rest  values.size() + kValuesBehind long
/// \return how many there are; \p sums those of the others
std::size_t split_values(
    std::span<const float> values, float low, float high, float centre, ValueSums& sums, float* rest);

/// Writes the values with first <= (value - low) * per_width < end in their order.
/// \param picked  values.size() + kValuesBehind long. \return how many there are
std::size_t pick_bins(std::span<const float> values, float low, float per_width, float first, float end, float* picked);

}  // namespace starflow
