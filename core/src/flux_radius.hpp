// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Half-light radius as SExtractor measures it, one star at a time.

#include "star_block.hpp"
#include "units.hpp"

#include <starflow/core/frame_view.hpp>

#include <algorithm>

namespace starflow {

/// Where a star's light is and how far it spreads, from the moments of its detection.
struct Isophote {
  double x = 0, y = 0;            ///< px
  double xx = 0, yy = 0, xy = 0;  ///< px^2, > 0 but xy
};

/// Radius of the circle about the star that holds half of the light in its Kron ellipse, px: FLUX_RADIUS at 0.5 of
/// FLUX_AUTO with SExtractor's defaults; SEP's to 2e-6 px. Missing pixels hold no light; saturated ones count.
/// \param sky  the plane that is taken off; it is level at (star.x, star.y)
/// \return     NaN where the light in the ellipse is not positive, half of it lies beyond 6 semi-axes, or the isophote
///             is wider than a star's can be
/// Never allocates. Sources: Kron 1980, ApJS 43, 305; Bertin & Arnouts 1996, A&AS 117, 393; SExtractor manual,
/// FLUX_RADIUS. `hfr` of the star table is the same radius measured exactly: this one has SExtractor's rings and
/// sub-pixels, which move it by 1 % on narrow stars, and the window of XWIN_IMAGE with it.
[[nodiscard]] double flux_radius(const FrameView& frame, const LocalSky& sky, const Isophote& star) noexcept;

/// 1 sigma of the window of SExtractor's XWIN_IMAGE, px: that of a Gaussian with the same half-light radius, but of
/// no narrower one than 1 px FWHM. SExtractor itself rounds the ratio of the two to 2.35.
/// \param half_light_radius  px
[[nodiscard]] constexpr double xwin_sigma(double half_light_radius) noexcept {
  constexpr double kNarrowestFwhm = 1;
  return kSigmaPerFwhm * std::max(2 * half_light_radius, kNarrowestFwhm);
}

}  // namespace starflow
