// SPDX-License-Identifier: MIT
#include "surface_row.hpp"

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "surface_row.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "surface_row-inl.hpp"

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(fill_pixels);
HWY_EXPORT(fill_inverse_pixels);

void fill_row(const SurfaceRow& row, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(fill_pixels)(row, out.data(), out.size());
}

void fill_inverse_row(const SurfaceRow& row, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(fill_inverse_pixels)(row, out.data(), out.size());
}

}  // namespace starflow
#endif  // HWY_ONCE
