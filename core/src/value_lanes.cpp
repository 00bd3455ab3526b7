// SPDX-License-Identifier: MIT
#include "value_lanes.hpp"

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "value_lanes.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "value_lanes-inl.hpp"

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(split_value_lanes);
HWY_EXPORT(pick_bin_lanes);

std::size_t split_values(
    std::span<const float> values, float low, float high, float centre, ValueSums& sums, float* rest) {
  return HWY_DYNAMIC_DISPATCH(split_value_lanes)(values.data(), values.size(), low, high, centre, sums, rest);
}

std::size_t pick_bins(
    std::span<const float> values, float low, float per_width, float first, float end, float* picked) {
  return HWY_DYNAMIC_DISPATCH(pick_bin_lanes)(values.data(), values.size(), low, per_width, first, end, picked);
}

}  // namespace starflow
#endif  // HWY_ONCE
