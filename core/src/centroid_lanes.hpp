// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Centroids that fit no model, one star in each SIMD lane: windowed, adaptive, moments, quadratic.

#include "star_block.hpp"

#include <starflow/core/star_table.hpp>

#include <array>

namespace starflow {

struct CentroidRules {
  Method method = Method::windowed;  ///< one of those four
  float move_limit = 2;              ///< block px, from StarBlock::x, y
  int max_iterations = 50;
  int stamp_radius = 6;  ///< half side of the square that chi2 looks at, up to the block's
  double fwhm = 3;       ///< of the stars, block px
};

/// A batch of centroids; lengths in block pixels from the centre of the central one, light in the block's units.
struct CentroidLanes {
  template <class T>
  using Lanes = std::array<T, StarBlock::kMaxLanes>;

  /// Of the window (windowed), or of the star as far as it is known (adaptive: where it begins; moments: the circle is
  /// one FWHM of it in radius), 1 sigma. Set by the caller.
  alignas(64) Lanes<float> sigma;

  alignas(64) Lanes<float> x, y, cov_xx, cov_yy, cov_xy;
  alignas(64) Lanes<float> flux, flux_err;  ///< total, of the Gaussian that the moments describe
  alignas(64) Lanes<float> xx, yy, xy;      ///< moments with the window and the pixel taken out; NaN = too noisy
  /// Of the pixels that count about the round Gaussian that the lane describes, over the stamp; quadratic: of the nine
  /// logarithms about their best parabola.
  alignas(64) Lanes<float> chi2;
  /// Of the light about that Gaussian, in parts of the light, where chi2 is large and the lane not aliased; else
  /// 0. Not of quadratic.
  alignas(64) Lanes<float> residual;
  alignas(64) Lanes<float> skew;  ///< their third moment in parts of the light, where chi2 and it are large; else 0
  /// 1 where so many pixels of one side are missing that the light made up in their place says where the star is; the
  /// covariance knows nothing of that. Else 0.
  alignas(64) Lanes<float> one_sided;
  /// 1 where the place within a pixel moves the position by more than the noise does; its mean square is in the
  /// covariance. Of windowed and adaptive; else 0.
  alignas(64) Lanes<float> aliased;
  alignas(64) Lanes<float> iterations, n_pix, n_masked;
  alignas(64) Lanes<float> termination;  ///< a Termination; all but `converged` leave the rest undefined but the counts
};

/// Measures all stars of \p block about StarBlock::x, y. Missing pixels hold light on the way, and 0 again at the end.
void run_centroids(StarBlock& block, const CentroidRules& rules, CentroidLanes& lanes);

}  // namespace starflow
