// SPDX-License-Identifier: MIT
#include "trial_score.hpp"

#include <starflow/core/flags.hpp>
#include <starflow/core/parallel.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace starflow::test {
namespace {

// Not nonpositive_flux, which may speak of the half-light radius alone: the termination tells. Not at_bound either: a
// converged fit that rests on a bound of its width or of beta stands, and its position and errors count as any other's.
constexpr Flags kFailed =
    flag::fallback_method | flag::no_convergence | flag::no_covariance | flag::moved_from_seed | flag::too_few_pixels;
constexpr Flags kTold = kFailed | flag::nonpositive_flux;
constexpr double kWrong = 8;  // bounds: 40,000 normal errors reach 4.5

FieldOptions completed(FieldOptions field, const Preset& preset, double fwhm_px, double flux_e) {
  field.shape = preset.truth(fwhm_px);
  field.flux_e = flux_e;
  // A fit reads its stamp about a start that lies up to a pixel aside; a window may be much wider.
  const int fitted = stamp_radius_px(preset.options, fwhm_px) + 2 + static_cast<int>(std::ceil(field.start_reach_px));
  const int wide = static_cast<int>(std::ceil(5 * fwhm_px)) + 2;
  field.half_cell_px = preset.fits() ? fitted : std::max(fitted, wide);
  return field;
}

/// Pixels that the bound counts: the stamp of a fit; for other methods all that hold light worth mention.
PixelBox box_about(const Preset& preset, double fwhm_px, double x, double y) {
  const int reach = preset.fits() ? stamp_radius_px(preset.options, fwhm_px) : static_cast<int>(std::ceil(4 * fwhm_px));
  const int column = static_cast<int>(std::lround(x)), row = static_cast<int>(std::lround(y));
  return {column - reach, column + reach + 1, row - reach, row + reach + 1};
}

double ratio(double sum, double n) { return n > 0 ? sum / n : StarBounds::kNone; }

}  // namespace

void Tally::add(double error, double bound, double error_bar) {
  if (!std::isfinite(error)) return;
  ++n_;
  error_ += error;
  largest_ = std::max(largest_, std::abs(error));
  if (bound > 0) {
    ++n_scaled_;
    scaled2_ += error * error / (bound * bound);
  }
  if (!(error_bar > 0)) return;
  ++n_pull_;
  pull_ += error / error_bar;
  pull2_ += error * error / (error_bar * error_bar);
}

double Tally::rms_over_bound() const { return std::sqrt(ratio(scaled2_, n_scaled_)); }
double Tally::rms_pull() const { return std::sqrt(ratio(pull2_, n_pull_)); }
double Tally::mean_pull() const { return ratio(pull_, n_pull_); }
double Tally::mean_error() const { return ratio(error_, n_); }

Tally pooled(const Tally& a, const Tally& b) {
  Tally t = a;
  for (double Tally::*sum : {&Tally::n_, &Tally::n_pull_, &Tally::n_scaled_, &Tally::error_, &Tally::scaled2_,
                             &Tally::pull_, &Tally::pull2_})
    t.*sum += b.*sum;
  t.largest_ = std::max(a.largest_, b.largest_);
  return t;
}

Trial::Trial(const Preset& preset, double fwhm_px, double flux_e, FieldOptions field, std::uint64_t seed)
    : preset_(preset),
      fwhm_px_(fwhm_px),
      flux_e_(flux_e),
      random_(seed, 0),
      background_(flat_background(sky_.level_adu(), sky_.noise_adu())),
      field_(completed(field, preset, fwhm_px, flux_e), sky_, random_) {
  for (std::size_t n = 0; n < field_.size(); ++n) {
    const PixelBox pixels = box(n);
    bounds_.push_back(trial_bounds(preset, scene(n), pixels));
    pixels_.push_back(pixels.width() * pixels.height());
  }
}

StarScene Trial::scene(std::size_t place) const {
  return {preset_.truth(fwhm_px_), field_.x(place), field_.y(place), flux_e_, sky_.background_e, sky_.read_noise_e};
}

PixelBox Trial::box(std::size_t place) const {
  return box_about(preset_, fwhm_px_, field_.starts().x[place], field_.starts().y[place]);
}

MeanPulls Trial::expected_pulls(std::size_t places) const {
  MeanPulls mean;
  const double share = 1 / static_cast<double>(places);
  for (std::size_t n = 0; n < places; ++n) {
    const MeanPulls one = second_order_pulls(preset_, scene(n), box(n));
    mean.flux += share * one.flux;
    mean.background += share * one.background;
    mean.fwhm += share * one.fwhm;
  }
  return mean;
}

void Trial::run(int exposures, const MeasureOptions& options, TrialScore& score) {
  for (int i = 0; i < exposures; ++i) {
    field_.expose(random_);
    measure_all(options, score);
  }
}

void Trial::run_without_noise(const MeasureOptions& options, TrialScore& score) {
  field_.expose_without_noise();
  measure_all(options, score);
}

void Trial::measure_all(const MeasureOptions& options, TrialScore& score) {
  measure(field_.view(), background_, sky_.detector(), field_.starts(), options, serial_for, workspace_, stars_);
  const double gain = sky_.gain_e_per_adu;
  score.flux_adu = flux_e_ / gain;
  for (std::size_t k = 0; k < stars_.size(); ++k) {
    const std::size_t place = field_.place_of(stars_.x[k], stars_.y[k]);
    ++score.n;
    const bool failed = (stars_.flags[k] & kFailed) != 0 || stars_.termination[k] != Termination::converged ||
                        stars_.method_used[k] != stars_.method[k];
    const bool told = (stars_.flags[k] & kTold) != 0;
    score.failed += failed ? 1 : 0;
    if (!failed && (stars_.flags[k] & flag::at_bound) != 0) ++score.at_bound;
    if (place >= field_.size()) {
      score.unflagged += told ? 0 : 1;
      continue;
    }
    const TrialBounds& bound = bounds_[place];
    const double start_x = field_.starts().x[place] - field_.x(place),
                 start_y = field_.starts().y[place] - field_.y(place);
    if (failed && std::hypot(start_x, start_y) > 0.5 * fwhm_px_) ++score.failed_far;
    const double dx = stars_.x[k] - field_.x(place), dy = stars_.y[k] - field_.y(place);
    const bool wrong = !(std::abs(dx) < kWrong * bound.x && std::abs(dy) < kWrong * bound.y);
    if ((failed || (preset_.fits() && wrong)) && !told) ++score.unflagged;
    if (preset_.fits() && !failed && stars_.n_pix[k] + stars_.n_masked[k] != pixels_[place]) ++score.other_stamp;
    score.x.add(dx, bound.x, stars_.x_err[k]);
    score.y.add(dy, bound.y, stars_.y_err[k]);
    score.flux.add(stars_.flux[k] - score.flux_adu, bound.flux / gain, stars_.flux_err[k]);
    score.background.add(stars_.background[k] - sky_.level_adu(), bound.background / gain, stars_.background_err[k]);
    score.fwhm.add(stars_.fwhm[k] - fwhm_px_, bound.fwhm, stars_.fwhm_err[k]);
  }
}

double peak_over_noise(const StarShape& shape, double flux_e) {
  std::array<double, 1> light{};
  pixel_light(shape, 0, 0, {0, 1, 0, 1}, light);
  return flux_e * light[0] / TrialSky().noise_e();
}

std::string to_string(const TrialScore& s, double fwhm_px) {
  const Tally xy = pooled(s.x, s.y);
  std::array<char, 400> line{};
  std::snprintf(
      line.data(), line.size(),
      "N %zu failed %zu unflagged %zu at bound %zu | RMS/bound xy %.3f flux %.3f bg %.3f fwhm %.3f | pull xy %.3f flux "
      "%.3f bg %.3f fwhm %.3f | mean pull x %+.3f y %+.3f flux %+.3f bg %+.3f fwhm %+.3f | bias flux %+.3f %% fwhm "
      "%+.3f %%",
      s.n, s.failed, s.unflagged, s.at_bound, xy.rms_over_bound(), s.flux.rms_over_bound(),
      s.background.rms_over_bound(), s.fwhm.rms_over_bound(), xy.rms_pull(), s.flux.rms_pull(), s.background.rms_pull(),
      s.fwhm.rms_pull(), s.x.mean_pull(), s.y.mean_pull(), s.flux.mean_pull(), s.background.mean_pull(),
      s.fwhm.mean_pull(), 100 * s.flux.mean_error() / s.flux_adu, 100 * s.fwhm.mean_error() / fwhm_px);
  return line.data();
}

}  // namespace starflow::test
