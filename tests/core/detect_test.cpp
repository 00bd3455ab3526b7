// SPDX-License-Identifier: MIT
#include <starflow/core/detect.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

using test::add_noise;
using test::add_star;
using test::Scene;

Detections find(const FrameView& view, const DetectOptions& options = {}, const Detector& detector = {}) {
  return detect(view, estimate_background(view, {}, serial_for), detector, options, serial_for);
}

DetectOptions given_fwhm(double fwhm_px) {
  DetectOptions o;
  o.fwhm_px = fwhm_px;
  return o;
}

TEST(Detect, FindsEveryBrightStarNearItsPlace) {
  Scene<float> scene(300, 200, 500);
  const std::vector<std::pair<double, double>> truth = {{20.3, 30.7}, {150, 100.5}, {280.9, 10.2}, {60.5, 180.1}};
  for (const auto& [x, y] : truth) add_star(scene, x, y, 5000, 1.3, 1.3);
  add_noise(scene, 10, 1);
  const Detections found = find(scene.view(), given_fwhm(3));
  ASSERT_EQ(found.size(), truth.size());
  for (const auto& [x, y] : truth) {
    double nearest = 1e9;
    for (std::size_t i = 0; i < found.size(); ++i)
      nearest = std::min(nearest, std::hypot(found.x[i] - x, found.y[i] - y));
    EXPECT_LT(nearest, 0.3) << x << ", " << y;
  }
}

TEST(Detect, ListsTheBrightestFirst) {
  Scene<float> scene(200, 100, 500);
  add_star(scene, 50, 50, 3000, 1.3, 1.3);
  add_star(scene, 150, 50, 9000, 1.3, 1.3);
  add_noise(scene, 10, 2);
  const Detections found = find(scene.view(), given_fwhm(3));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_NEAR(found.x[0], 150, 1);
  EXPECT_GT(found.flux[0], found.flux[1]);
}

// The matched filter's noise is a smooth Gaussian field of correlation length sigma = 1.27 px: the number of maxima
// above t is N t exp(-t^2 / 2) / ((2 pi)^1.5 * 2 sigma^2) for a threshold t (Adler 1981, The Geometry of Random
// Fields). At t = 4 it is 27.8 for 1024^2 px; 4 standard deviations of that count are 21.
TEST(Detect, RaisesAsManyFalseAlarmsAsTheoryOnPureNoise) {
  Scene<float> scene(1024, 1024, 500);
  add_noise(scene, 10, 3);
  DetectOptions options = given_fwhm(3);
  options.threshold_sigma = 4;
  options.prominence = 0;
  const double sigma = 3 / 2.3548, t = 4;
  const double expected = 1024.0 * 1024 * t * std::exp(-t * t / 2) / (std::pow(2 * M_PI, 1.5) * 2 * sigma * sigma);
  EXPECT_NEAR(static_cast<double>(find(scene.view(), options).size()), expected, 4 * std::sqrt(expected));
}

TEST(Detect, SeparatesTwoStarsThatTouch) {
  Scene<float> scene(100, 100, 500);
  add_star(scene, 47, 50, 20000, 1.3, 1.3);
  add_star(scene, 53, 50, 10000, 1.3, 1.3);
  add_noise(scene, 10, 4);
  const Detections found = find(scene.view(), given_fwhm(3));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_NE(found.flags[0] & flag::blended, 0U);
  EXPECT_NE(found.flags[1] & flag::blended, 0U);
}

TEST(Detect, FlagsASaturatedStar) {
  Scene<float> scene(100, 100, 500);
  add_star(scene, 50, 50, 50000, 1.3, 1.3);
  add_noise(scene, 10, 5);
  for (float& pixel : scene.pixels) pixel = std::min(pixel, 2000.0F);
  Detector detector;
  detector.saturation_adu = 2000;
  const Detections found = find(scene.view(), given_fwhm(3), detector);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found.flags[0] & flag::saturated, 0U);
}

TEST(Detect, IgnoresMaskedPixelsAndSeesTheStarBesideThem) {
  Scene<float> scene(100, 100, 500);
  add_star(scene, 50, 50, 5000, 1.3, 1.3);
  add_noise(scene, 10, 6);
  scene.at(20, 20) = 1e6F;
  scene.at(52, 50) = -1e6F;
  std::vector<std::uint8_t> mask(100 * 100, 0);
  mask[20 * 100 + 20] = mask[50 * 100 + 52] = 255;
  FrameView view = scene.view();
  view.mask = {mask.data(), 100};
  const Detections found = find(view, given_fwhm(3));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found.x[0], 50, 1);
}

TEST(Detect, FindsTheSameAtEveryScaleOfThePixels) {
  Scene<float> scene(200, 200, 0);
  for (int i = 0; i < 12; ++i) add_star(scene, 20 + 14 * i, 15 + (i * 67) % 170, 2000 + 300 * i, 1.5, 1.5);
  add_noise(scene, 10, 7);
  const Detections plain = find(scene.view());
  for (const float scale : {1e-5F, 1e5F}) {
    Scene<float> scaled = scene;
    for (float& pixel : scaled.pixels) pixel *= scale;
    const Detections found = find(scaled.view());
    ASSERT_EQ(found.size(), plain.size());
    EXPECT_NEAR(found.fwhm_px, plain.fwhm_px, 1e-4);
    for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(found.x[i], plain.x[i], 1e-4);
  }
}

TEST(Detect, DoesNotDependOnTheOrderOfTheBands) {
  Scene<float> scene(300, 300, 100);
  for (int i = 0; i < 30; ++i) add_star(scene, 10 + (i * 53) % 280, 10 + (i * 97) % 280, 2000, 1.3, 1.3);
  add_noise(scene, 10, 8);
  const auto backwards = [](std::size_t n, std::size_t grain, RangeBody body) {
    for (std::size_t k = (n + grain - 1) / grain; k-- > 0;) body(k * grain, std::min(n, (k + 1) * grain));
  };
  const FrameView view = scene.view();
  const Detections a = find(view);
  const Detections b = detect(view, estimate_background(view, {}, backwards), {}, {}, backwards);
  EXPECT_EQ(a.x, b.x);
  EXPECT_EQ(a.y, b.y);
  EXPECT_EQ(a.flux, b.flux);
  EXPECT_EQ(a.fwhm_px, b.fwhm_px);
}

// The isophote stands at 1e-5 of the peak: what lies below holds 1e-4 of a Gaussian's second moment. A unit pixel adds
// 1/12 px^2 to it, the 3x3 binomial smoothing 1/2.
TEST(Detect, GivesTheCentreAndTheMomentsOfTheSmoothedStar) {
  Scene<float> scene(100, 100, 0);
  add_star(scene, 50.3, 49.6, 1e6, 2, 1.4);
  add_noise(scene, 0.1, 11);
  const Detections found = find(scene.view(), given_fwhm(4));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found.iso_x[0], 50.3, 1e-3);
  EXPECT_NEAR(found.iso_y[0], 49.6, 1e-3);
  EXPECT_NEAR(found.xx[0], 4 + 1.0 / 12 + 0.5, 3e-3 * found.xx[0]);
  EXPECT_NEAR(found.yy[0], 1.96 + 1.0 / 12 + 0.5, 3e-3 * found.yy[0]);
  EXPECT_NEAR(found.xy[0], 0, 3e-3 * found.yy[0]);
}

TEST(Detect, GivesNoIsophoteToRowsThatAreAdded) {
  Detections forced;
  forced.resize(1);
  EXPECT_TRUE(std::isnan(forced.iso_x[0]));
  EXPECT_TRUE(std::isnan(forced.iso_y[0]));
  EXPECT_EQ(forced.xx[0], 0);
}

TEST(Detect, MeasuresTheFwhmOfTheStars) {
  for (const double fwhm : {1.5, 3.0, 6.0, 10.0}) {
    Scene<float> scene(400, 400, 100);
    for (int i = 0; i < 16; ++i)
      add_star(scene, 50.3 + 95 * (i % 4), 50.7 + 95 * (i / 4) + 0.1 * i, 40000, fwhm / 2.3548, fwhm / 2.3548);
    add_noise(scene, 10, 9);
    const Detections found = find(scene.view());
    EXPECT_TRUE(found.fwhm_measured);
    EXPECT_NEAR(found.fwhm_px, fwhm, 0.03 * fwhm);
  }
}

TEST(Detect, MeasuresTheFwhmOfTheStarsAmongManyHotPixels) {
  Scene<float> scene(400, 400, 100);
  for (int i = 0; i < 16; ++i) add_star(scene, 50.3 + 95 * (i % 4), 50.7 + 95 * (i / 4), 40000, 3, 3);
  add_noise(scene, 10, 9);
  for (int i = 0; i < 60; ++i) scene.at((i * 61) % 400, (i * 89) % 400) += 2000;
  EXPECT_NEAR(find(scene.view()).fwhm_px, 3 * 2.3548, 0.03 * 3 * 2.3548);
}

TEST(Detect, FindsNothingWhereThereIsNothing) {
  EXPECT_EQ(find(Scene<std::uint16_t>(64, 64, 1000).view()).size(), 0U);
  EXPECT_EQ(find(Scene<float>(64, 64, std::numeric_limits<double>::quiet_NaN()).view()).size(), 0U);
  EXPECT_EQ(find(Scene<float>(64, 64, std::numeric_limits<double>::infinity()).view()).size(), 0U);
  EXPECT_EQ(find(Scene<float>(1, 1, 5).view()).size(), 0U);
  EXPECT_EQ(find(FrameView{}).size(), 0U);
}

TEST(Detect, FindsStarsInFramesNarrowerThanItsFilter) {
  Scene<float> scene(5, 200, 100);
  add_star(scene, 2, 100, 50000, 1.3, 1.3);
  add_noise(scene, 10, 10);
  EXPECT_GE(find(scene.view(), given_fwhm(3)).size(), 1U);
}

// A star and the filter of its width make a Gaussian of twice its variance v, so of 2 pi 2 v ln(height / floor) px.
TEST(Detect, FollowsAStarsPixelsDownToTheLowerThreshold) {
  Scene<float> scene(100, 100, 500);
  add_star(scene, 50.2, 49.7, 200000, 1.5, 1.5);
  add_noise(scene, 10, 12);
  DetectOptions o = given_fwhm(1.5 * 2.3548);
  o.threshold_sigma = 100;  // where noise does not move the outline
  o.extend = 1;
  const Detections high = find(scene.view(), o);
  o.extend = 0.2;
  const Detections low = find(scene.view(), o);
  ASSERT_EQ(high.size(), 1U);
  ASSERT_EQ(low.size(), 1U);
  const double variance = 1.5 * 1.5 + 1.0 / 12;
  // An outline that is counted in whole pixels is right to about a tenth of its length, here 30 px.
  EXPECT_NEAR(low.n_pix[0] - high.n_pix[0], 4 * M_PI * variance * std::log(5.0), 3);
}

std::size_t blended(const Detections& found) {
  std::size_t n = 0;
  for (const Flags f : found.flags) n += (f & flag::blended) != 0 ? 1 : 0;
  return n;
}

// Two outlines that come near along a diagonal meet at a corner before they share a side.
TEST(Detect, JoinsPixelsThatShareACornerWhereAsked) {
  DetectOptions corners = given_fwhm(2), sides = given_fwhm(2);
  corners.search_again = sides.search_again = 0;
  sides.touch = Touch::sides;
  std::size_t apart = 0;
  for (int k = 0; k < 40; ++k) {
    Scene<float> scene(60, 60, 500);
    add_star(scene, 25, 25, 3000, 0.85, 0.85);
    add_star(scene, 28 + 0.1 * k, 28 + 0.1 * k, 3000, 0.85, 0.85);
    add_noise(scene, 10, 13);
    const Detections a = find(scene.view(), corners), b = find(scene.view(), sides);
    EXPECT_EQ(a.size(), b.size());
    EXPECT_LE(blended(b), blended(a)) << k;
    if (blended(b) < blended(a)) ++apart;
  }
  EXPECT_GT(apart, 0U);
}

// 0.024 stars a px^2: nine of ten have another one within 2.5 FWHM. A frame with neighbours taken for wide stars gives
// 3 px and more.
TEST(Detect, MeasuresTheWidthOfStarsThatMostlyOverlap) {
  constexpr int kSide = 400;
  constexpr double kSigma = 2.2 / 2.3548;
  Scene<float> scene(kSide, kSide, 500);
  std::mt19937_64 bits(14);
  const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
  for (int k = 0; k < 3800; ++k) {
    const double x = kSide * uniform(), y = kSide * uniform();
    add_star(scene, x, y, 500 * std::pow(100, uniform()), kSigma, kSigma);
  }
  add_noise(scene, 10, 15);
  EXPECT_NEAR(find(scene.view()).fwhm_px, 2.2, 0.1);
}

TEST(Detect, FindsTheSameInMemoryThatAnotherFrameHasUsed) {
  Scene<float> busy(300, 200, 500), scene(200, 150, 100);
  for (int i = 0; i < 200; ++i) add_star(busy, (i * 53) % 300, (i * 97) % 200, 5000, 1.3, 1.3);
  for (int i = 0; i < 9; ++i) add_star(scene, 20 + 17 * i, 15 + (i * 67) % 120, 3000, 1.5, 1.5);
  add_noise(busy, 10, 16);
  add_noise(scene, 10, 17);
  DetectWorkspace used;
  const auto in_used = [&used](const FrameView& view) {
    return detect(view, estimate_background(view, {}, serial_for), {}, {}, serial_for, used);
  };
  EXPECT_GT(in_used(busy.view()).size(), 100U);
  const Detections again = in_used(scene.view()), fresh = find(scene.view());
  EXPECT_EQ(again.x, fresh.x);
  EXPECT_EQ(again.y, fresh.y);
  EXPECT_EQ(again.flux, fresh.flux);
  EXPECT_EQ(again.flags, fresh.flags);
  EXPECT_EQ(again.fwhm_px, fresh.fwhm_px);
}

}  // namespace
}  // namespace starflow
