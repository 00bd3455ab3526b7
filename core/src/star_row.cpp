// SPDX-License-Identifier: MIT
#include "star_row.hpp"

#include "units.hpp"

#include <algorithm>
#include <cmath>

namespace starflow {

Flags flag_of(Termination t) {
  switch (t) {
    case Termination::converged: return 0;
    case Termination::at_bound: return flag::at_bound;
    case Termination::moved_from_seed: return flag::moved_from_seed;
    case Termination::nonpositive_flux: return flag::nonpositive_flux;
    case Termination::too_few_pixels: return flag::too_few_pixels;
    case Termination::max_iterations:
    case Termination::singular:
    case Termination::nonfinite:
    case Termination::stalled: break;
  }
  return flag::no_convergence;
}

void set_shape(StarRow& row, double xx, double yy, double xy) {
  row.xx = xx;
  row.yy = yy;
  row.xy = xy;
  const double mean = 0.5 * (xx + yy), spread = std::sqrt(0.25 * (xx - yy) * (xx - yy) + xy * xy);
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

void drop_overflow(StarRow& row) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  bool any = false;
  for (double* value : {&row.x_err, &row.y_err, &row.xy_cov, &row.flux, &row.flux_err, &row.flux_aperture,
                        &row.flux_aperture_err, &row.flux_sum, &row.flux_sum_err, &row.background, &row.background_err,
                        &row.snr, &row.fwhm_err, &row.beta_err, &row.hfr, &row.mean_radius, &row.chi2}) {
    if (!std::isinf(*value)) continue;
    *value = none;
    any = true;
  }
  if (!any) return;
  row.x_err = row.y_err = row.xy_cov = row.flux_err = row.background_err = row.fwhm_err = row.beta_err = none;
  row.flags |= flag::no_covariance;
}

void drop_errors(StarRow& row) {
  row.x_err = row.y_err = row.xy_cov = row.flux_err = std::numeric_limits<double>::quiet_NaN();
  row.flags |= flag::no_covariance;
}

void drop_shape(StarRow& row) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  row.fwhm = row.fwhm_err = row.fwhm_major = row.fwhm_minor = row.theta = row.ellipticity = row.eccentricity = none;
  row.xx = row.yy = row.xy = row.beta = row.beta_err = none;
}

}  // namespace starflow
