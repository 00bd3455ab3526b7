// SPDX-License-Identifier: MIT
#include "centroid_lanes.hpp"

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "centroid_lanes.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "centroid_lanes-inl.hpp"
#include "circle_centroid-inl.hpp"
#include "log_parabola-inl.hpp"
#include "stamp_chi2-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

inline void centroid_batch(StarBlock& block, const CentroidRules& rules, CentroidLanes& lanes) {
  switch (rules.method) {
    case Method::moments: centroids::CircleCentroid(block, rules, lanes).run(); break;
    case Method::quadratic:
      centroids::LogParabola(block, rules, lanes).run();
      return centroids::StampChi2(block, rules, lanes).run_skew();
    default: centroids::WindowCentroid(block, rules, lanes).run();
  }
  centroids::StampChi2(block, rules, lanes).run();
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(centroid_batch);

void run_centroids(StarBlock& block, const CentroidRules& rules, CentroidLanes& lanes) {
  HWY_DYNAMIC_DISPATCH(centroid_batch)(block, rules, lanes);
}

}  // namespace starflow
#endif  // HWY_ONCE
