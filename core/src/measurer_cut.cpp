// SPDX-License-Identifier: MIT
/// \file
/// Stars some of whose light is missing, beyond the edge, under bad pixels or in a clipped core: fits of ellipses at
/// any angle, where windows and fits with axes held would err.

#include "measurer.hpp"

#include "square.hpp"
#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace starflow {
namespace {

constexpr double kCuts = 1;  // FWHM from the edge, within which the light beyond it is 1 % of a star and more
// FWHM: where a circle's error is above, what is left of a star seldom tells its axes, and a fit with them free errs
// more than its error bar says.
constexpr double kTellsAxes = 0.025;
constexpr double kUsualStretch = 0.22;  // ln(a / b) of ellipticity 0.2
constexpr double kMostLean = 0.3;       // of an error: with the rest of a pull of 1, 1.04

/// Whether the Moffat fits so much better than the Gaussian that a star without wings would in 1 of 300.
bool shows_wings(const Fit& gaussian, const Fit& moffat) {
  constexpr double kSureChi2 = 9;
  return moffat.termination == Termination::converged && gaussian.termination == Termination::converged &&
         gaussian.chi2 - moffat.chi2 > kSureChi2;
}

}  // namespace

bool Measurer::Lean::above(double xx, double yy, double of_flux) const {
  const auto matters = [](double part, double variance) { return square(part) > square(kMostLean) * variance; };
  return matters(x, xx) || matters(y, yy) || matters(flux, of_flux);
}

/// How far a star of a usual ellipticity, at the angle where it is farthest, is off for what takes it to be round, or
/// to lie along the axes: missing pixels take from one side of it what they leave of the other. A window misses there
/// what differs from the pixel across. First order, of a Gaussian, by the larger of what sums weighted by the sky and
/// by the light give; \p x, \p y, \p sigma in block px.
Measurer::Lean Measurer::lean(std::size_t lane, double x, double y, double sigma) const {
  constexpr double kBySky = 2 / std::numbers::pi, kByLight = 0.5 / std::numbers::pi;
  const double per = 1 / square(sigma);
  const int radius = block_.radius, twice_x = static_cast<int>(std::lround(2 * x)),
            twice_y = static_cast<int>(std::lround(2 * y));
  const auto missing = [&](int i, int j) {
    const float v =
        block_.variance[block_.index(static_cast<std::size_t>(i + radius), static_cast<std::size_t>(j + radius), lane)];
    return (v < 0 && plan_.fits) || v == StarBlock::kMasked || v == StarBlock::kOutside;
  };
  const auto held = [&](int i, int j) { return std::max(std::abs(i), std::abs(j)) <= radius && !missing(i, j); };
  const auto light = [&](double dx, double dy) { return std::exp(-0.5 * per * (square(dx) + square(dy))); };
  const auto slant = [&](double dx, double dy) { return light(dx, dy) * dx * dy; };
  const auto stretch = [&](double dx, double dy) { return 0.5 * light(dx, dy) * (square(dx) - square(dy)); };
  Lean slanting, stretched;
  for (int j = -radius; j <= radius; ++j) {
    for (int i = -radius; i <= radius; ++i) {
      if (!missing(i, j)) continue;
      const double dx = i - x, dy = j - y, ax = twice_x - i - x, ay = twice_y - j - y;
      const double weight = std::max(kBySky * light(dx, dy), kByLight) * square(per);
      const bool across = !plan_.fits && held(twice_x - i, twice_y - j);
      const auto add = [&](Lean& to, const auto& pattern) {
        const double part = weight * (pattern(dx, dy) - (across ? pattern(ax, ay) : 0.0));
        to.x += part * dx;
        to.y += part * dy;
        to.flux += 0.5 * part;
      };
      add(slanting, slant);
      add(stretched, stretch);
    }
  }
  const auto most = [](double a, double b) { return kUsualStretch * std::hypot(a, b); };
  return {most(slanting.x, stretched.x), most(slanting.y, stretched.y), most(slanting.flux, stretched.flux)};
}

/// Whether a window errs for missing pixels: what it puts in their place is round.
bool Measurer::window_leans(std::size_t lane) const {
  const auto at = [&](const CentroidLanes::Lanes<float>& lanes) { return static_cast<double>(lanes[lane]); };
  const CentroidLanes& c = centroids_;
  if (block_.clean[lane] || static_cast<Termination>(static_cast<int>(c.termination[lane])) != Termination::converged)
    return false;
  // No error bar is given then that the lean could be above.
  if (plan_.fwhm < kTellsCore && (pixels_[lane].flags & flag::bad_pixel_center) != 0) return false;
  return lean(lane, at(c.x), at(c.y), at(c.sigma))
      .above(at(c.cov_xx), at(c.cov_yy), square(at(c.flux_err) / at(c.flux)));
}

/// Leaves in \p fit what the star of this lane is measured by: the fit of the method, or where its outline may err for
/// missing pixels, one of an ellipse at any angle; where that fails, the method's stays. \return its free parameters
/// \param turned  of all lanes, once one needs it
int Measurer::free_axes(std::size_t lane, Fit& fit, std::optional<Fits>& turned) {
  const HeldShape& held = plan_.options.held;
  const int own = plan_.fit.free_parameters(), all = plan_.turned_fit.free_parameters();
  const bool free = std::isnan(held.fwhm_px) && std::isnan(held.ellipticity) && !plan_.fit.lane_shapes;
  if (block_.clean[lane] || !free || plan_.options.outline == Outline::rotated || pixels_[lane].n_pix <= all)
    return own;
  const Lean off = lean(lane, fit.value[kFitX], fit.value[kFitY], kSigmaPerFwhm * std::exp(fit.value[kFitWidth]));
  const auto& v = fit.variance;
  if (!off.above(v[kFitX], v[kFitY], v[kFitFlux] / square(fit.value[kFitFlux]))) return own;
  if (put_off(lane)) return own;
  if (!turned) run_fits(block_, plan_.turned_fit, turned.emplace());
  Fit& other = (*turned)[lane];
  if (other.termination != Termination::converged) other = refit(block_, lane, plan_.turned_fit);
  if (other.termination != Termination::converged) return own;
  fit = other;
  return all;
}

/// Leaves a star to a batch of its like: a fit takes all lanes of a batch the time of one. \return false where there is
/// no other time for it
bool Measurer::put_off(std::size_t lane) {
  if (!puts_off_ || late_size_ == late_.size()) return false;
  late_[late_size_++] = static_cast<std::uint32_t>(star_[lane]);
  return true;
}

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
    const bool cut = ends[lane] != Termination::converged && (cut_star(lane) || window_leans(lane));
    is_cut_[lane] = cut && !put_off(lane) ? 1 : 0;
    any = any || is_cut_[lane] != 0;
  }
  if (!any) return;
  Fits round, turned, winged;
  run_fits(block_, plan_.round_fit, round);
  run_fits(block_, plan_.turned_fit, turned);
  run_fits(block_, plan_.winged_fit, winged);
  const auto again = [&](Fit& fit, std::size_t lane, const FitRules& rules) {
    if (fit.termination != Termination::converged) fit = refit(block_, lane, rules);
  };
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    if (is_cut_[lane] == 0) continue;
    is_cut_[lane] = 0;
    again(round[lane], lane, plan_.round_fit);
    again(turned[lane], lane, plan_.turned_fit);
    const bool tells = tells_axes(round[lane], turned[lane]);
    if (!tells && !cut_star(lane)) continue;
    const bool wings = tells && shows_wings(turned[lane], winged[lane]);
    const FitRules& rules = wings ? plan_.winged_fit : tells ? plan_.turned_fit : plan_.round_fit;
    const Fit& fit = wings ? winged[lane] : tells ? turned[lane] : round[lane];
    if (pixels_[lane].n_pix <= rules.free_parameters() || fit.termination != Termination::converged) continue;
    is_cut_[lane] = 1;
    StarRow& row = *row_[lane];
    row.method_used = wings ? Method::moffat : Method::gaussian;
    row.flags |= flag::fallback_method;
    accept_fit(fit, pixels_[lane], rules.free_parameters(), lane, row);
  }
}

}  // namespace starflow
