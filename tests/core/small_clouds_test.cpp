// SPDX-License-Identifier: MIT
/// \file
/// Skies whose clouds are smaller than the background's tiles, and the stars that could pass for such clouds.

#include <starflow/core/background.hpp>
#include <starflow/core/detect.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

using test::Scene;

constexpr int kSide = 640;
constexpr double kNoise = 30, kLevel = 3000;  // ADU

/// Numbers that are the same everywhere.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : bits_(seed) {}
  double uniform() { return (static_cast<double>(bits_() >> 11) + 0.5) * 0x1p-53; }
  double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform()); }

 private:
  std::mt19937_64 bits_;
};

/// Noise of unit RMS smoothed by a Gaussian of \p sigma_px, as 60 waves.
class Clouds {
 public:
  Clouds(double sigma_px, std::uint64_t seed) {
    Draw draw(seed);
    for (Wave& w : waves_) {
      const double k = 1 / (std::numbers::sqrt2 * sigma_px);
      w = {k * draw.normal(), k * draw.normal(), 2 * std::numbers::pi * draw.uniform()};
    }
  }
  [[nodiscard]] double at(double x, double y) const {
    double sum = 0;
    for (const Wave& w : waves_) sum += std::cos(w.kx * x + w.ky * y + w.phase);
    return sum * std::sqrt(2.0 / static_cast<double>(waves_.size()));
  }

 private:
  struct Wave {
    double kx, ky, phase;
  };
  std::array<Wave, 60> waves_{};
};

Scene<std::uint16_t> whole(Scene<double> scene, std::uint64_t seed) {
  test::add_noise(scene, kNoise, seed);
  Scene<std::uint16_t> out(kSide, kSide, 0);
  std::ranges::transform(scene.pixels, out.pixels.begin(),
                         [](double v) { return static_cast<std::uint16_t>(std::lround(std::min(v, 65535.0))); });
  return out;
}

/// Clouds of 25 px are independent from one tile of 64 px to the next, and make its pixels scatter by 5 sigma. The
/// noise is known to 0.2 % (100 tiles); tiles of 32 px find it too high by 0.7 %, of clouds as high in other fields.
TEST(SmallClouds, AreNoNoise) {
  const Clouds clouds(25, 1);
  Scene<double> scene(kSide, kSide, 0);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) scene.at(x, y) = kLevel + 8 * kNoise * clouds.at(x, y);
  }
  const Background b = estimate_background(whole(scene, 2).view(), {}, serial_for);
  EXPECT_NEAR(b.median_noise(), kNoise, 0.03 * kNoise);
  EXPECT_LE(b.tile_px(), 32);
}

/// 361 stars of S/N 20 in the matched filter, 32 px apart: all of them. Of so many, noise hides none at 5 sigma.
TEST(SmallClouds, HideNoStars) {
  constexpr double kSigma = 3.2 / 2.3548;
  const Clouds clouds(30, 3);
  Scene<double> scene(kSide, kSide, 0);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) scene.at(x, y) = kLevel + 8 * kNoise * clouds.at(x, y);
  }
  Draw draw(4);
  struct Star {
    double x, y;
  };
  std::vector<Star> stars;
  for (int y = 32; y < kSide - 31; y += 32) {
    for (int x = 32; x < kSide - 31; x += 32) {
      stars.push_back({x + 6 * draw.uniform(), y + 6 * draw.uniform()});
      test::add_star(scene, stars.back().x, stars.back().y, 2 * std::sqrt(std::numbers::pi) * kSigma * 20 * kNoise,
                     kSigma, kSigma);
    }
  }
  const Scene<std::uint16_t> frame = whole(scene, 5);
  const Background b = estimate_background(frame.view(), {}, serial_for);
  const Detections d = detect(frame.view(), b, {}, {.fwhm_px = 3.2}, serial_for);
  const auto seen = [&](const Star& s) {
    for (std::size_t k = 0; k < d.size(); ++k) {
      if (std::hypot(d.x[k] - s.x, d.y[k] - s.y) < 1.6) return true;
    }
    return false;
  };
  EXPECT_EQ(std::ranges::count_if(stars, seen), static_cast<std::ptrdiff_t>(stars.size()));
}

/// Stars of 12 px FWHM, 0.5 of them within a FWHM of a place, scatter the levels as clouds do; halved tiles follow them
/// no better.
TEST(SmallClouds, AreNotWhatManyWideStarsPassFor) {
  constexpr double kSigma = 12 / 2.3548;
  Scene<double> scene(kSide, kSide, kLevel);
  Draw draw(6);
  for (int k = 0; k < 1600; ++k) {
    const double x = kSide * draw.uniform(), y = kSide * draw.uniform();
    test::add_star(scene, x, y, std::min(15000 / draw.uniform(), 3e6), kSigma, kSigma);
  }
  EXPECT_EQ(estimate_background(whole(scene, 7).view(), {}, serial_for).tile_px(), 64);
}

}  // namespace
}  // namespace starflow
