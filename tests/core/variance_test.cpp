// SPDX-License-Identifier: MIT
/// \file
/// Detection on frames whose variance is given and differs from place to place.

#include <starflow/core/detect.hpp>
#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "support/scene.hpp"
#include "support/star_field.hpp"

namespace starflow {
namespace {

constexpr int kSide = 512;
constexpr double kDeep = 10, kShallow = 30, kFwhm = 3;  // variances 1:9

/// Noise of 10 ADU in the left half and of 30 in the right one, and the variances.
struct Halves {
  test::Scene<float> scene{kSide, kSide, 500};
  std::vector<float> variance;

  /// \param flux  of stars on a grid, which lie no nearer to the halves' border than their filter reaches
  Halves(std::uint64_t seed, double flux = 0) {
    test::Scene<float> noise(kSide, kSide, 0);
    test::add_noise(noise, 1, seed);
    if (flux > 0) {
      for (const test::Star& s : stars()) test::add_star(scene, s.x, s.y, flux, kFwhm / 2.3548, kFwhm / 2.3548);
    }
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const double sigma = x < kSide / 2 ? kDeep : kShallow;
        scene.at(x, y) += static_cast<float>(sigma) * noise.at(x, y);
        variance.push_back(static_cast<float>(sigma * sigma));
      }
    }
  }

  static std::vector<test::Star> stars() {
    std::vector<test::Star> out;
    for (int j = 0; j < 20; ++j) {
      for (int i = 0; i < 20; ++i) out.push_back({16 + 25.2 * i, 16.4 + 25.1 * j});
    }
    return out;
  }

  [[nodiscard]] FrameView view() const {
    FrameView v = scene.view();
    v.variance = {variance.data(), kSide * static_cast<std::ptrdiff_t>(sizeof(float))};
    return v;
  }

  [[nodiscard]] Detections find(double threshold) const {
    DetectOptions o;
    o.threshold_sigma = threshold;
    o.fwhm_px = kFwhm;
    o.keep_artefacts = true;
    o.prominence = 0;
    return detect(view(), estimate_background(view(), {}, serial_for), {}, o, serial_for);
  }
};

double left_part(const Detections& d) {
  double n = 0;
  for (const double x : d.x) n += x < kSide / 2 ? 1 : 0;
  return n;
}

/// Maxima above u of a Gaussian field, area u exp(-u^2 / 2) L / (2 pi)^1.5 with L = 1 / (2 s^2), the curvature of the
/// autocorrelation exp(-r^2 / (4 s^2)) of the filtered noise: Adler, The Geometry of Random Fields, ch. 6. The pixels
/// see a maximum r away from their centre lower by exp(-r^2 / (4 s^2)), here averaged over the pixel.
double false_alarms(double threshold, double area) {
  constexpr int kParts = 21;
  const double s2 = std::pow(kFwhm / 2.3548, 2) + 1.0 / 12;
  double sum = 0;
  for (int k = 0; k < kParts * kParts; ++k) {
    const double dx = (k % kParts + 0.5) / kParts - 0.5, dy = (k / kParts + 0.5) / kParts - 0.5;
    const double u = threshold * std::exp((dx * dx + dy * dy) / (4 * s2));
    sum += u * std::exp(-0.5 * u * u) / (kParts * kParts);
  }
  return area * sum / (2 * s2 * std::pow(2 * std::numbers::pi, 1.5));
}

// The counts of 40 frames of 2^17 px a half are Poisson, 4 sigma wide.
TEST(Variance, GivesTheSameFalseAlarmsInTheDeepAndTheShallowHalf) {
  constexpr int kFrames = 40;
  constexpr double kThreshold = 3.8;
  double left = 0, right = 0;
  for (int k = 0; k < kFrames; ++k) {
    const Detections d = Halves(100U + static_cast<unsigned>(k)).find(kThreshold);
    left += left_part(d);
    right += static_cast<double>(d.size()) - left_part(d);
  }
  const double expected = false_alarms(kThreshold, kFrames * kSide * kSide / 2.0);
  EXPECT_NEAR(left, expected, 4 * std::sqrt(expected));
  EXPECT_NEAR(right, expected, 4 * std::sqrt(expected));
}

// Stars of S/N 10.8 in the deep half have 3.6 in the other, 2 % less where they lie between pixels: above 5 sigma are
// all of 200, and 0.5 (1 + erf((3.53 - 5) / sqrt 2)) = 7 %, 14 +- 3.6.
TEST(Variance, SeesFainterStarsInTheDeeperHalf) {
  const double snr = 10.8, s = kFwhm / 2.3548;
  const double flux = snr * kDeep * 2 * std::sqrt(std::numbers::pi) * s;
  const Detections d = Halves(7, flux).find(5);
  double deep = 0, shallow = 0;
  for (const test::Star& star : Halves::stars()) {
    for (std::size_t i = 0; i < d.size(); ++i) {
      if (std::hypot(d.x[i] - star.x, d.y[i] - star.y) < 2) (star.x < kSide / 2 ? deep : shallow) += 1;
    }
  }
  EXPECT_EQ(deep, 200);
  EXPECT_NEAR(shallow, 14, 4 * 3.6);
}

/// Of kDeep and kShallow in turn. \return the variance of each pixel
std::vector<float> add_chequered_noise(test::Scene<float>& scene, std::uint64_t seed) {
  test::Scene<float> noise(kSide, kSide, 0);
  std::vector<float> variance;
  test::add_noise(noise, 1, seed);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const double sigma = (x + y) % 2 == 0 ? kDeep : kShallow;
      scene.at(x, y) += static_cast<float>(sigma) * noise.at(x, y);
      variance.push_back(static_cast<float>(sigma * sigma));
    }
  }
  return variance;
}

// Every second pixel has the ninefold variance. The filter k / variance has the S/N flux sqrt(sum k^2 /
// variance), 1.118 of that of k / sigma: 0.745 / 0.667.
TEST(Variance, WeighsEachPixelByItsOwn) {
  constexpr double kFaint = 5.0;
  const double s = kFwhm / 2.3548;
  test::Scene<float> scene(kSide, kSide, 500);
  const double mean_weight = 0.5 * (1 / (kDeep * kDeep) + 1 / (kShallow * kShallow));
  const double flux = kFaint * 2 * std::sqrt(std::numbers::pi * (s * s + 1.0 / 12)) / std::sqrt(mean_weight);
  for (const test::Star& star : Halves::stars()) test::add_star(scene, star.x, star.y, flux, s, s);
  const std::vector<float> variance = add_chequered_noise(scene, 3);
  FrameView view = scene.view();
  view.variance = {variance.data(), kSide * static_cast<std::ptrdiff_t>(sizeof(float))};
  DetectOptions o;
  o.fwhm_px = kFwhm;
  o.keep_artefacts = true;
  const Detections d = detect(view, estimate_background(view, {}, serial_for), {}, o, serial_for);
  double found = 0;
  for (const test::Star& star : Halves::stars()) {
    bool any = false;
    for (std::size_t i = 0; i < d.size(); ++i) any = any || std::hypot(d.x[i] - star.x, d.y[i] - star.y) < 2;
    found += any ? 1 : 0;
  }
  // At the threshold itself half of 400, 46 % with what falls between pixels; with k / sigma the stars would have 4.38
  // sigma, of which 27 % stand above 5.
  EXPECT_GT(found, 184 - 2.4 * 10);
}

// With weights alike the errors would be 1.5 times what these variances allow, and the scatter with them. 400 stars:
// the pull of 800 coordinates is known to 2.5 %.
TEST(Variance, WeighsThePixelsOfAFit) {
  constexpr double kFlux = 5000, kSigma = kFwhm / 2.3548;
  test::Scene<float> scene(kSide, kSide, 500);
  for (const test::Star& star : Halves::stars()) test::add_star(scene, star.x, star.y, kFlux, kSigma, kSigma);
  const std::vector<float> variance = add_chequered_noise(scene, 4);
  FrameView view = scene.view();
  view.variance = {variance.data(), kSide * static_cast<std::ptrdiff_t>(sizeof(float))};
  Detections d = test::forced(Halves::stars());
  MeasureWorkspace workspace;
  StarTable stars;
  measure(view, estimate_background(view, {}, serial_for), {}, d, {}, serial_for, workspace, stars);
  double pull = 0, rms = 0, chi2 = 0;
  for (std::size_t k = 0; k < stars.size(); ++k) {
    const test::Star truth = Halves::stars()[static_cast<std::size_t>(stars.id[k])];
    ASSERT_EQ(stars.termination[k], Termination::converged);
    const double dx = stars.x[k] - truth.x, dy = stars.y[k] - truth.y;
    pull += std::pow(dx / stars.x_err[k], 2) + std::pow(dy / stars.y_err[k], 2);
    rms += dx * dx + dy * dy;
    chi2 += stars.chi2[k] / stars.dof[k];
  }
  EXPECT_NEAR(std::sqrt(pull / 800), 1, 0.1);
  EXPECT_NEAR(chi2 / 400, 1, 0.03) << "400 stars of about 165 degrees of freedom: 0.0055 is 1 sigma";
  // Of a Gaussian in the noise of the sky: sigma_x^2 = 8 pi s^4 <1 / variance>^-1 / flux^2, s with its pixel.
  const double s2 = kSigma * kSigma + 1.0 / 12, weight = 0.5 * (1 / (kDeep * kDeep) + 1 / (kShallow * kShallow));
  EXPECT_NEAR(std::sqrt(rms / 800) / (std::sqrt(8 * std::numbers::pi / weight) * s2 / kFlux), 1, 0.1);
}

TEST(Variance, IsTheNoiseThatAStarStates) {
  const Halves halves(9, 5000);
  const FrameView view = halves.view();
  Detections d = test::forced({{100.2, 250.1}, {400.3, 250.2}, {-1e9, 3}});
  MeasureWorkspace workspace;
  StarTable stars;
  measure(view, estimate_background(view, {}, serial_for), {}, d, {}, serial_for, workspace, stars);
  const auto rows = test::rows_by_id(stars);
  EXPECT_FLOAT_EQ(static_cast<float>(stars.noise[rows[0]]), kDeep);
  EXPECT_FLOAT_EQ(static_cast<float>(stars.noise[rows[1]]), kShallow);
}

}  // namespace
}  // namespace starflow
