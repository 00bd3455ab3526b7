// SPDX-License-Identifier: MIT
/// \file
/// Which model serves the rules of a fit.

// clang-format off
#if defined(STARFLOW_MODEL_CHOICE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_MODEL_CHOICE_INL
#undef STARFLOW_MODEL_CHOICE_INL
#else
#define STARFLOW_MODEL_CHOICE_INL
#endif
// clang-format on

#include "elliptical_model-inl.hpp"
#include "separable_model-inl.hpp"

#include <cmath>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

template <class D, bool kCircle, class Visit>
void visit_elliptical(const FitRules& rules, const Visit& visit) {
  const auto with = [&]<class Radial>(const Radial& radial) {
    visit(std::type_identity<EllipticalModel<D, Radial, kCircle>>(), radial);
  };
  if (rules.profile == Profile::gaussian) return with(GaussianRadial<D>());
  const double twice = 2 * rules.beta;
  if (!rules.free_beta && !rules.lane_shapes && twice == std::floor(twice))
    return with(HalfMoffatRadial<D>(rules.beta));
  with(MoffatRadial<D>());
}

/// Calls `visit(std::type_identity<Model>, profile...)` with the model and what its constructor takes after the rules.
template <class D, class Visit>
void visit_model(const FitRules& rules, const Visit& visit) {
  if (rules.separable()) return visit(std::type_identity<SeparableModel<D>>());
  rules.circular() ? visit_elliptical<D, true>(rules, visit) : visit_elliptical<D, false>(rules, visit);
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
