// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The smallest errors that a method can have on the pixels of one star.

#include "method_presets.hpp"

#include <starflow/core/crlb.hpp>
#include <starflow/core/star_profile.hpp>

namespace starflow::test {

/// 1 sigma; NaN = not known here.
struct TrialBounds {
  double x = StarBounds::kNone, y = x;  ///< px
  double flux = x, background = x;      ///< e-
  double fwhm = x;                      ///< px; of round stars with a known beta
};

/// The Cramer-Rao bound for a likelihood or a centroid, the sandwich for least squares.
[[nodiscard]] TrialBounds trial_bounds(const Preset& preset, const StarScene& scene, const PixelBox& box);

/// The errors of an unweighted fit of x, y, flux, background and two widths to an axis-aligned Gaussian: the diagonal
/// of (J'J)^-1 J'VJ (J'J)^-1 with V = diag(m + read_noise^2). J by central differences.
[[nodiscard]] StarBounds least_squares_bounds(const StarScene& scene, const PixelBox& box);

}  // namespace starflow::test
