// SPDX-License-Identifier: MIT
/// \file
/// The fits of one family of models, as a file of their own compiles them: these kernels take longer to compile than
/// the rest of the library.

// clang-format off
#if defined(STARFLOW_FIT_FAMILY_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_FIT_FAMILY_INL
#undef STARFLOW_FIT_FAMILY_INL
#else
#define STARFLOW_FIT_FAMILY_INL
#endif
// clang-format on

#include "fit_family.hpp"
#include "fit_kernel-inl.hpp"
#include "model_choice-inl.hpp"

#include <cmath>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

template <class Model, class D, class... Profile>
HWY_NOINLINE void fit_model(
    const StarBlock& block, std::size_t lane, const FitRules& rules, FitOutput<D>& out, const Profile&... profile) {
  FitKernel<D, Model> kernel(block, lane, rules, profile...);
  if constexpr (std::is_same_v<Real<D>, float>) {
    kernel.run();
  } else {
    kernel.run_damped();
  }
  kernel.finish(out);
}

template <ModelFamily kFamily, class D>
void fit_any(const StarBlock& block, std::size_t lane, const FitRules& rules, FitOutput<D>& out) {
  visit_family<D, kFamily>(rules, [&]<class Model>(std::type_identity<Model>, const auto&... profile) {
    fit_model<Model>(block, lane, rules, out, profile...);
  });
}

/// The cells of one lane as a Fit.
template <class D>
void read_lane(const FitOutput<D>& out, std::size_t lane, Fit& fit) {
  const std::size_t stride = hn::Lanes(D());
  const auto cell = [&](const auto& table, std::size_t k) {
    return static_cast<double>(table.cell[k * stride + lane]);
  };
  for (std::size_t k = 0; k < kFitSize; ++k) {
    fit.value[k] = cell(out.value, k);
    const double v = cell(out.variance, k);
    fit.variance[k] = v > 0 ? v : std::numeric_limits<double>::quiet_NaN();
  }
  fit.cov_xy = cell(out.cov_xy, 0);
  fit.chi2 = cell(out.chi2, 0);
  fit.residual_fraction = cell(out.residual, 0) / cell(out.light, 0);
  fit.power = cell(out.power, 0);
  fit.skew = cell(out.skew, 0);
  fit.iterations = static_cast<int>(cell(out.iterations, 0));
  fit.beta_at_bound = cell(out.beta_at_bound, 0) > 0;
  fit.narrow = cell(out.narrow, 0) > 0;
  fit.termination = cell(out.converged, 0) > 0  ? Termination::converged
                    : !std::isfinite(fit.chi2)  ? Termination::nonfinite
                    : cell(out.singular, 0) > 0 ? Termination::singular
                    : cell(out.stalled, 0) > 0  ? Termination::stalled
                                                : Termination::max_iterations;
}

/// The stars of \p block in lanes.
template <ModelFamily kFamily>
void fit_lanes(const StarBlock& block, const FitRules& rules, Fits& fits) {
  FitOutput<FloatLanes> out;
  fit_any<kFamily>(block, 0, rules, out);
  for (std::size_t lane = 0; lane < block.size; ++lane) read_lane(out, lane, fits[lane]);
}

/// One of them in double.
template <ModelFamily kFamily>
void fit_double(const StarBlock& block, const FitRules& rules, std::size_t lane, Fit& fit) {
  FitOutput<DoubleLane> out;
  fit_any<kFamily>(block, lane, rules, out);
  read_lane(out, 0, fit);
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
