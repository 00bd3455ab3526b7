// SPDX-License-Identifier: MIT
#include "fit_family.hpp"

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fit_half_moffat.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "fit_family-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

void fit_half_moffat(const StarBlock& block, const FitRules& rules, Fits& fits) {
  fit_lanes<ModelFamily::half_moffat>(block, rules, fits);
}

void fit_half_moffat_again(const StarBlock& block, const FitRules& rules, std::size_t lane, Fit& fit) {
  fit_double<ModelFamily::half_moffat>(block, rules, lane, fit);
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(fit_half_moffat);
HWY_EXPORT(fit_half_moffat_again);

FitFamily half_moffat_fits() {
  return {[](const StarBlock& block, const FitRules& rules, Fits& fits) {
            HWY_DYNAMIC_DISPATCH(fit_half_moffat)(block, rules, fits);
          },
          [](const StarBlock& block, const FitRules& rules, std::size_t lane, Fit& fit) {
            HWY_DYNAMIC_DISPATCH(fit_half_moffat_again)(block, rules, lane, fit);
          }};
}

}  // namespace starflow
#endif  // HWY_ONCE
