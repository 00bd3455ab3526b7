// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Thousands of noisy stars of one brightness and width, and how far off a centroid is by its own error bars.

#include <starflow/core/crlb.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>
#include <vector>

#include "centroid_stars.hpp"
#include "units.hpp"

namespace starflow::test {

/// Stars of one brightness and width with the noise of sky and light, on a frame each; gain 1.
struct Trials {
  std::vector<Scene<float>> scenes;
  std::vector<Star> stars;
  std::vector<double> x, y;
  Setting setting;
  double flux = 0, sigma = 0, bound = 0;  // px

  static constexpr std::size_t kCount = 4000;
  static constexpr double kVariance = 125;  // sky 100 e-, read noise 5 e-

  /// S/N = N / sqrt(N + 4 pi sa^2 B).
  Trials(double fwhm, double snr) : sigma(fwhm * kSigmaPerFwhm) {
    const double area = 4 * std::numbers::pi * (sigma * sigma + kPixelVariance) * kVariance;
    flux = 0.5 * (snr * snr + std::sqrt(std::pow(snr, 4) + 4 * snr * snr * area));
    setting.sigma = sigma;
    setting.radius = std::max(3, static_cast<int>(std::ceil(1.75 * fwhm)));
    setting.move_limit = 0.75 * fwhm;
    setting.detector.gain_e_per_adu = 1;
    setting.sky = {kSky, 0, 0, std::sqrt(kVariance)};
    const int side = 2 * setting.radius + 3;
    const PixelBox box{0, side, 0, side};
    const StarShape shape = star_shape(Profile::gaussian, fwhm, 0, 0, 3);
    std::vector<double> light(static_cast<std::size_t>(side * side));
    std::mt19937_64 bits(7);
    const auto uniform = [&bits] { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; };
    const auto normal = [&] {
      return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    };
    double squares = 0, bounds = 0;
    for (std::size_t k = 0; k < kCount; ++k) {
      x.push_back(setting.radius + 0.5 + uniform());
      y.push_back(setting.radius + 0.5 + uniform());
      pixel_light(shape, x[k], y[k], box, light);
      scenes.emplace_back(side, side, 0);
      for (std::size_t i = 0; i < light.size(); ++i) {
        const double mean = kSky + flux * light[i];
        scenes[k].pixels[i] = static_cast<float>(mean + std::sqrt(mean + kVariance - kSky) * normal());
      }
      if (k % 100 == 0) {
        const StarBounds b = cramer_rao({shape, x[k], y[k], flux, kSky, 5}, box, FreeWidths::two);
        squares += b.x * b.x + b.y * b.y;
        bounds += 2;
      }
    }
    for (std::size_t k = 0; k < kCount; ++k) {
      stars.push_back({scenes[k].view(), x[k] + 0.3 * (2 * uniform() - 1), y[k] + 0.3 * (2 * uniform() - 1)});
    }
    bound = std::sqrt(squares / bounds);
  }

  struct Score {
    double rms = 0, pull = 0, mean_pull = 0, flux_pull = 0;
    std::size_t failed = 0;
  };

  Score score(Method method) {
    setting.method = method;
    Score s;
    double n = 0;
    const std::vector<Result> got = measure(setting, stars);
    for (std::size_t k = 0; k < kCount; ++k) {
      if (got[k].termination != Termination::converged) {
        ++s.failed;
        continue;
      }
      const double dx = got[k].x - x[k], dy = got[k].y - y[k];
      const double px = dx / std::sqrt(got[k].cov_xx), py = dy / std::sqrt(got[k].cov_yy);
      s.rms += dx * dx + dy * dy;
      s.pull += px * px + py * py;
      s.mean_pull += px + py;
      s.flux_pull += std::pow((got[k].flux - flux) / got[k].flux_err, 2);
      n += 1;
    }
    s.rms = std::sqrt(s.rms / (2 * n));
    s.pull = std::sqrt(s.pull / (2 * n));
    s.mean_pull /= 2 * n;
    s.flux_pull = std::sqrt(s.flux_pull / n);
    return s;
  }

  /// 1 sigma of a position from the window k = window / sa^2, px. Source: the sandwich for a Gaussian star in a
  /// Gaussian window: var / (sa^2 / N) = (1 + k)^4 / k^2 (1 / (k + 2)^2 + tau / 4), tau = 2 pi sa^2 B / N.
  [[nodiscard]] double theory(double window) const {
    const double sa2 = sigma * sigma + kPixelVariance, k = window / sa2;
    const double tau = 2 * std::numbers::pi * sa2 * kVariance / flux;
    return std::sqrt(sa2 / flux * std::pow(1 + k, 4) / (k * k) * (1 / ((k + 2) * (k + 2)) + tau / 4));
  }
};

}  // namespace starflow::test
