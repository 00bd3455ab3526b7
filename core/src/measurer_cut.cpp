// SPDX-License-Identifier: MIT
/// \file
/// Stars that the frame's edge cuts, where a window is the method.

#include "measurer.hpp"

#include "square.hpp"
#include "units.hpp"

#include <algorithm>
#include <cmath>

namespace starflow {
namespace {

constexpr double kCuts = 1;  // FWHM from the edge, within which the light beyond it is 1 % of a star and more
// FWHM: where a circle's error is above, what is left of a star seldom tells its axes, and a fit with them free errs
// more than its error bar says.
constexpr double kTellsAxes = 0.025;

}  // namespace

/// Whether the frame's edge takes light from the star in this lane, or bad pixels nearly all of one side: a window
/// would have to make that up.
bool Measurer::cut_star(std::size_t lane) const {
  if (block_.clean[lane]) return false;
  if (centroids_.one_sided[lane] > 0) return true;
  if ((pixels_[lane].flags & flag::edge) == 0) return false;
  const StarRow& row = *row_[lane];
  const double to_side = std::min(row.x, job_.frame.width - 1 - row.x) + 0.5;
  const double to_end = std::min(row.y, job_.frame.height - 1 - row.y) + 0.5;
  return std::min(to_side, to_end) < kCuts * plan_.fwhm_px;
}

/// Whether what is left of a star tells its axes: the circle \p round has a small error, or the ellipse \p turned fits
/// so much better that a circle's error would be none.
bool Measurer::tells_axes(const Fit& round, const Fit& turned) const {
  constexpr double kSureChi2 = 16;  // of two parameters: one round star in 3,000
  if (round.termination != Termination::converged) return false;
  const bool small = std::max(round.variance[kFitX], round.variance[kFitY]) < square(kTellsAxes * plan_.fwhm);
  return small || (turned.termination == Termination::converged && round.chi2 - turned.chi2 > kSureChi2);
}

/// A model knows what a star is like where it can't be seen, and its error bars what that costs: half a star of S/N 100
/// and FWHM 3 px has 0.11 px, where what a window makes up may be wrong by 0.7 px and was by 0.26.
/// \param ends  of the lanes: those that converged are left alone
void Measurer::fit_cut_stars(const Terminations& ends) {
  is_cut_.fill(0);
  bool any = false;
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    is_cut_[lane] = ends[lane] != Termination::converged && cut_star(lane) ? 1 : 0;
    any = any || is_cut_[lane] != 0;
  }
  if (!any) return;
  std::array<Fit, StarBlock::kMaxLanes> round, turned;
  run_fits(block_, plan_.round_fit, round);
  run_fits(block_, plan_.turned_fit, turned);
  const auto again = [&](Fit& fit, std::size_t lane, const FitRules& rules) {
    if (fit.termination != Termination::converged) fit = refit(block_, lane, rules);
  };
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    if (is_cut_[lane] == 0) continue;
    is_cut_[lane] = 0;
    again(round[lane], lane, plan_.round_fit);
    again(turned[lane], lane, plan_.turned_fit);
    const bool tells = tells_axes(round[lane], turned[lane]);
    const FitRules& rules = tells ? plan_.turned_fit : plan_.round_fit;
    const Fit& fit = tells ? turned[lane] : round[lane];
    if (pixels_[lane].n_pix <= rules.free_parameters() || fit.termination != Termination::converged) continue;
    is_cut_[lane] = 1;
    StarRow& row = *row_[lane];
    row.method_used = Method::gaussian;
    row.flags |= flag::fallback_method;
    accept_fit(fit, pixels_[lane], rules.free_parameters(), lane, row);
  }
}

}  // namespace starflow
