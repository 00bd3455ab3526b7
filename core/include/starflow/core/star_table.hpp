// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The measured stars of a frame as columns, and the list of those columns that every writer walks.

#include <starflow/core/flags.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace starflow {

enum class Method : std::uint8_t {
  windowed,   ///< Gaussian-weighted centroid, as SExtractor's XWIN_IMAGE
  adaptive,   ///< the same, its window as wide as the star's signal-to-noise ratio makes best
  moments,    ///< flux-weighted mean in a circle
  quadratic,  ///< parabola through the logarithms of 3x3 pixels
  gaussian,   ///< fit of a Gaussian on a constant
  moffat,     ///< fit of a Moffat on a constant
  plugin      ///< a StarMethod from outside, whose name is StarTable::plugin_method
};
/// Of all but `plugin`.
inline constexpr std::string_view kMethodNames[] = {"windowed",  "adaptive", "moments",
                                                    "quadratic", "gaussian", "moffat"};

/// Why a measurement ended. Everything but `converged` comes with a flag.
enum class Termination : std::uint8_t {
  converged,
  max_iterations,
  at_bound,         ///< a shape parameter rests on its limit
  moved_from_seed,  ///< the position left the allowed distance from where it started
  singular,         ///< the normal matrix is not positive definite
  nonfinite,        ///< a sum or a parameter was not finite
  nonpositive_flux,
  too_few_pixels,
  stalled  ///< no step, however short, fits better, though the slope says that one should
};
inline constexpr std::string_view kTerminationNames[] = {"converged",        "max_iterations", "at_bound",
                                                         "moved_from_seed",  "singular",       "nonfinite",
                                                         "nonpositive_flux", "too_few_pixels", "stalled"};

/// The fields of a star, as cells of one kind: columns of a table, or the values of one row.
/// NaN = not defined; the flags say why.
template <template <class> class Cell>
struct StarFields {
  Cell<std::int64_t> id;
  Cell<double> x, y;                              ///< px
  Cell<double> x_err, y_err;                      ///< px, 1 sigma
  Cell<double> xy_cov;                            ///< px^2
  Cell<double> flux, flux_err;                    ///< ADU, of the method
  Cell<double> flux_aperture, flux_aperture_err;  ///< ADU, in a circle of one FWHM radius
  Cell<double> flux_sum, flux_sum_err;            ///< ADU, of the stamp's pixels
  Cell<double> peak;                              ///< ADU above the background
  Cell<double> background, background_err;        ///< ADU a pixel
  Cell<double> noise;                             ///< ADU, background noise of a pixel
  Cell<double> snr;
  Cell<double> fwhm, fwhm_err, fwhm_major, fwhm_minor;  ///< px
  Cell<double> theta;                                   ///< degrees in (-90, 90], from +x towards +y
  Cell<double> ellipticity, eccentricity;
  Cell<double> beta, beta_err;  ///< of a Moffat
  Cell<double> xx, yy, xy;      ///< px^2, second moments
  /// DAOFIND's, about the pixel nearest to where the star was seen, over its footprint of 1.5 sigma; NaN where that
  /// leaves the frame or holds a bad pixel. DAOFIND and photutils centre theirs on the peak of the convolved frame:
  /// where that is another pixel (10 of 100 stars of FWHM 3 px, each on the border of two) they differ, by up to 0.46;
  /// elsewhere by 1e-7.
  Cell<double> sharpness, roundness1, roundness2;
  Cell<double> hfr;          ///< px, radius of half the flux
  Cell<double> mean_radius;  ///< px, sum(f r)/sum(f)
  /// Of the stamp's pixels, with the weights 1 / (background variance + model / gain). Fits: about what was fitted.
  /// Windowed, adaptive, moments: about the round Gaussian with the position, flux and FWHM of the row (the expected
  /// FWHM where the row has none); the position is not where this is least, which adds (mean pull^2 above the bound) /
  /// dof: below 1 % of dof from FWHM 3 px on up to S/N 100. Quadratic: of the nine logarithms about their best
  /// parabola. About 1 per degree of freedom for a lone Gaussian star, more for a blend, a cosmic ray or a hot pixel;
  /// and for any other profile the more, the brighter the star: it sets no flag by itself.
  Cell<double> chi2;
  Cell<std::int32_t> dof, n_pix, n_masked, iterations;
  Cell<Method> method, method_used;
  Cell<Termination> termination;
  Cell<Flags> flags;
};

template <class T>
using ColumnCell = std::vector<T>;

/// One row a star, ordered by flux (falling), then y, then x.
struct StarTable : StarFields<ColumnCell> {
  std::string plugin_method{};  ///< the name of Method::plugin in these rows

  [[nodiscard]] std::size_t size() const noexcept { return x.size(); }
  /// Resizes every column; new floating-point cells are NaN.
  void resize(std::size_t n);
  /// Every column has size() cells. What writes a table that others made asks first.
  [[nodiscard]] bool consistent() const noexcept;
};

/// Calls `visit(name, unit, doc, field...)` for each field, in the order of the records, with that field of every one
/// of \p t: tables or rows.
template <class Visit, class... T>
void zip_columns(Visit&& visit, T&... t) {
  visit("id", "", "number of the star in its frame, or the id of a forced position", t.id...);
  visit("x", "px", "position; (0, 0) is the centre of the first pixel", t.x...);
  visit("y", "px", "position, pointing down", t.y...);
  visit("x_err", "px", "1 sigma of x", t.x_err...);
  visit("y_err", "px", "1 sigma of y", t.y_err...);
  visit("xy_cov", "px^2", "covariance of x and y", t.xy_cov...);
  visit("flux", "ADU", "total flux of the star", t.flux...);
  visit("flux_err", "ADU", "1 sigma of flux", t.flux_err...);
  visit("flux_aperture", "ADU", "flux in a circle of one FWHM radius", t.flux_aperture...);
  visit("flux_aperture_err", "ADU", "1 sigma of flux_aperture", t.flux_aperture_err...);
  visit("flux_sum", "ADU", "flux of the stamp's pixels", t.flux_sum...);
  visit("flux_sum_err", "ADU", "1 sigma of flux_sum", t.flux_sum_err...);
  visit("peak", "ADU", "brightest pixel above the background", t.peak...);
  visit("background", "ADU", "background of one pixel", t.background...);
  visit("background_err", "ADU", "1 sigma of background, where the fit or an annulus gave it", t.background_err...);
  visit("noise", "ADU", "background noise of one pixel, 1 sigma", t.noise...);
  visit("snr", "",
        "flux_aperture / flux_aperture_err: the CCD equation (Howell), version 2: of a star in company no more than "
        "flux / flux_err, and that less by the root of chi2 / dof above 1",
        t.snr...);
  visit("fwhm", "px", "sqrt(fwhm_major fwhm_minor)", t.fwhm...);
  visit("fwhm_err", "px", "1 sigma of fwhm, where a fit gave it", t.fwhm_err...);
  visit("fwhm_major", "px", "full width at half maximum along the major axis", t.fwhm_major...);
  visit("fwhm_minor", "px", "full width at half maximum along the minor axis", t.fwhm_minor...);
  visit("theta", "deg", "major axis, in (-90, 90], from +x towards +y", t.theta...);
  visit("ellipticity", "", "1 - b/a", t.ellipticity...);
  visit("eccentricity", "", "sqrt(1 - (b/a)^2)", t.eccentricity...);
  visit("beta", "", "exponent of a Moffat", t.beta...);
  visit("beta_err", "", "1 sigma of beta, where it is free", t.beta_err...);
  visit("xx", "px^2", "second moment", t.xx...);
  visit("yy", "px^2", "second moment", t.yy...);
  visit("xy", "px^2", "second moment", t.xy...);
  visit("sharpness", "", "DAOFIND sharpness, about the pixel nearest to where the star was seen", t.sharpness...);
  visit("roundness1", "", "DAOFIND SROUND (symmetry), about the same pixel", t.roundness1...);
  visit("roundness2", "", "DAOFIND GROUND (marginal heights), about the same pixel", t.roundness2...);
  visit("hfr", "px", "radius that holds half of the flux", t.hfr...);
  visit("mean_radius", "px", "flux-weighted mean radius", t.mean_radius...);
  visit("chi2", "", "weighted squared residuals about the fit, or about the round Gaussian that a centroid describes",
        t.chi2...);
  visit("dof", "", "terms of chi2 less free parameters; 0 = no chi2", t.dof...);
  visit("n_pix", "", "pixels used", t.n_pix...);
  visit("n_masked", "", "pixels of the stamp left out", t.n_masked...);
  visit("iterations", "", "iterations of the estimator", t.iterations...);
  visit("method", "", "method asked for", t.method...);
  visit("method_used", "", "method that gave the position", t.method_used...);
  visit("termination", "", "why the measurement ended", t.termination...);
  visit("flags", "", "quality bits", t.flags...);
}

/// Calls `visit(name, unit, doc, column)` for each column of \p table.
template <class Table, class Visit>
void for_each_column(Table& table, Visit&& visit) {
  zip_columns(visit, table);
}

/// Appends the rows of \p from with these numbers, in this order. \p rows must lie in a consistent \p from, which is
/// not \p to.
void append_rows(const StarTable& from, std::span<const std::uint32_t> rows, StarTable& to);

}  // namespace starflow
