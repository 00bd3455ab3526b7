// SPDX-License-Identifier: MIT
#include "fit.hpp"

#include "fit_family.hpp"

#include <algorithm>
#include <cmath>

namespace starflow {
namespace {

FitFamily fits_of(const FitRules& rules) {
  switch (rules.family()) {
    case ModelFamily::separable: return separable_fits();
    case ModelFamily::gaussian: return gaussian_fits();
    case ModelFamily::half_moffat: return half_moffat_fits();
    case ModelFamily::moffat: break;
  }
  return moffat_fits();
}

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

void run_fits(const StarBlock& block, const FitRules& rules, Fits& fits) {
  if (rules.stretch == StretchFreedom::either_axis) {
    Fits along_y;
    run_fits(block, along_axis(rules, 1), fits);
    run_fits(block, along_axis(rules, -1), along_y);
    for (std::size_t lane = 0; lane < block.size; ++lane) fits[lane] = better(fits[lane], along_y[lane]);
    return;
  }
  fits_of(rules).lanes(block, rules, fits);
  for (std::size_t lane = 0; lane < block.size; ++lane) fits[lane].termination = judge(fits[lane], block, lane, rules);
}

Fit refit(const StarBlock& block, std::size_t lane, const FitRules& rules) {
  if (rules.stretch == StretchFreedom::either_axis) {
    return better(refit(block, lane, along_axis(rules, 1)), refit(block, lane, along_axis(rules, -1)));
  }
  Fit fit;
  fits_of(rules).again(block, rules, lane, fit);
  fit.termination = judge(fit, block, lane, rules);
  return fit;
}

}  // namespace starflow
