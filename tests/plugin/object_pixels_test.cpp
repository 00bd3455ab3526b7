// SPDX-License-Identifier: MIT
#include "object_pixels.hpp"

#include "register.hpp"

#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/node_harness.hpp"
#include "support/scene.hpp"

namespace starflow {
namespace {

constexpr int kSide = 512;
constexpr double kSky = 500, kNoise = 20, kFwhm = 3;

/// 900 stars of S/N 5 to 500: one on every 290 pixels.
test::Scene<std::uint16_t> crowd() {
  constexpr int kReach = 12;
  constexpr double kSigma = kFwhm / 2.3548;
  test::Scene<double> light(kSide, kSide, kSky);
  std::mt19937_64 bits(5);
  const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
  for (int k = 0; k < 900; ++k) {
    const double x = kReach + uniform() * (kSide - 2 * kReach - 1), y = kReach + uniform() * (kSide - 2 * kReach - 1);
    const int x0 = static_cast<int>(x) - kReach, y0 = static_cast<int>(y) - kReach;
    test::Scene<double> stamp(2 * kReach + 1, 2 * kReach + 1, 0);
    test::add_star(stamp, x - x0, y - y0, 4.5 * kNoise * 5 * std::pow(100, uniform()), kSigma, kSigma);
    for (int j = 0; j < stamp.height; ++j) {
      for (int i = 0; i < stamp.width; ++i) light.at(x0 + i, y0 + j) += stamp.at(i, j);
    }
  }
  test::add_noise(light, kNoise, 6);
  test::Scene<std::uint16_t> scene(kSide, kSide, 0);
  std::ranges::transform(light.pixels, scene.pixels.begin(),
                         [](double v) { return static_cast<std::uint16_t>(std::lround(v)); });
  return scene;
}

TEST(ObjectPixels, AreDiscsInTheOrderOfTheRows) {
  const test::Scene<std::uint16_t> scene = crowd();
  const Background b = estimate_background(scene.view(), {}, serial_for);
  Detections d;
  d.resize(2);
  d.x = {30, 400.4};
  d.y = {300.2, 3};
  d.peak = {0.05 * b.noise(30, 300.2), 1000 * b.noise(400.4, 3)};  // the first does not stand out
  EXPECT_TRUE(object_pixels(d, b).empty());                        // no width
  d.fwhm_px = kFwhm;
  const std::vector<PixelRun> runs = object_pixels(d, b);
  ASSERT_FALSE(runs.empty());
  EXPECT_TRUE(std::ranges::is_sorted(runs, {}, &PixelRun::y));
  EXPECT_LT(runs.front().y, 0);
  const double radius = 1.5 / std::sqrt(std::cbrt(2.0) - 1) * std::sqrt(std::cbrt(10000.0) - 1);
  for (const PixelRun& run : runs) {
    EXPECT_LE(std::hypot(run.x0 - 400.4, run.y - 3.0), radius);
    EXPECT_LE(std::hypot(run.x1 - 1 - 400.4, run.y - 3.0), radius);
    EXPECT_GT(std::hypot(run.x1 - 400.4, run.y - 3.0), radius);
  }
}

struct Errors {
  double level = 0, noise = 0;  // means over the frame; sigma, part of it
};

Errors errors_after(std::int64_t passes) {
  const test::Scene<std::uint16_t> scene = crowd();
  cv::Mat pixels(kSide, kSide, CV_16UC1);
  std::ranges::copy(scene.pixels, pixels.ptr<std::uint16_t>());
  const auto sent = test::run_node(detect_type(), {{"fwhm", kFwhm}, {"background.passes", passes}}, {},
                                   {{0, test::message(Frame::adopt(std::move(pixels), {}))}});
  const Background& b = *sent.at(0).as<DetectionList>()->background;
  Errors e;
  for (int y = 4; y < kSide; y += 8) {
    for (int x = 4; x < kSide; x += 8) {
      e.level += (b.level(x, y) - kSky) / kNoise / 4096;
      e.noise += (b.noise(x, y) / kNoise - 1) / 4096;
    }
  }
  return e;
}

// N = 4096 places of one frame; with 60 % of its pixels left the level is known to 0.003 sigma and the noise to 0.2 %.
TEST(ObjectPixels, LeftOutInASecondPassTakeTheLightOfStarsOutOfTheSky) {
  const Errors one = errors_after(1), two = errors_after(2);
  EXPECT_GT(one.noise, 0.04);
  EXPECT_NEAR(two.level, 0, 0.03);
  EXPECT_NEAR(two.noise, 0, 0.02);
}

}  // namespace
}  // namespace starflow
