// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Stars on frames of their own, measured by the kernels of light_lanes.hpp, and sums over their pixels in double.

#include "light_lanes.hpp"

#include <starflow/core/star_profile.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "scene.hpp"

namespace starflow::test {

inline constexpr int kSide = 61, kMiddle = 30;
inline constexpr int kFitRadius = 5;
inline constexpr double kSaturation = 1e6;

/// A star on its own frame with sky 0 and noise 1; `x` and `y` from the middle.
struct Star {
  double x = 0, y = 0, xx = 1, yy = 1, xy = 0;
  Scene<float> scene{kSide, kSide, 0};
};

inline Star draw(const StarShape& shape, double x, double y, double flux) {
  Star star{.x = x, .y = y};
  std::vector<double> light(kSide * kSide);
  pixel_light(shape, kMiddle + x, kMiddle + y, {0, kSide, 0, kSide}, light);
  for (std::size_t k = 0; k < light.size(); ++k) star.scene.pixels[k] = static_cast<float>(flux * light[k]);
  const double c = std::cos(shape.theta_rad), s = std::sin(shape.theta_rad);
  const double u = shape.width_u * shape.width_u, v = shape.width_v * shape.width_v;
  star.xx = u * c * c + v * s * s + 1.0 / 12;
  star.yy = u * s * s + v * c * c + 1.0 / 12;
  star.xy = (u - v) * c * s;
  return star;
}

struct Light {
  std::array<float, 7> value;  // hfr, mean radius, sharpness, roundness 1 and 2, sum, its variance
  float flux = 0, flux_variance = 0;
};
enum Quantity { kHfr, kMeanRadius, kSharpness, kRoundness1, kRoundness2, kSum, kSumVariance };

struct Setup {
  int radius = 18;
  double fwhm = 3;
  float aperture = 4;
};

/// Measures the stars in the order of \p order, batch by batch.
inline std::vector<Light> run(const std::vector<Star>& stars,
                              const std::vector<std::size_t>& order,
                              const Setup& setup) {
  const auto block = std::make_unique<StarBlock>();
  const DaoShape dao(setup.fwhm);
  std::vector<Light> out(stars.size());
  for (std::size_t first = 0; first < order.size(); first += simd_lanes()) {
    const std::size_t n = std::min(order.size() - first, simd_lanes());
    LightLanes lanes;
    ApertureLanes aperture;
    begin_block(*block, setup.radius, 1);
    for (std::size_t k = 0; k < n; ++k) {
      const Star& s = stars[order[first + k]];
      add_star(*block, s.scene.view(), {0, 0, kSaturation}, {}, kMiddle + s.x, kMiddle + s.y);
    }
    end_block(*block);
    for (std::size_t k = 0; k < block->lanes; ++k) {
      const Star& s = stars[order[first + (k < n ? k : 0)]];
      lanes.xx[k] = static_cast<float>(s.xx);
      lanes.yy[k] = static_cast<float>(s.yy);
      lanes.xy[k] = static_cast<float>(s.xy);
    }
    aperture.x = block->x;
    aperture.y = block->y;
    run_light(*block, dao, kFitRadius, lanes);
    run_aperture(*block, setup.aperture, aperture);
    for (std::size_t k = 0; k < n; ++k) {
      Light& light = out[order[first + k]];
      light.value = {lanes.hfr[k],        lanes.mean_radius[k], lanes.sharpness[k],   lanes.roundness1[k],
                     lanes.roundness2[k], lanes.sum[k],         lanes.sum_variance[k]};
      light.flux = aperture.flux[k];
      light.flux_variance = aperture.variance[k];
    }
  }
  return out;
}

inline std::vector<Light> run(const std::vector<Star>& stars, const Setup& setup) {
  std::vector<std::size_t> order(stars.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  return run(stars, order, setup);
}

inline Light run(const Star& star, const Setup& setup = {}) { return run(std::vector<Star>{star}, setup).front(); }

/// Area of the pixel at (dx, dy) in the circle of radius r about 0, to 1e-6: strips of equal angle.
inline double overlap(double dx, double dy, double r) {
  if (std::hypot(std::abs(dx) + 0.5, std::abs(dy) + 0.5) <= r) return 1;
  constexpr int kStrips = 500;
  const double begin = std::asin(std::clamp((dy - 0.5) / r, -1.0, 1.0));
  const double step = (std::asin(std::clamp((dy + 0.5) / r, -1.0, 1.0)) - begin) / kStrips;
  double sum = 0;
  for (int k = 0; k < kStrips; ++k) {
    const double h = r * std::cos(begin + (k + 0.5) * step);
    sum += std::max(0.0, std::min(h, dx + 0.5) - std::max(-h, dx - 0.5)) * h * step;
  }
  return sum;
}

/// Sum of weight(dx, dy) times the pixel over the whole frame.
inline double weighted_sum(const Star& star, auto&& weight) {
  double sum = 0;
  for (int j = 0; j < kSide; ++j) {
    for (int i = 0; i < kSide; ++i) {
      const double w = weight(i - kMiddle - star.x, j - kMiddle - star.y);
      if (w != 0) sum += w * static_cast<double>(star.scene.pixels[static_cast<std::size_t>(j * kSide + i)]);
    }
  }
  return sum;
}

inline double disc_flux(const Star& star, double r) {
  return weighted_sum(star, [r](double dx, double dy) {
    return std::max(std::abs(dx), std::abs(dy)) < r + 0.5 ? overlap(dx, dy, r) : 0.0;
  });
}

/// Stars of one shape at 25 phases of the pixel.
inline std::vector<Star> phases(const StarShape& shape) {
  std::vector<Star> stars;
  for (int q = 0; q < 5; ++q) {
    for (int p = 0; p < 5; ++p) stars.push_back(draw(shape, -0.49 + 0.245 * p, -0.49 + 0.24 * q, 1e5));
  }
  return stars;
}

/// 61 stars of S/N 10 to 3,000 with noise, one in seven with a bad pixel.
inline std::vector<Star> field() {
  std::vector<Star> stars;
  for (int i = 0; i < 61; ++i) {
    const StarShape shape = star_shape(Profile::gaussian, 2.4 + 0.02 * i, 0.005 * i, 7.0 * i, 3);
    // Never midway between two pixels, where it is chance which is nearest.
    const double x = std::remainder(0.37 * i + 0.003, 1.0), y = std::remainder(0.61 * i + 0.003, 1.0);
    stars.push_back(draw(shape, x, y, 60 * std::pow(1.1, i)));
    add_noise(stars.back().scene, 1, static_cast<std::uint64_t>(i));
    if (i % 7 == 0) stars.back().scene.at(kMiddle - 3 + i / 7, kMiddle + 2) = NAN;
  }
  return stars;
}

}  // namespace starflow::test
