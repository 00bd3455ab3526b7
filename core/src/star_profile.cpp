// SPDX-License-Identifier: MIT
#include "gauss_legendre.hpp"

#include <starflow/core/star_profile.hpp>

#include <cmath>
#include <cstddef>
#include <numbers>

namespace starflow {
namespace {

/// Light of a 1-D Gaussian in the pixel centred `d` px from it.
double pixel_gaussian(double d, double sigma) {
  const double k = 1 / (std::numbers::sqrt2 * sigma);
  // Differences of erfc keep their digits in the wings, where those of erf cancel.
  const double a = std::abs(d);
  return 0.5 * (std::erfc((a - 0.5) * k) - std::erfc((a + 0.5) * k));
}

void separable_light(const StarShape& shape, double x, double y, const PixelBox& box, std::span<double> light) {
  const bool turned = std::abs(std::sin(shape.theta_rad)) > 0.5;
  const double sigma_x = turned ? shape.width_v : shape.width_u;
  const double sigma_y = turned ? shape.width_u : shape.width_v;
  const auto width = static_cast<std::size_t>(box.width());
  const auto height = static_cast<std::size_t>(box.height());
  if (width == 0 || height == 0) return;
  // The first row holds the factors of x until it is its turn, last of all.
  for (std::size_t i = 0; i < width; ++i) light[i] = pixel_gaussian(box.x_begin + static_cast<double>(i) - x, sigma_x);
  for (std::size_t j = height; j-- > 0;) {
    const double row = pixel_gaussian(box.y_begin + static_cast<double>(j) - y, sigma_y);
    for (std::size_t i = 0; i < width; ++i) light[j * width + i] = light[i] * row;
  }
}

}  // namespace

bool StarShape::separable() const noexcept {
  return profile == Profile::gaussian && (width_u == width_v || std::abs(std::sin(2 * theta_rad)) < 1e-12);
}

StarShape star_shape(Profile profile, double fwhm_px, double ellipticity, double theta_deg, double beta) {
  const double stretch = std::sqrt(1 - ellipticity);
  const double width_per_fwhm = profile == Profile::gaussian ? 1 / (2 * std::sqrt(2 * std::numbers::ln2))
                                                             : 0.5 / std::sqrt(std::exp2(1 / beta) - 1);
  StarShape shape;
  shape.profile = profile;
  shape.width_u = width_per_fwhm * fwhm_px / stretch;
  shape.width_v = width_per_fwhm * fwhm_px * stretch;
  shape.theta_rad = theta_deg * std::numbers::pi / 180;
  shape.beta = beta;
  return shape;
}

void pixel_light(const StarShape& shape, double x, double y, const PixelBox& box, std::span<double> light) {
  if (shape.separable()) return separable_light(shape, x, y, box, light);
  const double c = std::cos(shape.theta_rad), s = std::sin(shape.theta_rad);
  const double area = shape.width_u * shape.width_v;
  const bool gaussian = shape.profile == Profile::gaussian;
  const double norm = gaussian ? 1 / (2 * std::numbers::pi * area) : (shape.beta - 1) / (std::numbers::pi * area);
  std::size_t at = 0;
  for (int j = box.y_begin; j < box.y_end; ++j) {
    for (int i = box.x_begin; i < box.x_end; ++i) {
      const double dx = i - x, dy = j - y;
      const QuadratureRule& rule = rule_for(shape, dx, dy);
      double sum = 0;
      for (std::size_t m = 0; m < rule.size; ++m) {
        for (std::size_t n = 0; n < rule.size; ++n) {
          const double px = dx + rule.node[n], py = dy + rule.node[m];
          const double u = (c * px + s * py) / shape.width_u, v = (c * py - s * px) / shape.width_v;
          const double r2 = u * u + v * v;
          const double value = gaussian ? std::exp(-0.5 * r2) : std::pow(1 + r2, -shape.beta);
          sum += rule.weight[m] * rule.weight[n] * value;
        }
      }
      light[at++] = norm * sum;
    }
  }
}

}  // namespace starflow
