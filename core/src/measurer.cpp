// SPDX-License-Identifier: MIT
#include "measurer.hpp"

#include "blends.hpp"
#include "method_lanes.hpp"
#include "square.hpp"
#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

namespace starflow {
namespace {

constexpr double kTellsWidth = 20;         // S/N from which a width that is not positive means a star of one pixel
constexpr double kWorthwhilePeak = 2.5;    // noise, of the 3x3: the brightest of nine pixels of sky is above in 1 of 18
constexpr double kPoorChi2 = 3;            // a degree of freedom
constexpr double kTilesPerWideStar = 0.4;  // FWHM from which a tile takes stars for sky: 32 px of 64 lose 2 % of flux
constexpr double kWellSampled = 1.5;       // px FWHM; below, methods that know no pixels are off by 0.01 px
constexpr double kLowSnr = 5;              // below, a position is as likely noise, and its error is no longer Gaussian
constexpr int kColours = 3;                // amplitudes besides the flux

/// A lane's number in double.
double at(const std::array<float, StarBlock::kMaxLanes>& lanes, std::size_t lane) {
  return static_cast<double>(lanes[lane]);
}

constexpr Flags kInCompany = flag::blended | flag::group_fit | flag::neighbour_masked;

/// S/N of a star in company: its aperture holds the light of others too, or what their models leave over of it, so no
/// more than the fit says of its own, with errors as large as the misfit asks for. NaN where no fit does.
double own_snr(const StarRow& row) {
  if ((row.flags & flag::saturated) != 0) return row.snr;
  const double misfit = row.dof > 0 && row.chi2 > row.dof ? std::sqrt(row.chi2 / row.dof) : 1.0;
  const double own = row.flux / (row.flux_err * misfit);
  return std::isnan(own) ? own : std::min(row.snr, own);
}

}  // namespace

Measurer::Measurer(const MeasureJob& job) : job_(job), plan_(job.plan) {
  const bool own_level = plan_.options.level == LevelFrom::annulus || (plan_.fits && plan_.fit.free_level);
  star_in_mesh_ = !own_level && plan_.fwhm_px > kTilesPerWideStar * job.background.tile_px();
}

void Measurer::run(std::size_t begin, std::size_t end, std::span<StarRow> rows) {
  late_size_ = 0;
  puts_off_ = true;
  run_list(begin, end, {}, rows);
  puts_off_ = false;
  if (late_size_ > 0) run_list(0, late_size_, std::span(late_).first(late_size_), rows);
}

/// \param list  numbers of the stars; empty = all in their order
void Measurer::run_list(std::size_t begin,
                        std::size_t end,
                        std::span<const std::uint32_t> list,
                        std::span<StarRow> rows) {
  const auto star_at = [&](std::size_t k) { return list.empty() ? k : list[k]; };
  const std::size_t last = list.empty() ? rows.size() : list.size();
  for (std::size_t next = begin; next < end;) {
    begin_block(block_, plan_.block_radius, plan_.pitch);
    while (next < end && block_.size < block_.lanes) {
      const std::size_t star = star_at(next);
      if (waits(star) || (job_.field != nullptr && job_.again[star] == 0)) {
        ++next;
        continue;
      }
      StarRow& row = rows[star];
      const std::size_t lane = block_.size;
      if (start_row(star, row)) {
        row_[lane] = &row;
        star_[lane] = star;
      }
      ++next;
    }
    if (block_.size == 0) continue;
    end_block(block_);
    for (std::size_t i = next; i < std::min(next + block_.lanes, last); ++i) {
      fetch_ahead(block_, job_.frame, job_.detections.x[star_at(i)], job_.detections.y[star_at(i)]);
    }
    measure_batch();
  }
}

void Measurer::measure_batch() {
  if (again_) take_out_neighbours();
  if (!plan_.balances) describe_light();
  if (job_.blends != nullptr && !again_) mask_neighbours();
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    pixels_[lane] = census(block_, lane, plan_.fit.radius);
    row_[lane]->flags |= pixels_[lane].flags;
  }
  if (plan_.balances) {
    make_grey();
    describe_light();
  }
  plan_.fits ? fits() : centroids();
  apertures();
  if (plan_.neighbours == Neighbours::group && !again_) keep_models();
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    drop_overflow(*row_[lane]);
    drop_untrue(lane);
  }
}

/// Takes back what the row can't tell.
void Measurer::drop_untrue(std::size_t lane) const {
  StarRow& row = *row_[lane];
  const bool saturated = (row.flags & flag::saturated) != 0, core = saturated && saturated_core(lane);
  const bool failed = row.termination != Termination::converged;
  const bool fitted = row.method_used == Method::gaussian || row.method_used == Method::moffat;
  if (core) drop_shape(row);
  // The window in place of a fit that failed knows its errors, unless saturated pixels are taken out of it. A fit knows
  // its own only as long as its model holds the neighbours: those of 35 stars that their groups were fitted without
  // were too small by 5.
  const bool alone = failed && row.method_used == row.method;
  if ((failed && saturated) || alone || (core && !fitted)) drop_errors(row);
}

void Measurer::describe_light() {
  const double per_area = 1.0 / square(plan_.pitch), own = square(kSigmaPerFwhm * plan_.fwhm);
  const Detections& d = job_.detections;
  const auto set = [&](std::size_t lane, double xx, double yy, double xy) {
    light_.xx[lane] = static_cast<float>(xx);
    light_.yy[lane] = static_cast<float>(yy);
    light_.xy[lane] = static_cast<float>(xy);
  };
  for (std::size_t lane = 0; lane < block_.lanes; ++lane) {
    const std::size_t i = star_[lane < block_.size ? lane : 0];
    const bool known = d.xx[i] > 0 && d.yy[i] > 0;
    known ? set(lane, d.xx[i] * per_area, d.yy[i] * per_area, d.xy[i] * per_area) : set(lane, own, own, 0);
  }
  run_light(block_, plan_.dao, plan_.fit.radius, light_);
  const auto undefined = [&](std::size_t lane) { return std::isnan(light_.hfr[lane]); };
  bool retry = false;
  std::array<bool, StarBlock::kMaxLanes> again{};
  for (std::size_t lane = 0; lane < block_.size; ++lane) retry = (again[lane] = undefined(lane)) || retry;
  if (retry) {  // the star's own ellipse was noise
    const LightLanes first = light_;
    for (std::size_t lane = 0; lane < block_.lanes; ++lane) set(lane, own, own, 0);
    run_light(block_, plan_.dao, plan_.fit.radius, light_);
    for (std::size_t lane = 0; lane < block_.size; ++lane) {
      if (again[lane]) continue;
      light_.hfr[lane] = first.hfr[lane];
      light_.mean_radius[lane] = first.mean_radius[lane];
    }
  }
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    StarRow& row = *row_[lane];
    const double unit = block_.unit_adu[lane];
    if (undefined(lane)) row.flags |= flag::nonpositive_flux;
    row.hfr = at(light_.hfr, lane) * plan_.pitch;
    row.mean_radius = at(light_.mean_radius, lane) * plan_.pitch;
    row.sharpness = at(light_.sharpness, lane);
    row.roundness1 = at(light_.roundness1, lane);
    row.roundness2 = at(light_.roundness2, lane);
    if (std::isnan(row.sharpness)) row.flags |= undefined_shape(lane);
    const double sum = at(light_.sum, lane);
    row.flux_sum = sum * unit;
    row.flux_sum_err = unit * std::sqrt(at(light_.sum_variance, lane) + std::max(sum, 0.0) * at(block_.per_gain, lane));
  }
}

/// Why DAOFIND's numbers are not defined: their footprint leaves the frame, holds a bad pixel, or shows no peak.
Flags Measurer::undefined_shape(std::size_t lane) const {
  const int reach = std::min(plan_.dao.reach(), block_.radius);
  const Flags reason = census(block_, lane, reach).flags & (flag::edge | flag::bad_pixel);
  return reason != 0 ? reason : flag::poor_fit;
}

/// Whether a pixel within one FWHM of the star is saturated: what is left of it tells no width.
bool Measurer::saturated_core(std::size_t lane) const {
  const int reach = std::min(static_cast<int>(std::ceil(plan_.fwhm)), block_.radius);
  return (census(block_, lane, reach).flags & flag::saturated) != 0;
}

void Measurer::centroids() {
  set_windows(centroids_);
  if (plan_.options.method == Method::plugin) {
    run_method(block_, plan_.centroid, plan_.options.plugin, job_.detector.gain_e_per_adu, centroids_);
  } else {
    run_centroids(block_, plan_.centroid, centroids_);
  }
  Terminations ends;
  // A method from outside has its own way with an edge.
  ends.fill(plan_.options.method == Method::plugin ? Termination::converged : Termination::max_iterations);
  fit_cut_stars(ends);
  ends.fill(Termination::converged);
  bool failed = false;
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    if (is_cut_[lane] != 0) continue;
    ends[lane] = static_cast<Termination>(static_cast<int>(centroids_.termination[lane]));
    failed = failed || ends[lane] != Termination::converged;
    row_[lane]->iterations = static_cast<int>(centroids_.iterations[lane]);
    if (ends[lane] == Termination::converged || plan_.options.method == Method::windowed) {
      accept_centroid(centroids_, lane, *row_[lane]);
    }
  }
  if (failed && plan_.options.method != Method::windowed) fall_back(ends);
}

void Measurer::accept_centroid(const CentroidLanes& lanes, std::size_t lane, StarRow& row) const {
  const double pitch = plan_.pitch, area = square(pitch), unit = block_.unit_adu[lane];
  row.termination = static_cast<Termination>(static_cast<int>(lanes.termination[lane]));
  row.iterations = static_cast<int>(lanes.iterations[lane]);
  row.n_pix = static_cast<int>(lanes.n_pix[lane]);
  row.n_masked = static_cast<int>(lanes.n_masked[lane]);
  row.flags |= flag_of(row.termination);
  if (row.termination != Termination::converged) {
    row.flags |= flag::no_covariance;
    return;
  }
  row.x = block_.to_frame_x(lane, at(lanes.x, lane));
  row.y = block_.to_frame_y(lane, at(lanes.y, lane));
  row.flux = at(lanes.flux, lane) * unit;
  set_chi2(lanes, lane, row);
  const bool sees_points = row.method_used == Method::moments || row.method_used == Method::quadratic;
  if (lanes.aliased[lane] > 0 || (sees_points && plan_.fwhm_px < kWellSampled)) row.flags |= flag::undersampled;
  if (plan_.cuts_window) row.flags |= flag::at_bound;
  const Missing gap = missing_light(lanes, lane);
  row.flux_err = std::sqrt(square(at(lanes.flux_err, lane) * unit) + square(gap.part * row.flux));
  if (plan_.fwhm < kTellsCore && (pixels_[lane].flags & flag::bad_pixel_center) != 0) {
    row.flags |= flag::no_covariance;  // the light put in its place decides where the star is
  } else {
    set_errors(row, (at(lanes.cov_xx, lane) + gap.square) * area, (at(lanes.cov_yy, lane) + gap.square) * area,
               at(lanes.cov_xy, lane) * area);
  }
  set_shape(row, at(lanes.xx, lane) * area, at(lanes.yy, lane) * area, at(lanes.xy, lane) * area);
}

/// Whether the pixels show something that the model is not. A bright star with wings has a large chi2 too: what counts
/// is how much of the light is elsewhere, and on one side. No Gaussian in place of a Moffat of beta 2.5, round star in
/// place of an ellipse, or pixel of an undersampled star leaves a skewness of 0.02; the coma and the pixels of real
/// optics leave up to 0.06, 0.1 where undersampled; a neighbour of 0.2 of the light at 1.2 to 2 FWHM 0.08 to 0.13.
bool Measurer::misfit(double chi2, int dof, double residual, double most_residual, double skew) const {
  const double most_skew = plan_.fwhm < kWellSampled ? 0.1 : 0.06;
  return (chi2 > kPoorChi2 * dof && residual > most_residual) || skew > most_skew;
}

/// Fits the stars once more with the width free that is held.
void Measurer::test_width() {
  for (Fit& fit : own_width_) fit.termination = Termination::max_iterations;
  if (!std::isnan(plan_.options.held.fwhm_px)) run_fits(block_, plan_.width_fit, own_width_);
}

/// Whether a width that was given, not found, is not the star's: one that is off by a quarter or more, and 3.5 sigma.
/// The error bars of a position are wrong by as much, and what is half as wide as its star finds its place on noise.
/// Where the star's own can't be found: one off by a factor of 1.8 leaves 0.3 of what the pixels show, whatever the
/// star's brightness. One that is as wide as the stamp takes the level for light.
bool Measurer::wrong_width(const Fit& fit, std::size_t lane, int dof) const {
  constexpr double kMostMissed = 0.25, kMostOff = 0.22, kSureChi2 = 12.25;
  if (std::isnan(plan_.options.held.fwhm_px)) return false;
  if (plan_.fit.fwhm >= 2 * plan_.fit.radius) return true;
  const Fit& own = own_width_[lane];
  if (own.termination == Termination::converged) {
    const double off = std::abs(own.value[kFitWidth] - fit.value[kFitWidth]);
    return off > kMostOff && fit.chi2 - own.chi2 > kSureChi2;
  }
  return fit.power > 0 && fit.chi2 - dof > kMostMissed * std::max(fit.power - dof, 0.0);
}

/// Of the light about a round Gaussian, 0.3 to 0.35 is elsewhere for a Moffat of beta 1.8, 0.46 with a neighbour half
/// as bright at 1.5 FWHM.
void Measurer::set_chi2(const CentroidLanes& lanes, std::size_t lane, StarRow& row) const {
  constexpr int kParabola = 3;  // nine logarithms less six coefficients
  constexpr int kGaussian = 4;  // position, flux, width
  const double chi2 = at(lanes.chi2, lane);
  const int dof = row.method_used == Method::quadratic ? kParabola : pixels_[lane].n_pix - kGaussian;
  if (dof <= 0 || !std::isfinite(chi2)) return;
  row.chi2 = chi2;
  row.dof = dof;
  row.skew = at(lanes.skew, lane);
  constexpr double kPoorResidual = 0.4;
  if (misfit(chi2, dof, at(lanes.residual, lane), kPoorResidual, at(lanes.skew, lane))) row.flags |= flag::poor_fit;
}

/// What the light of the missing pixels does to the sums of a star that is one-sided, were it a Gaussian as wide as the
/// window: the fill may be wrong by as much, along either axis.
Measurer::Missing Measurer::missing_light(const CentroidLanes& lanes, std::size_t lane) const {
  Missing gap;
  if (block_.clean[lane] || !(lanes.one_sided[lane] > 0)) return gap;
  const double sigma2 = square(at(lanes.sigma, lane)), total = std::numbers::pi * sigma2;
  double x = 0, y = 0;
  for (std::size_t j = 0; j < block_.side(); ++j) {
    for (std::size_t i = 0; i < block_.side(); ++i) {
      if (block_.variance[block_.index(i, j, lane)] < StarBlock::kMissing) continue;
      const double dx = static_cast<double>(i) - block_.radius - at(lanes.x, lane);
      const double dy = static_cast<double>(j) - block_.radius - at(lanes.y, lane);
      const double part = std::exp(-(square(dx) + square(dy)) / sigma2) / total;
      gap.part += part;
      x += 2 * part * dx;
      y += 2 * part * dy;
    }
  }
  gap.square = square(x) + square(y);
  return gap;
}

void Measurer::fits() {
  Fits fits;
  std::optional<Fits> patient, turned;  // of lanes that creep, and fail in double as well; that miss pixels
  bool alone = false;
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    const GroupStar* group = group_star(lane);
    alone = alone || group == nullptr || !group->fitted;
  }
  if (alone) run_fits(block_, plan_.fit, fits);
  if (alone) test_width();
  Terminations ends{};
  bool failed = false;
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    const GroupStar* group = group_star(lane);
    if (group != nullptr && group->fitted) {
      ends[lane] = Termination::converged;
      own_width_[lane].termination = Termination::max_iterations;  // its pixels are not the group's
      accept_group(*group, lane, *row_[lane]);
      continue;
    }
    const PixelCensus& pixels = pixels_[lane];
    Fit& fit = fits[lane];
    if (pixels.n_pix <= plan_.fit.free_parameters()) {
      fit.termination = Termination::too_few_pixels;
    } else if (fit.termination != Termination::converged) {
      const bool creeps = fit.iterations >= plan_.fit.patience && plan_.fit.patience < plan_.fit.max_iterations;
      if (central_peak(lane) > kWorthwhilePeak) fit = refit(block_, lane, plan_.fit);
      if (creeps && fit.termination != Termination::converged) {
        if (!patient) run_fits(block_, plan_.patient_fit, patient.emplace());
        if ((*patient)[lane].termination == Termination::converged) fit = (*patient)[lane];
      }
    }
    ends[lane] = fit.termination;
    failed = failed || fit.termination != Termination::converged;
    row_[lane]->iterations = fit.iterations;
    if (fit.termination == Termination::converged) {
      const int parameters = free_axes(lane, fit, turned);
      accept_fit(fit, pixels, parameters, lane, *row_[lane]);
      if (group != nullptr) left_out(*group, *row_[lane]);
    }
  }
  if (failed) fall_back(ends);
}

/// Brightest of the central 3x3 pixels, in units of the background noise.
double Measurer::central_peak(std::size_t lane) const {
  const auto middle = static_cast<std::size_t>(block_.radius);
  float peak = 0;
  for (std::size_t j = middle - 1; j <= middle + 1; ++j) {
    for (std::size_t i = middle - 1; i <= middle + 1; ++i)
      peak = std::max(peak, block_.value[block_.index(i, j, lane)]);
  }
  return static_cast<double>(peak);
}

/// Gives the stars that the method asked for failed on their windowed centroid.
void Measurer::fall_back(const Terminations& ends) {
  set_windows(centroids_);
  run_centroids(block_, plan_.fallback, centroids_);
  if (!plan_.fits) fit_cut_stars(ends);
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    const Termination reason = ends[lane];
    if (reason == Termination::converged) continue;
    StarRow& row = *row_[lane];
    const int iterations = row.iterations;
    if (is_cut_[lane] == 0) {
      row.method_used = Method::windowed;
      accept_centroid(centroids_, lane, row);
    }
    row.termination = reason;
    row.iterations = iterations;
    // The flux of the row is the centroid's: that the method's was not positive is no word about it.
    row.flags |= reason == Termination::nonpositive_flux ? flag::no_convergence : flag_of(reason);
    row.flags |= flag::fallback_method;
  }
}

void Measurer::accept_fit(
    const Fit& fit, const PixelCensus& pixels, int parameters, std::size_t lane, StarRow& row) const {
  constexpr double kPoorResidual = 0.3;
  const double pitch = plan_.pitch, area = square(pitch), unit = block_.unit_adu[lane];
  const auto& p = fit.value;
  row.x = block_.to_frame_x(lane, p[kFitX]);
  row.y = block_.to_frame_y(lane, p[kFitY]);
  row.flux = p[kFitFlux] * unit;
  row.flux_err = std::sqrt(fit.variance[kFitFlux] + colour_variance_[lane]) * unit;
  if (plan_.fit.free_level) {
    row.background += p[kFitLevel] * unit / area;
    row.background_err = std::sqrt(fit.variance[kFitLevel]) * unit / area;
  }
  row.chi2 = fit.chi2;
  row.n_pix = pixels.n_pix;
  row.n_masked = pixels.n_masked;
  row.dof = pixels.n_pix - parameters - (plan_.balances ? kColours : 0);
  row.iterations = fit.iterations;
  row.termination = Termination::converged;
  row.skew = fit.skew;
  if (misfit(fit.chi2, row.dof, fit.residual_fraction, kPoorResidual, fit.skew) || wrong_width(fit, lane, row.dof)) {
    row.flags |= flag::poor_fit;
  }
  set_errors(row, fit.variance[kFitX] * area, fit.variance[kFitY] * area, fit.cov_xy * area);
  const double fwhm = std::exp(p[kFitWidth]) * pitch, sigma2 = square(kSigmaPerFwhm * fwhm);
  const double size = std::sqrt(square(p[kFitE1]) + square(p[kFitE2])),
               ratio = std::exp(size);  // major over minor axis
  const double cosh = 0.5 * (ratio + 1 / ratio), sinh = size > 1e-6 ? 0.5 * (ratio - 1 / ratio) / size : 1.0;
  set_shape(row, sigma2 * (cosh + sinh * p[kFitE1]), sigma2 * (cosh - sinh * p[kFitE1]), sigma2 * sinh * p[kFitE2]);
  if (!std::isnan(plan_.options.held.theta_deg)) row.theta = plan_.options.held.theta_deg;  // of a round star too
  if (!fit.narrow) row.fwhm_err = fwhm * std::sqrt(fit.variance[kFitWidth]);
  if (fit.narrow || fit.beta_at_bound) row.flags |= flag::at_bound;
  if (plan_.fit.profile == Profile::moffat) {
    row.beta = p[kFitBeta];
    if (!fit.beta_at_bound) row.beta_err = std::sqrt(fit.variance[kFitBeta]);
  }
}

void Measurer::apertures() {
  for (std::size_t lane = 0; lane < block_.lanes; ++lane) {
    const std::size_t from = lane < block_.size ? lane : 0;
    apertures_.x[lane] = static_cast<float>((row_[from]->x - block_.centre_x[from]) / plan_.pitch);
    apertures_.y[lane] = static_cast<float>((row_[from]->y - block_.centre_y[from]) / plan_.pitch);
  }
  run_aperture(block_, static_cast<float>(plan_.fwhm), apertures_);
  for (std::size_t lane = 0; lane < block_.size; ++lane) {
    StarRow& row = *row_[lane];
    const double flux = at(apertures_.flux, lane), unit = block_.unit_adu[lane];
    const double variance = at(apertures_.variance, lane) + std::max(flux, 0.0) * at(block_.per_gain, lane);
    row.flux_aperture = flux * unit;
    row.flux_aperture_err = std::sqrt(variance) * unit;
    row.snr = row.flux_aperture / row.flux_aperture_err;
    if ((row.flags & kInCompany) != 0) row.snr = own_snr(row);
    if (row.snr < kLowSnr) row.flags |= flag::low_snr;
    const bool known = (row.flags & (flag::no_covariance | flag::saturated)) == 0;
    if (known && row.snr > kTellsWidth && std::isnan(row.fwhm)) row.flags |= flag::undersampled;
  }
}

}  // namespace starflow
