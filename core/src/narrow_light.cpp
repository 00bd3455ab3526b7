// SPDX-License-Identifier: MIT
#include "narrow_light.hpp"

namespace starflow {
namespace {

constexpr double kNarrow = 0.5;     // of the stars' FWHM: no focus makes one star that much sharper than the others
constexpr double kNarrowest = 0.8;  // px FWHM: below, no optics make a star
/// Of what a minor axis lacks to kNarrow, in parts of itself, times the flux over its error. Of 43,000 stars of S/N 5
/// and more, FWHM 1.4 to 3.5 px, lone and crowded, Gaussian, elliptical and Moffat, the highest reached 7.3.
constexpr double kSure = 10;

constexpr double kSpike = 1;       // DAOFIND sharpness; a star as narrow as a pixel is below
constexpr double kOnePixel = 0.6;  // of the light: a hot pixel has 0.8 of what is fitted to it, a star less than 0.5

/// FWHM (px) of the stars from which a window's second moments say how wide one is. By Poisson's summation they swing
/// with the place within a pixel, and of stars of 1.2 px nearly all of a width is that swing: three in four were called
/// too narrow. From 1.5 px on none of 20,000 a cell was.
constexpr double kWindowTellsWidth = 1.8;

/// Nine pixels, or a sum over a circle, tell no width so well. A group shares one: that of its brightest, which may be
/// the hot pixel beside the star; it is the one that has its light in one pixel.
bool has_own_width(const StarRow& row, double fwhm_px) {
  if (row.method_used == Method::quadratic || row.method_used == Method::moments || !(row.fwhm_minor > 0)) return false;
  if (!window_tells_width(row, fwhm_px)) return false;
  return (row.flags & flag::group_fit) == 0 || row.sharpness > kSpike || row.peak > kOnePixel * row.flux;
}

}  // namespace

bool window_tells_width(const StarRow& row, double fwhm_px) {
  const bool window = row.method_used == Method::windowed || row.method_used == Method::adaptive;
  return !window || fwhm_px >= kWindowTellsWidth;
}

Flags judge_narrow(const StarRow& row, double fwhm_px) {
  if (!has_own_width(row, fwhm_px)) return 0;
  if (!(fwhm_px > 0)) {
    const bool asked_for = (row.flags & flag::forced_position) != 0;
    return !asked_for && row.fwhm < kNarrowest ? flag::hot_pixel : 0;
  }
  const double least = kNarrow * fwhm_px;
  if (!((least / row.fwhm_minor - 1) * row.flux > kSure * row.flux_err)) return 0;
  return row.fwhm_major < least ? flag::hot_pixel : flag::cosmic_ray;
}

}  // namespace starflow
