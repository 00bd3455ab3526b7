// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The light of a star as pixels collect it: Gaussian and Moffat profiles, integrated over each pixel.

#include <cstdint>
#include <span>

namespace starflow {

enum class Profile : std::uint8_t { gaussian, moffat };

/// The shape of a star of unit flux. Widths are the sigma of a Gaussian, the alpha of a Moffat.
struct StarShape {
  Profile profile = Profile::gaussian;
  double width_u = 1;    ///< px, along the axis at theta
  double width_v = 1;    ///< px, across it
  double theta_rad = 0;  ///< of the axis u, from +x towards +y
  double beta = 3;       ///< of a Moffat, > 1

  [[nodiscard]] bool separable() const noexcept;  ///< a Gaussian whose axes are those of the frame
};

/// \param fwhm_px      sqrt(major minor), > 0
/// \param ellipticity  1 - b/a, 0..1 (1 excluded)
/// \param theta_deg    major axis, from +x towards +y
/// \param beta         of a Moffat, > 1
[[nodiscard]] StarShape star_shape(Profile profile, double fwhm_px, double ellipticity, double theta_deg, double beta);

/// Pixels [x_begin, x_end) x [y_begin, y_end).
struct PixelBox {
  int x_begin = 0, x_end = 0, y_begin = 0, y_end = 0;
  [[nodiscard]] int width() const noexcept { return x_end > x_begin ? x_end - x_begin : 0; }
  [[nodiscard]] int height() const noexcept { return y_end > y_begin ? y_end - y_begin : 0; }
};

/// Writes to \p light the fraction of the star's light that each pixel of \p box collects, row by row.
/// Each value is within 1e-6 of the integral over the pixel, for widths of 0.4 px (FWHM 1) and more: the error function
/// for separable shapes, else Gauss-Legendre with as many nodes as the width and the distance ask for. \param light
/// box.width() * box.height() values
void pixel_light(const StarShape& shape, double x, double y, const PixelBox& box, std::span<double> light);

}  // namespace starflow
