// SPDX-License-Identifier: MIT
#include "star_block.hpp"

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd_lanes.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "lane_math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

inline std::size_t count_lanes() { return hn::Lanes(FloatLanes()); }

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(count_lanes);

std::size_t simd_lanes() { return HWY_DYNAMIC_DISPATCH(count_lanes)(); }

}  // namespace starflow
#endif  // HWY_ONCE
