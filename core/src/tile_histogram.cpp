// SPDX-License-Identifier: MIT
#include "tile_histogram.hpp"

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tile_histogram.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "tile_histogram-inl.hpp"

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(count_whole_bins);
HWY_EXPORT(count_real_bins);
HWY_EXPORT(copy_whole_rows);
HWY_EXPORT(copy_real_rows);
HWY_EXPORT(copy_levelled_real);
HWY_EXPORT(copy_levelled_whole);

void count_whole(std::span<const std::uint16_t> values, int low, int shift, TileHistogram& histogram) {
  HWY_DYNAMIC_DISPATCH(count_whole_bins)(values.data(), values.size(), low, shift, histogram);
}

void count_real(std::span<const float> values, float low, float per_width, TileHistogram& histogram) {
  HWY_DYNAMIC_DISPATCH(count_real_bins)(values.data(), values.size(), low, per_width, histogram);
}

std::uint16_t copy_whole(const Patch<std::uint16_t>& from, std::uint16_t* to) {
  return HWY_DYNAMIC_DISPATCH(copy_whole_rows)(from, to);
}

bool copy_real(const Patch<float>& from, float pedestal, float* to) {
  return HWY_DYNAMIC_DISPATCH(copy_real_rows)(from, pedestal, to);
}

bool copy_levelled(const Patch<float>& from, const Patch<float>& levels, float pedestal, float quantum, float* to) {
  return HWY_DYNAMIC_DISPATCH(copy_levelled_real)(from, levels, pedestal, quantum, to);
}

bool copy_levelled(
    const Patch<std::uint16_t>& from, const Patch<float>& levels, float pedestal, float quantum, float* to) {
  return HWY_DYNAMIC_DISPATCH(copy_levelled_whole)(from, levels, pedestal, quantum, to);
}

}  // namespace starflow
#endif  // HWY_ONCE
