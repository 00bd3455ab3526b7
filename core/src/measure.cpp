// SPDX-License-Identifier: MIT
#include <starflow/core/measure.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>

#include "dao_shape.hpp"
#include "gaussian_fit.hpp"
#include "gaussian_lanes.hpp"
#include "half_light.hpp"
#include "stamp.hpp"
#include "star_row.hpp"
#include "units.hpp"
#include "windowed.hpp"

namespace starflow {
namespace {

constexpr double kTypicalFwhm = 3;  // px, where neither the caller nor the frame knows
constexpr int kMinRadius = 3;       // px: 7x7 pixels leave something for the background
constexpr std::size_t kStarsAtOnce = 32;
constexpr double kNearSaturation = 0.95;
constexpr double kLowSnr = 5;  // below, a position is as likely noise, and its error is no longer Gaussian

Flags flag_of(Termination t) {
  switch (t) {
    case Termination::converged: return 0;
    case Termination::at_bound: return flag::at_bound;
    case Termination::moved_from_seed: return flag::moved_from_seed;
    case Termination::nonpositive_flux: return flag::nonpositive_flux;
    case Termination::too_few_pixels: return flag::too_few_pixels;
    case Termination::max_iterations:
    case Termination::singular:
    case Termination::nonfinite: break;
  }
  return flag::no_convergence;
}

/// Widths, angle and axis ratios of an ellipse with these second moments.
void set_shape(StarRow& row, double xx, double yy, double xy) {
  row.xx = xx;
  row.yy = yy;
  row.xy = xy;
  const double mean = 0.5 * (xx + yy), spread = std::hypot(0.5 * (xx - yy), xy);
  if (!(mean - spread > 0)) return;
  const double major = std::sqrt(mean + spread), minor = std::sqrt(mean - spread);
  row.fwhm_major = kFwhmPerSigma * major;
  row.fwhm_minor = kFwhmPerSigma * minor;
  row.fwhm = std::sqrt(row.fwhm_major * row.fwhm_minor);
  row.ellipticity = 1 - minor / major;
  row.eccentricity = std::sqrt(std::max(0.0, 1 - (minor * minor) / (major * major)));
  const double theta = 0.5 * std::atan2(2 * xy, xx - yy) * kDegreesPerRadian;
  row.theta = theta <= -90 ? theta + 180 : theta;
}

void set_errors(StarRow& row, double cov_xx, double cov_yy, double cov_xy) {
  if (cov_xx > 0 && cov_yy > 0 && cov_xx * cov_yy - cov_xy * cov_xy > 0) {
    row.x_err = std::sqrt(cov_xx);
    row.y_err = std::sqrt(cov_yy);
    row.xy_cov = cov_xy;
  } else {
    row.flags |= flag::no_covariance;
  }
}

/// Measures a range of stars; holds the stamps at work.
class Measurer {
 public:
  Measurer(const FrameView& frame,
           const Background& background,
           const Detector& detector,
           const Detections& detections,
           const MeasureOptions& options)
      : frame_(frame),
        background_(background),
        detector_(detector),
        detections_(detections),
        options_(options),
        fwhm_(used_fwhm_px(detections, options)),
        dao_(fwhm_) {
    radius_ = std::clamp(static_cast<int>(std::ceil(options.stamp_radius * fwhm_)), kMinRadius, kMaxStampRadius);
    fit_ = {detector.gain_e_per_adu, fwhm_, static_cast<double>(radius_), options.move_limit * fwhm_,
            options.max_iterations};
  }

  void run(std::size_t begin, std::size_t end, std::span<StarRow> rows) {
    const bool lanes = options_.method == Method::gaussian && radius_ <= kMaxLaneRadius;
    const std::size_t at_once = lanes ? GaussianLanes::lanes() : 1;
    for (std::size_t first = begin; first < end; first += at_once) {
      const std::size_t last = std::min(end, first + at_once);
      if (lanes) {
        fit_lanes(first, last, rows);
      } else if (prepare(first, rows[first])) {
        options_.method == Method::gaussian ? fit_one(first, rows[first]) : windowed(first, rows[first]);
      }
    }
    for (StarRow& row : rows.subspan(begin, end - begin)) {
      row.snr = row.flux / row.flux_err;
      if (row.snr < kLowSnr) row.flags |= flag::low_snr;
    }
  }

 private:
  /// Moments of a round star of the frame's FWHM.
  Moments2 round_moments() const {
    const double own = kSigmaPerFwhm * fwhm_;
    return {own * own, own * own, 0};
  }

  /// Moments of the detection; of a round star where it has none.
  Moments2 moments(std::size_t i) const {
    const Moments2 m{detections_.xx[i], detections_.yy[i], detections_.xy[i]};
    return m.xx > 0 && m.yy > 0 ? m : round_moments();
  }

  /// Reads the pixels that any of the measurements of star \p i may want.
  void gather_star(std::size_t i) {
    const double own = kSigmaPerFwhm * fwhm_;
    const double sigma = options_.window == WindowFrom::given ? options_.window_sigma_px : own;
    const double window = 4 * sigma + 1 + options_.move_limit * fwhm_;
    const double reach = std::max({static_cast<double>(radius_), half_light_reach(moments(i)) + 1, window});
    gather(frame_, background_, detector_, detections_.x[i], detections_.y[i],
           static_cast<int>(std::ceil(std::min<double>(reach, kMaxStampRadius))), stamp_);
  }

  /// All but the position. \return false where no pixel of the frame lies around the star
  bool prepare(std::size_t i, StarRow& row) {
    row = StarRow();
    const double x = detections_.x[i], y = detections_.y[i];
    row.id = detections_.id[i];
    row.method = row.method_used = options_.method;
    row.flags = detections_.flags[i] & ~(flag::edge | flag::bad_pixel);
    if (!background_.reliable()) row.flags |= flag::background_unreliable;
    row.x = x;
    row.y = y;
    row.peak = detections_.peak[i];
    gather_star(i);
    row.flags |= stamp_flags(frame_, stamp_, x, y, radius_);
    if (stamp_.width == 0) {
      row.termination = Termination::too_few_pixels;
      row.flags |= flag::too_few_pixels | flag::no_covariance;
      return false;
    }
    row.background = background_.level(x, y);
    row.noise = background_.noise(x, y);
    if (row.peak + row.background >= kNearSaturation * detector_.saturation_adu) row.flags |= flag::near_saturation;
    HalfLight light = half_light(stamp_, x, y, moments(i));
    if (std::isnan(light.hfr)) light = half_light(stamp_, x, y, round_moments());  // the star's own ellipse was noise
    if (std::isnan(light.hfr)) row.flags |= flag::nonpositive_flux;
    row.hfr = light.hfr;
    row.mean_radius = light.mean_radius;
    const DaoNumbers n = dao_.measure(stamp_, static_cast<int>(std::lround(x)) - stamp_.x0,
                                      static_cast<int>(std::lround(y)) - stamp_.y0);
    if (std::isnan(n.sharpness)) row.flags |= undefined_shape(x, y);
    row.sharpness = n.sharpness;
    row.roundness1 = n.roundness1;
    row.roundness2 = n.roundness2;
    return true;
  }

  /// Why DAOFIND's numbers are not defined: their footprint leaves the frame, holds a bad pixel, or shows no peak.
  Flags undefined_shape(double x, double y) const {
    const Flags reason = stamp_flags(frame_, stamp_, x, y, dao_.reach()) & (flag::edge | flag::bad_pixel);
    return reason != 0 ? reason : flag::poor_fit;
  }

  double window_sigma(const StarRow& row) const {
    switch (options_.window) {
      case WindowFrom::given: return options_.window_sigma_px;
      case WindowFrom::half_light:
        if (row.hfr > 0) return 2 * kSigmaPerFwhm * row.hfr;
        break;
      case WindowFrom::fwhm: break;
    }
    return kSigmaPerFwhm * fwhm_;
  }

  /// Needs the star's pixels in the stamp.
  void windowed(std::size_t i, StarRow& row) {
    const WindowedOptions o{window_sigma(row), options_.move_limit * fwhm_, options_.max_iterations,
                            detector_.gain_e_per_adu};
    const WindowedResult r = windowed_centroid(stamp_, detections_.x[i], detections_.y[i], o);
    row.method_used = Method::windowed;
    row.termination = r.termination;
    row.iterations = r.iterations;
    row.n_pix = r.n_pix;
    row.n_masked = r.n_masked;
    row.flags |= flag_of(r.termination);
    if (r.termination != Termination::converged) {
      row.flags |= flag::no_covariance;
      return;
    }
    row.x = r.x;
    row.y = r.y;
    row.flux = r.flux;
    row.flux_err = r.flux_err;
    set_errors(row, r.cov_xx, r.cov_yy, r.cov_xy);
    set_shape(row, r.xx, r.yy, r.xy);
  }

  /// Fits a batch in SIMD lanes; what does not settle in float is tried again in double.
  void fit_lanes(std::size_t first, std::size_t last, std::span<StarRow> rows) {
    std::array<std::size_t, kMaxLanes> star{};
    lanes_.begin(fit_);
    for (std::size_t i = first; i < last; ++i) {
      if (!prepare(i, rows[i])) continue;
      star[lanes_.size()] = i;
      lanes_.add(stamp_, detections_.x[i], detections_.y[i]);
    }
    if (lanes_.size() > 0) lanes_.run();
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
      const std::size_t i = star[lane];
      if (lanes_[lane].termination == Termination::converged) {
        accept(lanes_[lane], rows[i]);
      } else {
        gather_star(i);
        fit_one(i, rows[i]);
      }
    }
  }

  /// Needs the star's pixels in the stamp.
  void fit_one(std::size_t i, StarRow& row) {
    const GaussianFit fit = fit_gaussian(stamp_, detections_.x[i], detections_.y[i], fit_);
    if (fit.termination == Termination::converged) {
      accept(fit, row);
      return;
    }
    windowed(i, row);
    row.termination = fit.termination;
    row.iterations = fit.iterations;
    // The flux of the row is the centroid's: that the fit's was not positive is no word about it.
    const Flags reason =
        fit.termination == Termination::nonpositive_flux ? flag::no_convergence : flag_of(fit.termination);
    row.flags |= reason | flag::fallback_method;
  }

  static void accept(const GaussianFit& fit, StarRow& row) {
    constexpr double kPoorChi2 = 3, kPoorResidual = 0.3;
    row.x = fit.value[0];
    row.y = fit.value[1];
    row.flux = fit.value[2];
    row.flux_err = std::sqrt(fit.covariance[2][2]);
    row.background += fit.value[5];
    row.chi2 = fit.chi2;
    row.n_pix = fit.n_pix;
    row.n_masked = fit.n_masked;
    row.dof = fit.n_pix - kGaussianParameters;
    row.iterations = fit.iterations;
    row.termination = fit.termination;
    if (fit.chi2 > kPoorChi2 * row.dof && fit.residual_fraction > kPoorResidual) row.flags |= flag::poor_fit;
    set_errors(row, fit.covariance[0][0], fit.covariance[1][1], fit.covariance[0][1]);
    set_shape(row, fit.value[3] * fit.value[3], fit.value[4] * fit.value[4], 0);
  }

  const FrameView& frame_;
  const Background& background_;
  const Detector& detector_;
  const Detections& detections_;
  const MeasureOptions& options_;
  double fwhm_;
  DaoShape dao_;
  int radius_;
  GaussianFitOptions fit_;
  Stamp stamp_;
  GaussianLanes lanes_;
};

/// Brighter first; stars without a flux last; then by position, so that the order depends on nothing else.
bool before(const StarRow& a, const StarRow& b) {
  const bool known = !std::isnan(a.flux), other = !std::isnan(b.flux);
  if (known != other) return known;
  if (known && a.flux != b.flux) return a.flux > b.flux;
  if (a.y != b.y) return a.y < b.y;
  return a.x != b.x ? a.x < b.x : a.id < b.id;
}

}  // namespace

double used_fwhm_px(const Detections& detections, const MeasureOptions& options) noexcept {
  if (options.fwhm_px > 0) return options.fwhm_px;
  return detections.fwhm_px > 0 ? detections.fwhm_px : kTypicalFwhm;
}

MeasureWorkspace::MeasureWorkspace() = default;
MeasureWorkspace::~MeasureWorkspace() = default;
MeasureWorkspace::MeasureWorkspace(MeasureWorkspace&&) noexcept = default;
MeasureWorkspace& MeasureWorkspace::operator=(MeasureWorkspace&&) noexcept = default;

void measure(const FrameView& frame,
             const Background& background,
             const Detector& detector,
             const Detections& detections,
             const MeasureOptions& options,
             ParallelFor parallel,
             MeasureWorkspace& workspace,
             StarTable& stars) {
  const std::size_t n = detections.size();
  workspace.rows_.resize(n);
  workspace.order_.resize(n);
  parallel(n, kStarsAtOnce, [&](std::size_t begin, std::size_t end) {
    Measurer(frame, background, detector, detections, options).run(begin, end, workspace.rows_);
  });
  std::iota(workspace.order_.begin(), workspace.order_.end(), 0U);
  std::ranges::sort(workspace.order_,
                    [&](std::uint32_t a, std::uint32_t b) { return before(workspace.rows_[a], workspace.rows_[b]); });
  stars.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    StarRow& row = workspace.rows_[workspace.order_[k]];
    if ((row.flags & flag::forced_position) == 0) row.id = static_cast<std::int64_t>(k);
    zip_columns([k](auto, auto, auto, auto& column, auto& value) { column[k] = value; }, stars, row);
  }
}

}  // namespace starflow
