// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Maximum-likelihood fit of one pixel-integrated, axis-aligned Gaussian on a constant.

#include "stamp.hpp"
#include "units.hpp"

#include <starflow/core/star_table.hpp>

#include <algorithm>
#include <array>

namespace starflow {

inline constexpr int kGaussianParameters = 6;
/// Order of the parameters: x, y (px), flux (ADU), sigma_x, sigma_y (px), level above the background (ADU).
using GaussianParameters = std::array<double, kGaussianParameters>;

/// The rules of a step, shared by the fit in double and the fit in SIMD lanes.
namespace gaussian_rule {
inline constexpr double kMaxSigmaRadii = 2;  ///< of the fitted square: wider stars can't be told from the background
inline constexpr double kMinSigma = 0.15;    ///< px: a third of a pixel in FWHM, below which pixels hold no width
inline constexpr double kCoarseStep = 0.03;  ///< px: where the weights change from the background's to the model's
inline constexpr double kFineStep = 1e-6;    ///< of the squared step in units of its own error: 0.001 sigma
}  // namespace gaussian_rule

struct GaussianFitOptions {
  double gain_e_per_adu = 0;  ///< 0 = background noise only
  double fwhm_px = 3;         ///< start value
  double radius_px = 6;       ///< half side of the fitted square
  double move_limit_px = 2;
  int max_iterations = 50;

  [[nodiscard]] double max_sigma_px() const { return gaussian_rule::kMaxSigmaRadii * radius_px; }
  [[nodiscard]] double max_step_px() const { return 0.3 * fwhm_px + 0.2; }
  /// A fit that runs away is kept this near to its start: it can come back, and ends as moved_from_seed where it does
  /// not.
  [[nodiscard]] double farthest_px() const { return 2 * move_limit_px; }
  [[nodiscard]] double start_sigma_px() const {
    return std::clamp(fwhm_px * kSigmaPerFwhm, 2 * gaussian_rule::kMinSigma, max_sigma_px());
  }
};

struct GaussianFit {
  GaussianParameters value{};
  std::array<GaussianParameters, kGaussianParameters> covariance{};
  double chi2 = 0;
  double residual_fraction = 0;  ///< sum |residual| / sum |model|, without the level
  int n_pix = 0, n_masked = 0, iterations = 0;
  Termination termination = Termination::converged;
};

/// Fits from (x, y): Gauss-Newton with the weights of the background until the step is below 0.03 px, then Fisher
/// scoring with weights from the model, 1 / (background variance + model / gain). Steps and widths are bounded. The
/// covariance is the inverse Fisher matrix. Source: Poisson likelihood shifted by the background variance (Huang et al.
/// 2013, Nat. Methods 10, 653), scoring as in Jennrich & Sampson 1976.
[[nodiscard]] GaussianFit fit_gaussian(const Stamp& stamp, double x, double y, const GaussianFitOptions& options);

/// Whether a fit that has settled may stand: finite, positive, near its start, no width on its bound. `converged` =
/// yes.
[[nodiscard]] Termination judge_gaussian(const GaussianFit& fit,
                                         double start_x,
                                         double start_y,
                                         const GaussianFitOptions& options);

}  // namespace starflow
