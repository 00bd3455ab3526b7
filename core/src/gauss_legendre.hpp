// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Gauss-Legendre nodes on a pixel, [-1/2, 1/2], with weights that add up to 1.

#include <starflow/core/star_profile.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace starflow {

struct QuadratureRule {
  std::size_t size = 1;
  std::array<double, 8> node{};
  std::array<double, 8> weight{};
};

// Abramowitz & Stegun, table 25.4; halved to the unit interval.
inline constexpr QuadratureRule kGauss1{1, {0}, {1}};
inline constexpr QuadratureRule kGauss3{
    3, {-0.3872983346207417, 0, 0.3872983346207417}, {0.2777777777777778, 0.4444444444444444, 0.2777777777777778}};
inline constexpr QuadratureRule kGauss5{
    5,
    {-0.4530899229693320, -0.26923465505284155, 0, 0.26923465505284155, 0.4530899229693320},
    {0.11846344252809454, 0.23931433524968324, 0.28444444444444444, 0.23931433524968324, 0.11846344252809454}};
inline constexpr QuadratureRule kGauss8{
    8,
    {-0.48014492824876815, -0.39833323870681335, -0.26276620495816450, -0.09171732124782490, 0.09171732124782490,
     0.26276620495816450, 0.39833323870681335, 0.48014492824876815},
    {0.05061426814518815, 0.11119051722668725, 0.15685332293894365, 0.18134189168918100, 0.18134189168918100,
     0.15685332293894365, 0.11119051722668725, 0.05061426814518815}};

/// The smallest rule that integrates a pixel (dx, dy) away from the star to 1e-6 of its flux. A Moffat's nearest pole
/// lies width * sqrt(1 + r^2) from the pixel (r in widths), and n nodes err by (4 distance)^(-2n): far pixels need few.
/// A Gaussian has no pole but a curvature that grows outwards, so only its width counts.
inline const QuadratureRule& rule_for(const StarShape& shape, double dx, double dy) noexcept {
  const double narrow = std::min(shape.width_u, shape.width_v);
  const double wide = std::max(shape.width_u, shape.width_v);
  double scale = narrow;
  if (shape.profile == Profile::moffat) scale *= std::sqrt(1 + (dx * dx + dy * dy) / (wide * wide));
  if (scale < 0.9) return kGauss8;
  if (scale < 2.5) return kGauss5;
  if (scale < 40) return kGauss3;
  return kGauss1;
}

}  // namespace starflow
