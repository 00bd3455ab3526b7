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

#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Calls `visit(std::type_identity<Model>, profile...)` with the model of a family and what its constructor takes after
/// the rules.
template <class D, ModelFamily kFamily, class Visit>
void visit_family(const FitRules& rules, const Visit& visit) {
  if constexpr (kFamily == ModelFamily::separable) {
    visit(std::type_identity<SeparableModel<D>>());
  } else {
    const auto with = [&]<class Radial>(const Radial& radial) {
      rules.circular() ? visit(std::type_identity<EllipticalModel<D, Radial, true>>(), radial)
                       : visit(std::type_identity<EllipticalModel<D, Radial, false>>(), radial);
    };
    if constexpr (kFamily == ModelFamily::gaussian) with(GaussianRadial<D>());
    if constexpr (kFamily == ModelFamily::half_moffat) with(HalfMoffatRadial<D>(rules.beta));
    if constexpr (kFamily == ModelFamily::moffat) with(MoffatRadial<D>());
  }
}

/// The same with the model that serves the rules.
template <class D, class Visit>
void visit_model(const FitRules& rules, const Visit& visit) {
  switch (rules.family()) {
    case ModelFamily::separable: return visit_family<D, ModelFamily::separable>(rules, visit);
    case ModelFamily::gaussian: return visit_family<D, ModelFamily::gaussian>(rules, visit);
    case ModelFamily::half_moffat: return visit_family<D, ModelFamily::half_moffat>(rules, visit);
    case ModelFamily::moffat: return visit_family<D, ModelFamily::moffat>(rules, visit);
  }
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
