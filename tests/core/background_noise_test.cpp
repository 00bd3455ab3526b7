// SPDX-License-Identifier: MIT
/// \file
/// Level and noise of frames that hold nothing but noise, against the noise that was drawn.

#include <starflow/core/background.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

using test::Scene;

constexpr int kSide = 1024, kTile = 64;
constexpr std::uint64_t kSeed = 20261122;

/// Mean over the frame, and the RMS of the tiles' own errors, in sigma and parts of sigma.
struct Errors {
  double level = 0, noise = 0, tile_level = 0, tile_noise = 0;
};

template <class T>
Errors errors_of(const Scene<T>& scene, double level, double sigma) {
  Errors e;
  const Background b = estimate_background(scene.view(), {}, serial_for);
  EXPECT_TRUE(b.reliable());
  EXPECT_EQ(b.measured_fraction(), 1);
  std::vector<float> above(kSide), noise(kSide);
  for (int y = 0; y < kSide; ++y) {
    b.row(y, above, noise);
    for (std::size_t x = 0; x < above.size(); ++x) {
      e.level += (b.pedestal() + static_cast<double>(above[x]) - level) / sigma;
      e.noise += static_cast<double>(noise[x]) / sigma - 1;
    }
  }
  e.level /= kSide * kSide;
  e.noise /= kSide * kSide;
  // Without the median filter the surface goes through the tiles' own values.
  const Background tiles = estimate_background(scene.view(), {.tile_px = kTile, .filter_tiles = 1}, serial_for);
  constexpr int kTiles = kSide / kTile;
  for (int j = 0; j < kTiles; ++j) {
    for (int i = 0; i < kTiles; ++i) {
      const double x = (i + 0.5) * kTile - 0.5, y = (j + 0.5) * kTile - 0.5;
      const double level_error = (tiles.level(x, y) - level) / sigma, noise_error = tiles.noise(x, y) / sigma - 1;
      e.tile_level += level_error * level_error / (kTiles * kTiles);
      e.tile_noise += noise_error * noise_error / (kTiles * kTiles);
    }
  }
  e.tile_level = std::sqrt(e.tile_level);
  e.tile_noise = std::sqrt(e.tile_noise);
  return e;
}

/// N = 1024^2: the mean is known to sigma / 1024 and the standard deviation to 0.07 % (of Poisson of 1.4: 0.09 %); the
/// tolerances are 10 of these and more. A tile of 4096 pixels knows its mean to 0.0156 sigma and its sigma to 1.1 %
/// (clipped: 1.3 %; Poisson of 1.4: 1.5 %): over 256 tiles an RMS of that, to 4.4 %. 0.02 and 2 % leave room for the
/// tiles whose level turns to the mode by chance.
void expect_calibrated(const Errors& e) {
  EXPECT_NEAR(e.level, 0, 0.01);
  EXPECT_NEAR(e.noise, 0, 0.01);
  EXPECT_LT(e.tile_level, 0.02);
  EXPECT_LT(e.tile_noise, 0.02);
}

struct Normal {
  double level, sigma;
};

void PrintTo(const Normal& n, std::ostream* out) { *out << "sky " << n.level << ", sigma " << n.sigma; }

class BackgroundOfNormalNoise : public ::testing::TestWithParam<Normal> {
 protected:
  Scene<float> draw() const {
    Scene<float> scene(kSide, kSide, GetParam().level);
    test::add_noise(scene, GetParam().sigma, kSeed);
    return scene;
  }
};

TEST_P(BackgroundOfNormalNoise, IsRightInFloats) {
  expect_calibrated(errors_of(draw(), GetParam().level, GetParam().sigma));
}

// Rounding to whole numbers adds 1/12 to the variance.
TEST_P(BackgroundOfNormalNoise, IsRightInWholeNumbers) {
  const Scene<float> truth = draw();
  Scene<std::uint16_t> scene(kSide, kSide, 0);
  std::ranges::transform(truth.pixels, scene.pixels.begin(),
                         [](float v) { return static_cast<std::uint16_t>(std::lround(v)); });
  expect_calibrated(errors_of(scene, GetParam().level, std::sqrt(GetParam().sigma * GetParam().sigma + 1.0 / 12)));
}

// As cameras of 12 bits deliver them.
TEST_P(BackgroundOfNormalNoise, IsRightInMultiplesOfSixteen) {
  const Scene<float> truth = draw();
  Scene<std::uint16_t> scene(kSide, kSide, 0);
  std::ranges::transform(truth.pixels, scene.pixels.begin(),
                         [](float v) { return static_cast<std::uint16_t>(16 * std::lround(v)); });
  expect_calibrated(
      errors_of(scene, 16 * GetParam().level, 16 * std::sqrt(GetParam().sigma * GetParam().sigma + 1.0 / 12)));
}

INSTANTIATE_TEST_SUITE_P(
    Skies,
    BackgroundOfNormalNoise,
    ::testing::Values(Normal{100, 1.4}, Normal{100.37, 1.4}, Normal{1000.5, 12}, Normal{3000, 120}),
    [](const auto& with) { return std::to_string(with.index); });

class BackgroundOfPoissonNoise : public ::testing::TestWithParam<double> {
 protected:
  /// 100 + counts of the mean that is asked for, by their cumulative distribution.
  static Scene<std::uint16_t> draw(double mean) {
    std::vector<double> below;
    double p = std::exp(-mean), sum = 0;
    for (int k = 0; static_cast<double>(k) < mean + 12 * std::sqrt(mean) + 20; ++k) {
      sum += mean < 500 ? p : std::exp(k * std::log(mean) - mean - std::lgamma(k + 1.0));
      p *= mean / (k + 1);
      below.push_back(sum);
    }
    std::mt19937_64 bits(kSeed);
    Scene<std::uint16_t> scene(kSide, kSide, 0);
    for (auto& pixel : scene.pixels) {
      const double u = (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53;
      pixel = static_cast<std::uint16_t>(100 + (std::ranges::lower_bound(below, u) - below.begin()));
    }
    return scene;
  }
};

TEST_P(BackgroundOfPoissonNoise, IsRightInWholeNumbers) {
  expect_calibrated(errors_of(draw(GetParam()), 100 + GetParam(), std::sqrt(GetParam())));
}

TEST_P(BackgroundOfPoissonNoise, IsRightInFloatsOfAnotherGain) {
  const Scene<std::uint16_t> counts = draw(GetParam());
  Scene<float> scene(kSide, kSide, 0);
  std::ranges::transform(counts.pixels, scene.pixels.begin(), [](std::uint16_t v) { return 1.7F * v; });
  expect_calibrated(errors_of(scene, 1.7 * (100 + GetParam()), 1.7 * std::sqrt(GetParam())));
}

INSTANTIATE_TEST_SUITE_P(Means,
                         BackgroundOfPoissonNoise,
                         ::testing::Values(1.4, 2.0, 5.0, 10.0, 30.0, 100.0, 1000.0),
                         [](const auto& with) { return std::to_string(with.index); });

}  // namespace
}  // namespace starflow
