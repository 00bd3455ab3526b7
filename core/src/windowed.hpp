// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The windowed centroid: where the Gaussian-weighted first moment about the position itself vanishes.

#include "stamp.hpp"

#include <starflow/core/star_table.hpp>

namespace starflow {

struct WindowedResult {
  double x = 0, y = 0;                        ///< px
  double cov_xx = 0, cov_yy = 0, cov_xy = 0;  ///< px^2
  double flux = 0, flux_err = 0;              ///< ADU, of the Gaussian that the windowed moments describe
  double xx = 0, yy = 0, xy = 0;  ///< px^2, moments with the window and the pixel taken out; NaN = too noisy
  int iterations = 0, n_pix = 0, n_masked = 0;
  Termination termination = Termination::converged;
};

struct WindowedOptions {
  double sigma_px = 1;  ///< of the window
  double move_limit_px = 2;
  int max_iterations = 50;
  double gain_e_per_adu = 0;  ///< 0 = background noise only
};

/// Iterates x += 2 sum(w f dx) / sum(w f) with w = exp(-r^2 / 2 sigma^2) over the circle of 4 sigma, from (x, y), as
/// SExtractor's XWIN_IMAGE. The covariance is the sandwich of the estimating equation with the variance of the
/// background and, where the gain is known, of the star's own light by its windowed Gaussian. Sources: SExtractor
/// manual, "Windowed positional parameters"; Huber's sandwich for the covariance.
[[nodiscard]] WindowedResult windowed_centroid(const Stamp& stamp, double x, double y, const WindowedOptions& options);

}  // namespace starflow
