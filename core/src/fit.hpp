// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Fits of a Gaussian or Moffat on a constant, one star in each SIMD lane, and again in double where that failed.

#include "star_block.hpp"

#include <starflow/core/measure.hpp>
#include <starflow/core/star_profile.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace starflow {

/// Order of the parameters. Width is ln FWHM; stretch is the vector (cos, sin)(2 theta) ln(a / b), so that a star's
/// covariance is s^2 expm([[e1, e2], [e2, -e1]]) and none of the three has a singular point.
enum FitParameter : std::size_t { kFitX, kFitY, kFitFlux, kFitLevel, kFitWidth, kFitE1, kFitE2, kFitBeta, kFitSize };

/// Which ellipses a fit may try.
enum class StretchFreedom : std::uint8_t {
  held,
  along_x,      ///< e1 alone: axes along the frame's
  along,        ///< any axis ratio at the angle held, which stays the major axis
  turned,       ///< any angle at the axis ratio held
  either_axis,  ///< the axis ratio held, along x or along y: whichever fits a star better
  free
};

/// Models that share their arithmetic: the kernels of each are a file, fit_<family>.cpp.
enum class ModelFamily : std::uint8_t {
  separable,    ///< Gaussians along the frame's axes: integrals by erf
  gaussian,     ///< the others
  half_moffat,  ///< 2 beta is held at a whole number: no exponential
  moffat
};

/// What is fitted to every star of a frame; lengths in block pixels.
struct FitRules {
  Profile profile = Profile::gaussian;
  Sampling sampling = Sampling::integrated;
  Estimator estimator = Estimator::mle;
  StretchFreedom stretch = StretchFreedom::along_x;
  bool lane_shapes = false;                 ///< width, stretch and beta are held at StarBlock::shape, each star its own
  Outline outline = Outline::axis_aligned;  ///< of lane_shapes
  bool free_level = true, free_width = true, free_beta = false;
  double fwhm = 3;        ///< start value, or held
  double e1 = 0, e2 = 0;  ///< the same
  double beta = 2.5;      ///< the same
  int nodes = 2;          ///< Gauss-Legendre nodes along the side of a pixel, 1..4, where erf does not serve
  int radius = 6;         ///< half side of the fitted square, up to the block's
  double move_limit = 2;
  int max_iterations = 50;  ///< of all stages together
  int patience = 20;        ///< iterations after which a lane of run_fits() is left as it is, up to max_iterations

  [[nodiscard]] bool separable() const {
    if (lane_shapes) return profile == Profile::gaussian && outline != Outline::rotated;
    return profile == Profile::gaussian && e2 == 0 &&
           (stretch == StretchFreedom::held || stretch == StretchFreedom::along_x);
  }
  [[nodiscard]] bool circular() const {
    if (lane_shapes) return outline == Outline::circular;
    return stretch == StretchFreedom::held && e1 == 0 && e2 == 0;
  }
  [[nodiscard]] ModelFamily family() const {
    if (separable()) return ModelFamily::separable;
    if (profile == Profile::gaussian) return ModelFamily::gaussian;
    const bool half = !free_beta && !lane_shapes && 2 * beta == std::floor(2 * beta);
    return half ? ModelFamily::half_moffat : ModelFamily::moffat;
  }
  [[nodiscard]] int free_parameters() const {
    const bool held = stretch == StretchFreedom::held || stretch == StretchFreedom::either_axis;
    const int shape = held ? 0 : stretch == StretchFreedom::free ? 2 : 1;
    return 3 + (free_level ? 1 : 0) + (free_width ? 1 : 0) + shape + (free_beta ? 1 : 0);
  }
};

/// The rules of a step, the same in float and double.
namespace fit_rule {
inline constexpr double kMinFwhm = kMinAxisFwhmPx;  ///< px, of the minor axis
inline constexpr double kMaxFwhmRadii = 4.7;  ///< of the fitted square: wider stars can't be told from the background
inline constexpr double kMaxStretch = 3;      ///< axis ratio 20
inline constexpr double kMinBeta = 1.5;       ///< of one that is free: below, the wings can't be told from the sky
inline constexpr double kMaxBeta = 12;        ///< beyond, a Moffat is a Gaussian to any pixel
inline constexpr double kCoarseStep = 0.03;   ///< px: where the weights change from the background's to the model's
inline constexpr double kFineStep = 1e-7;     ///< of the squared step in units of its own error: 0.0003 sigma
inline constexpr double kSettled = 1e-10;     ///< the same in double
}  // namespace fit_rule

struct Fit {
  std::array<double, kFitSize> value{};  ///< block px from the centre of the central one, block units of light
  /// Variances in the same units; NaN where the parameter is held.
  std::array<double, kFitSize> variance{};
  double cov_xy = 0;
  double chi2 = 0;
  /// sum |residual| over sum |model| without the level, or over sum |pixel| where that is less; 0 where chi2 is small
  double residual_fraction = 0;
  double power = 0;  ///< sum of pixel^2 / sky variance; 0 where chi2 is small
  double skew = 0;   ///< third moment of the residuals in parts of the flux; 0 where chi2 or it is small
  int iterations = 0;
  bool beta_at_bound = false;
  bool narrow = false;  ///< the minor axis, or the width of a circle, rests on its lower bound
  Termination termination = Termination::max_iterations;
};

/// Fits all stars of \p block about StarBlock::x, y into \p fits: Gauss-Newton with the weights of the background until
/// the step is below 0.03 px, then Fisher scoring with weights from the model, 1 / (background variance + model /
/// gain). The covariance is the inverse Fisher matrix, in which what rests on a bound is free. With
/// Estimator::least_squares all weights are 1 and the covariance is the sandwich. In float: what does not end as
/// `converged` is better tried by refit(), and so is what creeps, whose rounding grows with the way. Source: Poisson
/// likelihood shifted by the background variance (Huang et al. 2013, Nat. Methods 10, 653); scoring as in Jennrich &
/// Sampson 1976, Technometrics 18, 11.
void run_fits(const StarBlock& block, const FitRules& rules, std::array<Fit, StarBlock::kMaxLanes>& fits);

/// The same for one star in double with Marquardt's damping: each step must lower the weighted sum of squares.
[[nodiscard]] Fit refit(const StarBlock& block, std::size_t lane, const FitRules& rules);

}  // namespace starflow
