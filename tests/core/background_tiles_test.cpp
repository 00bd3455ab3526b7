// SPDX-License-Identifier: MIT
/// \file
/// What the background does with its tiles: objects left out, tiles repaired, rows of pixels, equal answers in any type
/// and order.

#include <starflow/core/background.hpp>
#include <starflow/core/simd.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

using test::add_noise;
using test::Scene;

struct Rows {
  std::vector<float> level, noise;

  explicit Rows(const Background& b, int side) {
    const auto width = static_cast<std::size_t>(side);
    level.resize(width * width);
    noise.resize(width * width);
    for (std::size_t y = 0; y < width; ++y)
      b.row(static_cast<int>(y), {&level[y * width], width}, {&noise[y * width], width});
  }
};

/// A slope, noise, and patches of 20x20 px that stand 2 sigma above the sky: too low for the clip.
struct Patches {
  static constexpr int kSide = 512, kPatch = 20, kStep = 40;
  static constexpr double kSigma = 10;
  Scene<float> scene{kSide, kSide, 0};
  std::vector<PixelRun> runs;

  Patches() {
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const bool patch = y % kStep < kPatch && x % kStep < kPatch;
        scene.at(x, y) = static_cast<float>(sky(x) + (patch ? 2 * kSigma : 0));
        if (patch && x % kStep == 0) runs.push_back({y, x, std::min(x + kPatch, kSide)});
      }
    }
    add_noise(scene, kSigma, 11);
  }
  static double sky(double x) { return 500 + 0.1 * x; }
  static double mean_error(const Background& b) {
    double sum = 0;
    for (int k = 0; k < kSide; ++k) sum += b.level(k, k) - sky(k);
    return sum / kSide;
  }
};

// A quarter of the pixels lies 2 sigma higher. N = 200,000 others know the mean to 0.002 sigma.
TEST(BackgroundTiles, LeaveOutThePixelsOfObjects) {
  const Patches p;
  const FrameView view = p.scene.view();
  EXPECT_GT(Patches::mean_error(estimate_background(view, {}, serial_for)), 0.2 * Patches::kSigma);
  const Background b = estimate_background(view, {}, serial_for, p.runs);
  EXPECT_NEAR(Patches::mean_error(b), 0, 0.02 * Patches::kSigma);
  EXPECT_NEAR(b.median_noise(), Patches::kSigma, 0.01 * Patches::kSigma);  // the slope is none
}

TEST(BackgroundTiles, TakeRunsThatReachBeyondTheFrame) {
  const Patches p;
  std::vector<PixelRun> runs = {{-3, 0, 10}};
  for (int y = 0; y < 128; ++y) runs.push_back({y, -50, 5000});
  runs.push_back({Patches::kSide, 0, 10});
  const Background b = estimate_background(p.scene.view(), {}, serial_for, runs);
  EXPECT_EQ(b.origin(200, 127), TileOrigin::repaired);
  EXPECT_EQ(b.origin(200, 128), TileOrigin::measured);
}

TEST(BackgroundTiles, SayWhereTheyWereMeasured) {
  Scene<std::uint16_t> scene(256, 192, 1000);  // 4x3 tiles
  add_noise(scene, 5, 12);
  for (int y = 0; y < 64; ++y) {
    for (int x = 64; x < 128; ++x) scene.at(x, y) = 1234;
  }
  std::vector<std::uint8_t> mask(256 * 192, 0);
  for (std::size_t y = 128; y < 192; ++y) std::fill_n(mask.begin() + static_cast<std::ptrdiff_t>(y * 256), 64, 1);
  FrameView view = scene.view();
  view.mask = {mask.data(), 256};
  const Background b = estimate_background(view, {.tile_px = 64, .filter_tiles = 1}, serial_for);
  EXPECT_EQ(b.origin(0, 0), TileOrigin::measured);
  EXPECT_EQ(b.origin(63.4, 0), TileOrigin::measured);
  EXPECT_EQ(b.origin(63.6, 0), TileOrigin::flat);
  EXPECT_EQ(b.origin(127, 63), TileOrigin::flat);
  EXPECT_EQ(b.origin(63, 128), TileOrigin::repaired);
  EXPECT_EQ(b.origin(-100, 1000), TileOrigin::repaired);  // the nearest tile
  EXPECT_EQ(b.origin(1000, -100), TileOrigin::measured);
  EXPECT_DOUBLE_EQ(b.measured_fraction(), 10.0 / 12);
  EXPECT_NEAR(b.level(95.5, 31.5), 1234, 0.01);  // a flat tile knows its level
  EXPECT_NEAR(b.noise(95.5, 31.5), 5, 0.3);      // 4096 pixels a neighbour: 1.2 %
  EXPECT_NEAR(b.level(31.5, 159.5), 1000, 1);    // its three neighbours' mean
  EXPECT_EQ(Background().origin(0, 0), TileOrigin::repaired);
  EXPECT_EQ(Background().measured_fraction(), 0);
}

TEST(BackgroundTiles, DoNotDependOnTheOrderOfTheRows) {
  Patches p;
  const auto backwards = [](std::size_t n, std::size_t grain, RangeBody body) {
    for (std::size_t k = (n + grain - 1) / grain; k-- > 0;) body(k * grain, std::min(n, (k + 1) * grain));
  };
  const FrameView view = p.scene.view();
  const Rows a(estimate_background(view, {}, serial_for, p.runs), Patches::kSide);
  const Rows b(estimate_background(view, {}, backwards, p.runs), Patches::kSide);
  EXPECT_EQ(a.level, b.level);
  EXPECT_EQ(a.noise, b.noise);
}

TEST(BackgroundTiles, AgreeOnAllInstructionSets) {
  const Patches p;
  const Rows best(estimate_background(p.scene.view(), {}, serial_for), Patches::kSide);
  for (const std::string& name : simd_names()) {
    ASSERT_TRUE(pin_simd(name));
    const Rows other(estimate_background(p.scene.view(), {}, serial_for), Patches::kSide);
    double level = 0, noise = 0;
    for (std::size_t i = 0; i < best.level.size(); ++i) {
      level = std::max(level, static_cast<double>(std::abs(best.level[i] - other.level[i])));
      noise = std::max(noise, static_cast<double>(std::abs(best.noise[i] - other.noise[i])));
    }
    EXPECT_LT(level, 1e-5 * Patches::kSigma) << name;
    EXPECT_LT(noise, 1e-5 * Patches::kSigma) << name;
  }
  ASSERT_TRUE(pin_simd(simd_names().front()));
}

template <class T>
void expect_same_as(const Scene<std::uint16_t>& from, double factor, double offset, double slack) {
  Scene<T> scene(from.width, from.height, 0);
  std::ranges::transform(from.pixels, scene.pixels.begin(),
                         [&](std::uint16_t v) { return static_cast<T>(v * factor + offset); });
  const Background a = estimate_background(from.view(), {}, serial_for);
  const Background b = estimate_background(scene.view(), {}, serial_for);
  for (const int k : {0, 100, 255}) {
    EXPECT_NEAR((b.level(k, k) - offset) / factor, a.level(k, k), slack) << k;
    EXPECT_NEAR(b.noise(k, k) / factor, a.noise(k, k), slack) << k;
  }
}

TEST(BackgroundTiles, AreTheSameInEveryPixelType) {
  Scene<std::uint16_t> scene(256, 256, 120);
  add_noise(scene, 9, 13);
  constexpr double kSame = 1e-4;
  expect_same_as<std::uint8_t>(scene, 1, 0, kSame);
  expect_same_as<std::int16_t>(scene, 1, -1000, kSame);
  expect_same_as<std::int32_t>(scene, 1, 0, kSame);
  expect_same_as<std::uint16_t>(scene, 64, 0, kSame);  // bits that are never set
  // Of floats it is not known that they are whole: the clip may cut one value more, 0.4 % of a tile at 3 sigma.
  constexpr double kOneMore = 0.004 * 27;
  expect_same_as<float>(scene, 1, 0, kOneMore);
  expect_same_as<double>(scene, 1, 0, kOneMore);
}

TEST(BackgroundTiles, WithOneInvalidPixelAreThoseWithout) {
  Scene<float> scene(128, 128, 300);
  add_noise(scene, 7, 14);
  const Background a = estimate_background(scene.view(), {}, serial_for);
  scene.at(100, 30) = NAN;
  const Background b = estimate_background(scene.view(), {}, serial_for);
  for (const int k : {0, 64, 127}) {
    EXPECT_NEAR(b.level(k, k), a.level(k, k), 0.01);  // one of 4096 pixels: 7 / 4096, in the mode 2.5 times that
    EXPECT_NEAR(b.noise(k, k), a.noise(k, k), 0.01);
  }
}

/// A mask or a variance that spoils one pixel must leave the others of the tile, and all of the next tile, in place.
TEST(BackgroundTiles, LeaveOutPixelsByMaskAndVariance) {
  Scene<std::uint16_t> scene(128, 64, 300);
  add_noise(scene, 7, 16);
  for (int x = 0; x < 20; ++x) scene.at(x, 20) = 310;  // within the clip: 10 / 4096 each, in the mode less
  Scene<std::uint8_t> mask(128, 64, 0);
  Scene<float> variance(128, 64, 49);
  for (int x = 0; x < 20; ++x) {
    mask.at(x, 20) = 1;
    variance.at(x, 20) = x % 2 == 0 ? 0.0F : INFINITY;
  }
  FrameView masked = scene.view(), weighted = scene.view();
  masked.mask = {mask.pixels.data(), 128};
  weighted.variance = {variance.pixels.data(), 128 * sizeof(float)};
  const BackgroundOptions options{.tile_px = 64, .filter_tiles = 1};
  const Background plain = estimate_background(scene.view(), options, serial_for);
  const Background a = estimate_background(masked, options, serial_for);
  const Background b = estimate_background(weighted, options, serial_for);
  EXPECT_NEAR(plain.level(31.5, 31.5) - a.level(31.5, 31.5), 20 * 10.0 / 4096, 0.04);
  EXPECT_GT(plain.level(31.5, 31.5), a.level(31.5, 31.5) + 0.01);
  EXPECT_NEAR(a.level(31.5, 31.5), b.level(31.5, 31.5), 1e-4);
  EXPECT_NEAR(plain.level(95.5, 31.5), a.level(95.5, 31.5), 1e-4);
}

TEST(BackgroundTiles, AreNotMisledByPixelsThatLieFarAway) {
  Scene<float> scene(256, 256, 300);
  add_noise(scene, 7, 15);
  for (int k = 0; k < 256; k += 5) scene.at(k, (k * 37) % 256) = k % 2 == 0 ? 1e9F : -1e9F;
  const Background b = estimate_background(scene.view(), {}, serial_for);
  EXPECT_NEAR(b.level(128, 128), 300, 0.5);
  EXPECT_NEAR(b.noise(128, 128), 7, 0.2);
}

/// More than a third of the pixels ties: the scatter of the lower side says nothing.
TEST(BackgroundTiles, FindTheLevelThatMostPixelsShare) {
  Scene<float> scene(64, 64, 0.25);
  for (int k = 0; k < 64; ++k) scene.at(k, k) = 1e6F * static_cast<float>(k);
  const Background b = estimate_background(scene.view(), {}, serial_for);
  EXPECT_NEAR(b.level(32, 32), 0.25, 1e-6);
  EXPECT_FALSE(b.reliable());
}

TEST(BackgroundTiles, GiveRowsOfAnyLengthThatAgreeWithPositions) {
  Scene<float> scene(301, 203, 50);
  for (int y = 0; y < 203; ++y) {
    for (int x = 0; x < 301; ++x) scene.at(x, y) += static_cast<float>(20 * std::sin(0.01 * x) * std::cos(0.02 * y));
  }
  add_noise(scene, 3, 6);
  const Background b = estimate_background(scene.view(), {.tile_px = 29, .filter_tiles = 3}, serial_for);
  for (const std::size_t width : {std::size_t{1}, std::size_t{7}, std::size_t{16}, std::size_t{301}}) {
    std::vector<float> level(width), noise(width), weighted(width), per_noise(width);
    b.row(101, level, noise);
    b.weighted_row(101, weighted, per_noise);
    EXPECT_EQ(level, weighted);
    for (std::size_t x = 0; x < width; ++x) {
      const auto px = static_cast<double>(x);
      EXPECT_NEAR(b.pedestal() + static_cast<double>(level[x]), b.level(px, 101), 3e-5) << x;
      EXPECT_NEAR(static_cast<double>(noise[x]), b.noise(px, 101), 3e-6) << x;
      EXPECT_NEAR(static_cast<double>(per_noise[x] * noise[x]), 1, 3e-7) << x;
    }
  }
}

}  // namespace
}  // namespace starflow
