// SPDX-License-Identifier: MIT
#include "fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fit.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "fit_kernel-inl.hpp"
#include "model_choice-inl.hpp"

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

template <class D>
void fit_any(const StarBlock& block, std::size_t lane, const FitRules& rules, FitOutput<D>& out) {
  visit_model<D>(rules, [&]<class Model>(std::type_identity<Model>, const auto&... profile) {
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

void fit_block(const StarBlock& block, const FitRules& rules, std::array<Fit, StarBlock::kMaxLanes>& fits) {
  FitOutput<FloatLanes> out;
  fit_any(block, 0, rules, out);
  for (std::size_t lane = 0; lane < block.size; ++lane) read_lane(out, lane, fits[lane]);
}

void fit_again(const StarBlock& block, std::size_t lane, const FitRules& rules, Fit& fit) {
  FitOutput<DoubleLane> out;
  fit_any(block, lane, rules, out);
  read_lane(out, 0, fit);
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(fit_block);
HWY_EXPORT(fit_again);

namespace {

/// Whether a fit may stand: finite, positive, near its start, no wider than its square can tell.
Termination judge(const Fit& fit, const StarBlock& block, std::size_t lane, const FitRules& rules) {
  const auto& p = fit.value;
  if (!std::ranges::all_of(p, [](double v) { return std::isfinite(v); })) return Termination::nonfinite;
  if (!(p[kFitFlux] > 0)) return Termination::nonpositive_flux;
  const auto square = [](double v) { return v * v; };
  const double dx = p[kFitX] - static_cast<double>(block.x[lane]), dy = p[kFitY] - static_cast<double>(block.y[lane]);
  if (square(dx) + square(dy) > square(rules.move_limit)) return Termination::moved_from_seed;
  const bool wide = rules.free_width && p[kFitWidth] >= std::log(0.999 * fit_rule::kMaxFwhmRadii * rules.radius);
  const bool long_drawn = (rules.stretch == StretchFreedom::along_x || rules.stretch == StretchFreedom::along ||
                           rules.stretch == StretchFreedom::free) &&
                          square(p[kFitE1]) + square(p[kFitE2]) >= square(0.999 * fit_rule::kMaxStretch);
  return wide || long_drawn ? Termination::at_bound : fit.termination;
}

/// The rules with the axis ratio held along x (\p sign 1) or y (-1).
FitRules along_axis(const FitRules& rules, double sign) {
  FitRules one = rules;
  one.stretch = StretchFreedom::held;
  one.e1 = sign * std::abs(rules.e1);
  return one;
}

/// Of two fits of a star, the one that converged, or fits better.
const Fit& better(const Fit& along_x, const Fit& along_y) {
  const bool x = along_x.termination == Termination::converged, y = along_y.termination == Termination::converged;
  return (x == y ? along_y.chi2 < along_x.chi2 : y) ? along_y : along_x;
}

}  // namespace

void run_fits(const StarBlock& block, const FitRules& rules, std::array<Fit, StarBlock::kMaxLanes>& fits) {
  if (rules.stretch == StretchFreedom::either_axis) {
    std::array<Fit, StarBlock::kMaxLanes> along_y;
    run_fits(block, along_axis(rules, 1), fits);
    run_fits(block, along_axis(rules, -1), along_y);
    for (std::size_t lane = 0; lane < block.size; ++lane) fits[lane] = better(fits[lane], along_y[lane]);
    return;
  }
  HWY_DYNAMIC_DISPATCH(fit_block)(block, rules, fits);
  for (std::size_t lane = 0; lane < block.size; ++lane) fits[lane].termination = judge(fits[lane], block, lane, rules);
}

Fit refit(const StarBlock& block, std::size_t lane, const FitRules& rules) {
  if (rules.stretch == StretchFreedom::either_axis) {
    return better(refit(block, lane, along_axis(rules, 1)), refit(block, lane, along_axis(rules, -1)));
  }
  Fit fit;
  HWY_DYNAMIC_DISPATCH(fit_again)(block, lane, rules, fit);
  fit.termination = judge(fit, block, lane, rules);
  return fit;
}

}  // namespace starflow
#endif  // HWY_ONCE
