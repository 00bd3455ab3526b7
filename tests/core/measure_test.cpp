// SPDX-License-Identifier: MIT
#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "support/dao_reference.hpp"
#include "support/scene.hpp"

namespace starflow {
namespace {

using test::add_noise;
using test::add_star;
using test::Scene;

constexpr double kSigma = 1.3;
constexpr double kFwhm = 2.3548200450309493 * kSigma;

/// Positions to measure, as a list of forced ones would be.
Detections at(const std::vector<std::pair<double, double>>& positions) {
  Detections d;
  d.resize(positions.size());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    d.x[i] = positions[i].first;
    d.y[i] = positions[i].second;
    d.id[i] = static_cast<std::int64_t>(i);
    d.flags[i] = flag::forced_position;  // keeps the id
  }
  d.fwhm_px = kFwhm;
  return d;
}

MeasureOptions with(Method method) {
  MeasureOptions o;
  o.method = method;
  return o;
}

StarTable run(const FrameView& view,
              const Detections& d,
              const MeasureOptions& options,
              const Detector& detector = {}) {
  MeasureWorkspace workspace;
  StarTable stars;
  measure(view, estimate_background(view, {}, serial_for), detector, d, options, serial_for, workspace, stars);
  return stars;
}

bool has(const StarTable& stars, std::size_t i, Flags bit) { return (stars.flags[i] & bit) != 0; }

class EveryMethod : public ::testing::TestWithParam<Method> {};
INSTANTIATE_TEST_SUITE_P(Methods,
                         EveryMethod,
                         ::testing::Values(Method::windowed, Method::gaussian),
                         [](const auto& method) {
                           return std::string(kMethodNames[static_cast<std::size_t>(method.param)]);
                         });

// Noise of 1e-3 ADU only makes the background's noise defined: it moves a star of 1e5 ADU by 1e-7 px.
TEST_P(EveryMethod, FindsANoiselessStarAtEverySubPixelPhase) {
  for (const double phase : {-0.5, -0.31, 0.0, 0.13, 0.5}) {
    Scene<float> scene(64, 64, 100);
    add_star(scene, 31 + phase, 33 - phase, 1e5, kSigma, kSigma);
    add_noise(scene, 1e-3, 1);
    const StarTable stars = run(scene.view(), at({{31 + phase + 0.3, 33 - phase - 0.2}}), with(GetParam()));
    ASSERT_EQ(stars.termination[0], Termination::converged);
    EXPECT_NEAR(stars.x[0], 31 + phase, 2e-4);  // pixels are stored as float
    EXPECT_NEAR(stars.y[0], 33 - phase, 2e-4);
    EXPECT_NEAR(stars.flux[0], 1e5, 200);
    EXPECT_NEAR(stars.fwhm[0], kFwhm, 0.005 * kFwhm);
  }
}

TEST_P(EveryMethod, TellsTheAxesOfAnEllipticalStar) {
  Scene<float> scene(64, 64, 100);
  add_star(scene, 31.2, 32.4, 1e5, 2.0, 1.3);
  add_noise(scene, 1e-3, 1);
  const StarTable stars = run(scene.view(), at({{31, 32}}), with(GetParam()));
  ASSERT_EQ(stars.termination[0], Termination::converged);
  EXPECT_NEAR(stars.fwhm_major[0] / stars.fwhm_minor[0], 2.0 / 1.3, 0.02);
  EXPECT_NEAR(stars.theta[0], 0, 1);
  EXPECT_NEAR(stars.ellipticity[0], 1 - 1.3 / 2.0, 0.01);
  EXPECT_NEAR(stars.eccentricity[0], std::sqrt(1 - std::pow(1.3 / 2.0, 2)), 0.01);
}

TEST_P(EveryMethod, TurnsWithTheFrame) {
  Scene<float> scene(64, 64, 100);
  add_star(scene, 25.3, 40.6, 20000, 1.8, 1.2);
  add_noise(scene, 5, 2);
  Scene<float> turned(64, 64, 0);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) turned.at(y, 63 - x) = scene.at(x, y);
  }
  const StarTable a = run(scene.view(), at({{25, 41}}), with(GetParam())),
                  b = run(turned.view(), at({{41, 38}}), with(GetParam()));
  EXPECT_NEAR(b.x[0], a.y[0], 1e-5);
  EXPECT_NEAR(b.y[0], 63 - a.x[0], 1e-5);
  EXPECT_NEAR(b.x_err[0], a.y_err[0], 1e-6);
  EXPECT_NEAR(b.flux[0] / a.flux[0], 1, 1e-6);
}

TEST_P(EveryMethod, DoesNotDependOnTheScaleOfThePixels) {
  Scene<float> scene(64, 64, 0);
  add_star(scene, 31.3, 32.6, 5000, kSigma, kSigma);
  add_noise(scene, 10, 3);
  const StarTable plain = run(scene.view(), at({{31, 33}}), with(GetParam()), {2.0, 0, 1e9});
  for (const double scale : {1e-5, 1e5}) {
    Scene<float> scaled = scene;
    for (float& pixel : scaled.pixels) pixel = static_cast<float>(static_cast<double>(pixel) * scale);
    const StarTable stars = run(scaled.view(), at({{31, 33}}), with(GetParam()), {2.0 / scale, 0, 1e9 * scale});
    EXPECT_NEAR(stars.x[0], plain.x[0], 1e-5);
    EXPECT_NEAR(stars.x_err[0] / plain.x_err[0], 1, 1e-5);
    EXPECT_NEAR(stars.flux[0] / plain.flux[0] / scale, 1, 1e-5);
    EXPECT_EQ(stars.flags[0], plain.flags[0]);
  }
}

TEST_P(EveryMethod, GivesTheSameForEveryPixelType) {
  Scene<double> truth(64, 64, 30);
  add_star(truth, 31.3, 32.6, 1000, kSigma, kSigma);
  add_noise(truth, 4, 4);
  for (double& pixel : truth.pixels) pixel = std::round(pixel);
  const StarTable expected = run(truth.view(), at({{31, 33}}), with(GetParam()));
  const auto check = [&]<class T>(T) {
    Scene<T> scene(64, 64, 0);
    for (std::size_t i = 0; i < scene.pixels.size(); ++i) scene.pixels[i] = static_cast<T>(truth.pixels[i]);
    const StarTable stars = run(scene.view(), at({{31, 33}}), with(GetParam()));
    EXPECT_NEAR(stars.x[0], expected.x[0], 1e-3);  // the noise estimate of integers differs by a hair
    EXPECT_NEAR(stars.flux[0], expected.flux[0], 0.01 * expected.flux[0]);
  };
  check(std::uint8_t{});
  check(std::uint16_t{});
  check(std::int16_t{});
  check(std::int32_t{});
  check(float{});
}

TEST_P(EveryMethod, FlagsAStarAtTheEdgeAndStillMeasuresIt) {
  Scene<float> scene(64, 64, 100);
  add_star(scene, 1.2, 30.4, 20000, kSigma, kSigma);
  add_noise(scene, 5, 5);
  const StarTable stars = run(scene.view(), at({{1, 30}}), with(GetParam()));
  EXPECT_TRUE(has(stars, 0, flag::edge));
  EXPECT_NEAR(stars.y[0], 30.4, 0.05);
}

TEST_P(EveryMethod, KeepsAPositionOutsideOfTheFrameAsAFlaggedRow) {
  Scene<float> scene(64, 64, 100);
  add_noise(scene, 5, 6);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const StarTable stars = run(scene.view(), at({{-40, 10}, {1e300, -1e300}, {nan, nan}}), with(GetParam()));
  ASSERT_EQ(stars.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(has(stars, i, flag::edge));
    EXPECT_TRUE(has(stars, i, flag::too_few_pixels));
    EXPECT_TRUE(std::isnan(stars.flux[i]));
  }
}

TEST_P(EveryMethod, LeavesOutNanPixelsAndSaysSo) {
  Scene<float> scene(64, 64, 100);
  add_star(scene, 31.3, 32.6, 20000, kSigma, kSigma);
  add_noise(scene, 5, 7);
  scene.at(34, 33) = std::numeric_limits<float>::quiet_NaN();
  const StarTable stars = run(scene.view(), at({{31, 33}}), with(GetParam()));
  EXPECT_TRUE(has(stars, 0, flag::bad_pixel));
  EXPECT_NEAR(stars.x[0], 31.3, GetParam() == Method::gaussian ? 0.01 : 0.2);
}

TEST_P(EveryMethod, SaysWhenTheCentreIsSaturated) {
  Scene<float> scene(64, 64, 100);
  add_star(scene, 31.3, 32.6, 1e5, kSigma, kSigma);
  add_noise(scene, 5, 8);
  for (float& pixel : scene.pixels) pixel = std::min(pixel, 4000.0F);
  const StarTable stars = run(scene.view(), at({{31, 33}}), with(GetParam()), {2, 0, 4000});
  EXPECT_TRUE(has(stars, 0, flag::saturated));
  EXPECT_NEAR(stars.x[0], 31.3, GetParam() == Method::gaussian ? 0.01 : 0.1);
}

TEST_P(EveryMethod, MakesAFlaggedRowOfAConstantStamp) {
  const Scene<std::uint16_t> scene(64, 64, 100);
  const StarTable stars = run(scene.view(), at({{31, 33}}), with(GetParam()));
  ASSERT_EQ(stars.size(), 1U);
  EXPECT_NE(stars.termination[0], Termination::converged);
  EXPECT_TRUE(has(stars, 0, flag::background_unreliable));
  EXPECT_TRUE(std::isnan(stars.x_err[0]));
}

TEST_P(EveryMethod, IsTheSameForEveryOrderOfTheWork) {
  Scene<float> scene(256, 256, 100);
  std::vector<std::pair<double, double>> positions;
  for (int i = 0; i < 100; ++i) {
    positions.emplace_back(10 + (i * 37) % 235, 10 + (i * 71) % 235);
    add_star(scene, positions.back().first + 0.2, positions.back().second - 0.3, 1000 + 50 * i, kSigma, kSigma);
  }
  add_noise(scene, 5, 9);
  const FrameView view = scene.view();
  const Background background = estimate_background(view, {}, serial_for);
  const auto backwards = [](std::size_t n, std::size_t grain, RangeBody body) {
    for (std::size_t k = (n + grain - 1) / grain; k-- > 0;) body(k * grain, std::min(n, (k + 1) * grain));
  };
  MeasureWorkspace workspace;
  StarTable forward, backward;
  measure(view, background, {}, at(positions), with(GetParam()), serial_for, workspace, forward);
  measure(view, background, {}, at(positions), with(GetParam()), backwards, workspace, backward);
  zip_columns(
      [](std::string_view name, auto, auto, const auto& a, const auto& b) {
        using Cell = typename std::remove_cvref_t<decltype(a)>::value_type;
        for (std::size_t i = 0; i < a.size(); ++i) {
          if constexpr (std::is_floating_point_v<Cell>) {
            EXPECT_TRUE(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) << name << ' ' << i;
          } else {
            EXPECT_EQ(a[i], b[i]) << name << ' ' << i;
          }
        }
      },
      forward, backward);
}

TEST(Measure, KeepsAnEmptyPlaceNearItsSeed) {
  Scene<float> scene(256, 256, 100);
  add_noise(scene, 5, 10);
  std::vector<std::pair<double, double>> positions;
  for (int i = 0; i < 200; ++i) positions.emplace_back(10 + (i * 37) % 235, 10 + (i * 71) % 235);
  const StarTable stars = run(scene.view(), at(positions), with(Method::gaussian));
  const MeasureOptions options;
  for (std::size_t i = 0; i < stars.size(); ++i) {
    const auto& [x, y] = positions[static_cast<std::size_t>(stars.id[i])];
    EXPECT_LE(std::hypot(stars.x[i] - x, stars.y[i] - y), options.move_limit * kFwhm + 1e-9);
    EXPECT_EQ(stars.termination[i] != Termination::converged,
              (stars.flags[i] & (flag::fallback_method | flag::no_covariance | flag::no_convergence)) != 0);
  }
}

TEST(Measure, OrdersByFluxThenPosition) {
  Scene<float> scene(128, 128, 100);
  add_star(scene, 30, 30, 5000, kSigma, kSigma);
  add_star(scene, 90, 90, 20000, kSigma, kSigma);
  add_noise(scene, 5, 11);
  const StarTable stars = run(scene.view(), at({{30, 30}, {90, 90}, {500, 500}}), with(Method::gaussian));
  EXPECT_NEAR(stars.x[0], 90, 0.1);
  EXPECT_NEAR(stars.x[1], 30, 0.1);
  EXPECT_TRUE(std::isnan(stars.flux[2]));
}

TEST(Measure, GivesTheSharpnessAndRoundnessOfPhotutils) {
  const Scene<double> scene = test::photutils_scene();
  for (const test::PhotutilsNumbers& r : test::kPhotutils) {
    MeasureOptions options;
    options.fwhm_px = r.fwhm;
    const StarTable stars = run(scene.view(), at({{31.3, 32.6}}), options);
    EXPECT_NEAR(stars.sharpness[0], r.sharpness, 1e-6);
    EXPECT_NEAR(stars.roundness1[0], r.roundness1, 1e-6);
    EXPECT_NEAR(stars.roundness2[0], r.roundness2, 1e-6);
  }
}

TEST_P(EveryMethod, CountsTheMaskedPixelsOfTheStar) {
  Scene<float> scene(64, 64, 100);
  add_star(scene, 31.3, 32.6, 20000, kSigma, kSigma);
  add_noise(scene, 5, 13);
  for (const int x : {29, 34}) scene.at(x, 33) = std::numeric_limits<float>::infinity();
  EXPECT_EQ(run(scene.view(), at({{31, 33}}), with(GetParam())).n_masked[0], 2);
}

// 1,000 stars of S/N about 50: a pull's RMS is known to 2.2 %; 5 sigma are 11 %. The mean bias is known to 0.06 %.
TEST(Measure, GivesAWindowedFluxWithHonestErrorsForRoundAndLongStars) {
  for (const double ratio : {1.0, 1.4}) {
    Scene<float> scene(1000, 625, 100);
    std::vector<std::pair<double, double>> positions;
    constexpr double kFlux = 3000;
    for (int i = 0; i < 1000; ++i) {
      positions.emplace_back(12 + 25 * (i % 40) + 0.1 * (i % 7), 12 + 25 * (i / 40) + 0.1 * (i % 11));
    }
    for (const auto& [x, y] : positions) {  // drawn within its own square only
      Scene<float> star(25, 25, 0);
      const int x0 = static_cast<int>(x) - 12, y0 = static_cast<int>(y) - 12;
      add_star(star, x - x0, y - y0, kFlux, kSigma * ratio, kSigma);
      for (int j = 0; j < 25; ++j) {
        for (int k = 0; k < 25; ++k) {
          if (x0 + k < 1000 && y0 + j < 625) scene.at(x0 + k, y0 + j) += star.at(k, j);
        }
      }
    }
    add_noise(scene, 10, 14);
    const StarTable stars = run(scene.view(), at(positions), with(Method::windowed));
    double squares = 0, sum = 0;
    for (std::size_t i = 0; i < stars.size(); ++i) {
      const double pull = (stars.flux[i] - kFlux) / stars.flux_err[i];
      squares += pull * pull;
      sum += stars.flux[i] / kFlux - 1;
    }
    EXPECT_NEAR(std::sqrt(squares / static_cast<double>(stars.size())), 1, 0.11) << ratio;
    EXPECT_NEAR(sum / static_cast<double>(stars.size()), 0, 0.01) << ratio;
  }
}

TEST_P(EveryMethod, FlagsAStarThatMayBeNoise) {
  Scene<float> scene(64, 64, 100);
  add_star(scene, 31.3, 32.6, 150, kSigma, kSigma);
  add_noise(scene, 10, 15);
  const StarTable stars = run(scene.view(), at({{31.3, 32.6}}), with(GetParam()));
  EXPECT_EQ(has(stars, 0, flag::low_snr), stars.snr[0] < 5);
  EXPECT_LT(stars.snr[0], 5);
}

// The half-light radius of a Gaussian is sigma sqrt(2 ln 2); its mean radius is sigma sqrt(pi / 2). The pixel adds 1/12
// to sigma^2; the Kron aperture holds all but a few per mille of the light.
TEST(Measure, GivesTheHalfLightAndMeanRadiusOfAGaussian) {
  Scene<float> scene(128, 128, 100);
  add_star(scene, 63.4, 63.7, 1e6, 2.5, 2.5);
  add_noise(scene, 1, 12);
  const FrameView view = scene.view();
  DetectOptions detect_options;
  const Detections found = detect(view, estimate_background(view, {}, serial_for), {}, detect_options, serial_for);
  const StarTable stars = run(view, found, with(Method::gaussian));
  const double sigma = std::sqrt(2.5 * 2.5 + 1.0 / 12);
  EXPECT_NEAR(stars.hfr[0], sigma * std::sqrt(2 * std::log(2.0)), 0.01 * sigma);
  EXPECT_NEAR(stars.mean_radius[0], sigma * std::sqrt(M_PI / 2), 0.015 * sigma);
}

}  // namespace
}  // namespace starflow
