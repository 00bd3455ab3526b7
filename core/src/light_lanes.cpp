// SPDX-License-Identifier: MIT
#include "light_lanes.hpp"

#include "units.hpp"

#include <cmath>

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "light_lanes.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "light_lanes-inl.hpp"

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(light_batch);
HWY_EXPORT(aperture_batch);

double light_reach(double xx, double yy, double xy) {
  // As kron_ellipse() has it.
  const double widened = xx * yy - xy * xy > kPixelVariance * kPixelVariance ? 0 : kPixelVariance;
  return kKronReach * std::sqrt(0.5 * (xx + yy) + widened + std::hypot(0.5 * (xx - yy), xy));
}

void run_light(const StarBlock& block, const DaoShape& dao, int radius, LightLanes& lanes) {
  HWY_DYNAMIC_DISPATCH(light_batch)(block, dao, radius, lanes);
}

void run_aperture(const StarBlock& block, float radius, ApertureLanes& lanes) {
  HWY_DYNAMIC_DISPATCH(aperture_batch)(block, radius, lanes);
}

}  // namespace starflow
#endif  // HWY_ONCE
