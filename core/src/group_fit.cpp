// SPDX-License-Identifier: MIT
#include "group_fit.hpp"

#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "group_fit.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "group_kernel-inl.hpp"
#include "group_separable-inl.hpp"
#include "model_choice-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

void fit_members(
    const StarBlock& block, std::size_t lane, const FitRules& rules, const GroupProblem& problem, GroupFit& out) {
  if (rules.separable()) return GroupKernel<SeparableGroup<double>>(block, lane, rules, problem).run(out);
  visit_model<DoubleLane>(rules, [&]<class Model>(std::type_identity<Model>, const auto&... profile) {
    GroupKernel<GroupEquations<Model>>(block, lane, rules, problem, profile...).run(out);
  });
}

void take_out_of(StarBlock& block, std::size_t lane, const FitRules& rules, const StarModel& star) {
  const double pitch = block.pitch, unit = block.unit_adu[lane];
  const double x = (star.x - block.centre_x[lane]) / pitch, y = (star.y - block.centre_y[lane]) / pitch;
  const int reach = model_reach(rules), middle_x = static_cast<int>(std::lround(x)),
            middle_y = static_cast<int>(std::lround(y));
  const int left = middle_x - reach + block.radius, top = middle_y - reach + block.radius;
  const int side = static_cast<int>(block.side());
  const int first = std::max(0, left), last = std::min(side, left + 2 * reach + 1);
  const auto per_gain = static_cast<double>(block.per_gain[lane]);
  visit_model<DoubleLane>(rules, [&]<class Model>(std::type_identity<Model>, const auto&... profile) {
    Model model(rules, profile...);
    Parameters<DoubleLane> p;
    p.clear();
    p.cell[kFitX] = x - middle_x;
    p.cell[kFitY] = y - middle_y;
    p.cell[kFitWidth] = star.log_fwhm - std::log(pitch);
    p.cell[kFitE1] = star.e1;
    p.cell[kFitE2] = star.e2;
    p.cell[kFitBeta] = star.beta;
    model.prepare(p, reach);
    Row<DoubleLane> light;
    for (int j = std::max(0, top); j < std::min(side, top + 2 * reach + 1); ++j) {
      const auto row = static_cast<std::size_t>(j - top), across = static_cast<std::size_t>(2 * reach + 1);
      model.light(row, across, hn::Set(DoubleLane(), star.flux / unit), light);
      for (int i = first; i < last; ++i) {
        const std::size_t k = block.index(static_cast<std::size_t>(i), static_cast<std::size_t>(j), lane);
        float& variance = block.variance[k];
        if (variance >= StarBlock::kMissing) continue;
        const double own = light.cell[static_cast<std::size_t>(i - left)];
        block.value[k] = static_cast<float>(static_cast<double>(block.value[k]) - own);
        variance += static_cast<float>(std::copysign(own * per_gain, static_cast<double>(variance)));
      }
    }
  });
  block.clean[lane] = false;  // its variances are no longer 1
  block.plain = 0;
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(fit_members);
HWY_EXPORT(take_out_of);

namespace {

/// As fit_members(), with the stretch tried along x and along y where the rules leave that open.
void fit_stretched(
    const StarBlock& block, std::size_t lane, const FitRules& rules, const GroupProblem& problem, GroupFit& out) {
  const bool either = rules.stretch == StretchFreedom::either_axis;
  if (!either && rules.stretch != StretchFreedom::turned) {
    HWY_DYNAMIC_DISPATCH(fit_members)(block, lane, rules, problem, out);
    return;
  }
  FitRules one = rules;
  if (either) one.stretch = StretchFreedom::held;
  HWY_DYNAMIC_DISPATCH(fit_members)(block, lane, one, problem, out);
  GroupFit across;
  one.e1 = -rules.e1;
  one.e2 = -rules.e2;
  HWY_DYNAMIC_DISPATCH(fit_members)(block, lane, one, problem, across);
  const auto good = [](const GroupFit& fit) { return std::isfinite(fit.star[0].variance[kFitX]); };
  if (good(out) == good(across) ? across.star[0].chi2 < out.star[0].chi2 : good(across)) out = across;
}

/// Which member the group would be better without; its size where all may stand. \param reason  of that one
std::size_t misfit(const GroupFit& fit, std::size_t size, Termination& reason) {
  std::size_t worst = size, faintest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t s = 0; s < size; ++s) {
    const double flux = fit.star[s].value[kFitFlux];
    const bool dark = !(flux > 0), moved = fit.star[s].termination == Termination::moved_from_seed;
    if (!(flux >= fit.star[faintest].value[kFitFlux])) faintest = s;
    if (!dark && !moved) continue;
    if (worst < size && !(flux < least)) continue;
    worst = s;
    least = flux;
    reason = dark ? Termination::nonpositive_flux : Termination::moved_from_seed;
  }
  if (worst < size || fit.star[0].termination == Termination::converged) return worst;
  reason = fit.star[faintest].termination;
  return faintest;
}

}  // namespace

int model_reach(const FitRules& rules) {
  const double widths = rules.profile == Profile::gaussian ? 3 : 4;  // a Gaussian has 1e-11 of its peak there
  return std::min(StarBlock::kMaxRadius, static_cast<int>(std::ceil(widths * rules.fwhm)) + 1);
}

void take_out(StarBlock& block, std::size_t lane, const FitRules& rules, const StarModel& star) {
  if (star.flux > 0) HWY_DYNAMIC_DISPATCH(take_out_of)(block, lane, rules, star);
}

void fit_group(
    const StarBlock& block, std::size_t lane, const FitRules& rules, const GroupProblem& problem, GroupFit& out) {
  GroupProblem rest = problem;
  std::array<std::size_t, GroupProblem::kMost> number{};
  for (std::size_t s = 0; s < problem.size; ++s) number[s] = s;
  GroupFit fit;
  while (rest.size > 0) {
    fit_stretched(block, lane, rules, rest, fit);
    Termination reason = Termination::converged;
    const std::size_t worst = misfit(fit, rest.size, reason);
    if (worst == rest.size) break;
    out.star[number[worst]] = fit.star[worst];
    out.star[number[worst]].termination = reason;
    --rest.size;
    rest.known = false;
    for (std::size_t s = worst; s < rest.size; ++s) {
      rest.member[s] = rest.member[s + 1];
      number[s] = number[s + 1];
    }
  }
  for (std::size_t s = 0; s < rest.size; ++s) out.star[number[s]] = fit.star[s];
  out.fitted = rest.size;
  out.parameters = fit.parameters;
}

}  // namespace starflow
#endif  // HWY_ONCE
