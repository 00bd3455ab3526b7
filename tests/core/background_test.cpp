// SPDX-License-Identifier: MIT
#include <starflow/core/background.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

using test::add_noise;
using test::add_star;
using test::Scene;

constexpr int kSide = 1024;

/// Mean over the frame of level and noise.
struct Means {
  double level = 0, noise = 0;
};

Means means(const Background& b, int width, int height) {
  std::vector<float> level(static_cast<std::size_t>(width)), noise = level;
  Means m;
  for (int y = 0; y < height; ++y) {
    b.row(y, level, noise);
    for (const float v : level) m.level += static_cast<double>(v);
    for (const float v : noise) m.noise += static_cast<double>(v);
  }
  const double n = static_cast<double>(width) * height;
  return {b.pedestal() + m.level / n, m.noise / n};
}

// 1024^2 pixels give a clipped mode to about 2.3 sigma / 1024 and a standard deviation to 0.07 %.
TEST(Background, IsRightOnNormalNoise) {
  Scene<float> scene(kSide, kSide, 1000);
  add_noise(scene, 12, 1);
  const Background b = estimate_background(scene.view(), {}, serial_for);
  const Means m = means(b, kSide, kSide);
  EXPECT_TRUE(b.reliable());
  EXPECT_NEAR(m.level, 1000, 0.01 * 12);
  EXPECT_NEAR(m.noise, 12, 0.01 * 12);
}

// Rounding to whole numbers adds 1/12 to the variance; a plain median would be wrong by up to half a unit.
TEST(Background, IsRightOnIntegerPixelsOfLittleNoise) {
  for (const double level : {100.0, 100.3, 100.5}) {
    Scene<float> truth(kSide, kSide, level);
    add_noise(truth, 1.4, 2);
    Scene<std::uint16_t> scene(kSide, kSide, 0);
    for (std::size_t i = 0; i < truth.pixels.size(); ++i)
      scene.pixels[i] = static_cast<std::uint16_t>(std::lround(truth.pixels[i]));
    const Means m = means(estimate_background(scene.view(), {}, serial_for), kSide, kSide);
    const double sigma = std::sqrt(1.4 * 1.4 + 1.0 / 12);
    EXPECT_NEAR(m.level, level, 0.02 * sigma);
    EXPECT_NEAR(m.noise, sigma, 0.01 * sigma);
  }
}

TEST(Background, FollowsAGradientToTheEdges) {
  Scene<float> scene(512, 512, 0);
  for (int y = 0; y < 512; ++y) {
    for (int x = 0; x < 512; ++x) scene.at(x, y) = static_cast<float>(1000 + 0.5 * x - 0.25 * y);
  }
  add_noise(scene, 10, 3);
  const Background b = estimate_background(scene.view(), {}, serial_for);
  for (const int x : {0, 17, 255, 511}) {
    for (const int y : {0, 100, 511}) EXPECT_NEAR(b.level(x, y), 1000 + 0.5 * x - 0.25 * y, 4) << x << ", " << y;
  }
}

TEST(Background, IsHardlyMovedByStars) {
  Scene<float> scene(512, 512, 200);
  for (int i = 0; i < 200; ++i) add_star(scene, 7 + (i * 97) % 500, 5 + (i * 61) % 500, 5000, 1.5, 1.5);
  add_noise(scene, 10, 4);
  const Means m = means(estimate_background(scene.view(), {}, serial_for), 512, 512);
  EXPECT_NEAR(m.level, 200, 0.1 * 10);
  EXPECT_NEAR(m.noise, 10, 0.05 * 10);
}

TEST(Background, IsTheSameOnAPedestalThatThePixelsHoldExactly) {
  Scene<std::int32_t> low(256, 256, 1000);
  add_noise(low, 20, 5);
  Scene<std::int32_t> high = low;
  for (auto& pixel : high.pixels) pixel += 1 << 30;
  const Background a = estimate_background(low.view(), {}, serial_for),
                   b = estimate_background(high.view(), {}, serial_for);
  for (const int x : {0, 100, 255}) {
    EXPECT_NEAR(b.level(x, x) - (1 << 30), a.level(x, x), 1e-6);  // a double holds 2^30 to 2e-7
    EXPECT_EQ(b.noise(x, x), a.noise(x, x));
  }
}

TEST(Background, RowAgreesWithSinglePositions) {
  Scene<float> scene(300, 200, 50);
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 300; ++x) scene.at(x, y) += static_cast<float>(20 * std::sin(0.01 * x) * std::cos(0.02 * y));
  }
  add_noise(scene, 3, 6);
  const Background b = estimate_background(scene.view(), {}, serial_for);
  std::vector<float> level(300), noise(300);
  b.row(77, level, noise);
  for (const int x : {0, 1, 150, 299}) {
    EXPECT_NEAR(b.pedestal() + static_cast<double>(level[static_cast<std::size_t>(x)]), b.level(x, 77), 1e-3);
    EXPECT_NEAR(static_cast<double>(noise[static_cast<std::size_t>(x)]), b.noise(x, 77), 1e-4);
  }
}

TEST(Background, OfAConstantFrameIsItsValueAndUnreliable) {
  const Scene<std::uint16_t> scene(100, 80, 4242);
  const Background b = estimate_background(scene.view(), {}, serial_for);
  EXPECT_FALSE(b.reliable());
  EXPECT_EQ(b.level(50, 40), 4242);
  EXPECT_GT(b.noise(50, 40), 0);
}

TEST(Background, OfAFrameWithoutAValidPixelIsZeroAndUnreliable) {
  const Scene<float> scene(100, 80, std::numeric_limits<double>::quiet_NaN());
  const Background b = estimate_background(scene.view(), {}, serial_for);
  EXPECT_FALSE(b.reliable());
  EXPECT_EQ(b.level(50, 40), 0);
  EXPECT_EQ(b.noise(50, 40), 1);
  EXPECT_TRUE(std::isnan(b.median_level()));
  EXPECT_TRUE(std::isnan(b.median_noise()));
}

TEST(Background, OfASinglePixelIsThatPixel) {
  const Scene<float> scene(1, 1, 7);
  const Background b = estimate_background(scene.view(), {}, serial_for);
  EXPECT_FALSE(b.reliable());
  EXPECT_EQ(b.level(0, 0), 7);
}

TEST(Background, BridgesAMaskedHalfOfTheFrame) {
  Scene<float> scene(512, 512, 300);
  add_noise(scene, 10, 7);
  for (int y = 0; y < 512; ++y) {
    for (int x = 256; x < 512; ++x) scene.at(x, y) = 1e9F;
  }
  std::vector<std::uint8_t> mask(512 * 512, 0);
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 512 >= 256 ? 1 : 0;
  FrameView view = scene.view();
  view.mask = {mask.data(), 512};
  const Background b = estimate_background(view, {}, serial_for);
  EXPECT_TRUE(b.reliable());
  EXPECT_NEAR(b.level(400, 256), 300, 1);
  EXPECT_NEAR(b.noise(400, 256), 10, 1);
}

}  // namespace
}  // namespace starflow
