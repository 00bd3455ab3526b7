// SPDX-License-Identifier: MIT
/// \file
/// What the accuracy tests stand on: the drawn sky, its background, the bound of least squares,
/// and the mean pulls of a perfect fit.

#include "accuracy/pull_bias.hpp"
#include "accuracy/stamp_trials.hpp"
#include "accuracy/trial_bounds.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <string_view>

namespace starflow {
namespace {

TEST(FlatBackground, HasTheLevelAndTheNoiseAskedFor) {
  const test::TrialSky sky;
  const Background b = test::flat_background(sky.level_adu(), sky.noise_adu());
  EXPECT_TRUE(b.reliable());
  for (const double at : {0.0, 31.0, 5000.0}) {
    EXPECT_NEAR(b.level(at, at), sky.level_adu(), 1e-5 * sky.noise_adu());
    EXPECT_NEAR(b.noise(at, at), sky.noise_adu(), 1e-5 * sky.noise_adu());
  }
}

TEST(StampField, DrawsTheSkyWithItsMeanAndItsNoise) {
  test::FieldOptions options;
  options.shape = star_shape(Profile::gaussian, 3, 0, 0, 3);
  options.flux_e = 0;
  options.places = 1000;
  const test::TrialSky sky;
  Random random(20260304, 0);
  test::StampField field(options, sky, random);
  field.expose(random);
  const FrameView view = field.view();
  double sum = 0, squares = 0;
  for (int y = 0; y < view.height; ++y) {
    for (int x = 0; x < view.width; ++x) {
      const double d =
          static_cast<double>(static_cast<const float*>(view.pixels)[y * view.width + x]) - sky.level_adu();
      sum += d;
      squares += d * d;
    }
  }
  const double n = static_cast<double>(view.width) * view.height;
  EXPECT_NEAR(sum / n, 0, 4 * sky.noise_adu() / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(squares / n) / sky.noise_adu(), 1, 4 / std::sqrt(2 * n));
}

TEST(StampField, StartsLieInTheAreaAskedForAndFillIt) {
  test::FieldOptions options;
  options.shape = star_shape(Profile::gaussian, 3, 0, 0, 3);
  options.start_area = test::StartArea::disc;
  options.start_reach_px = 1.5;
  Random random(20260305, 0);
  const test::StampField field(options, {}, random);
  double farthest = 0, squares = 0;
  for (std::size_t n = 0; n < field.size(); ++n) {
    const double r = std::hypot(field.starts().x[n] - field.x(n), field.starts().y[n] - field.y(n));
    farthest = std::max(farthest, r);
    squares += r * r;
    EXPECT_EQ(field.place_of(field.starts().x[n], field.starts().y[n]), n);
  }
  EXPECT_LE(farthest, 1.5);
  // The mean of r^2 over a disc is R^2 / 2, its scatter R^2 / sqrt(12).
  const double n = static_cast<double>(field.size());
  EXPECT_NEAR(squares / n / (1.5 * 1.5), 0.5, 4 / std::sqrt(12 * n));
}

// sigma_a^2 / N (16/9 + 4 tau), tau = 2 pi sigma_a^2 B / N, sigma_a^2 = sigma^2 + 1/12 (Mortensen et al. 2010, Nat.
// Methods 7, 377). The pixels' own shape leaves 1 to 2 % between the formula and the sum over pixels.
TEST(LeastSquaresBound, AgreesWithTheClosedForm) {
  const StarShape shape = star_shape(Profile::gaussian, 3.5, 0, 0, 3);
  for (const double flux : {1e3, 2e4, 2e5}) {
    const StarScene scene{shape, 0.3, 0.1, flux, 100, 5};
    const double sa2 = shape.width_u * shape.width_u + 1.0 / 12, tau = 2 * std::numbers::pi * sa2 * 125 / flux;
    const double formula = std::sqrt(sa2 / flux * (16.0 / 9 + 4 * tau));
    EXPECT_NEAR(test::least_squares_bounds(scene, {-15, 16, -15, 16}).x / formula, 1, 0.02) << flux;
  }
}

TEST(LeastSquaresBound, IsTheCramerRaoBoundWhereTheSkyOutshinesTheStar) {
  const StarScene scene{star_shape(Profile::gaussian, 3, 0, 0, 3), 0.2, -0.4, 1, 1e6, 0};
  const PixelBox box{-6, 7, -6, 7};
  const StarBounds flat = test::least_squares_bounds(scene, box), bound = cramer_rao(scene, box, FreeWidths::two);
  EXPECT_NEAR(flat.x / bound.x, 1, 1e-5);
  EXPECT_NEAR(flat.flux / bound.flux, 1, 1e-5);
  EXPECT_NEAR(flat.background / bound.background, 1, 1e-5);
  EXPECT_NEAR(flat.width_v / bound.width_v, 1, 1e-5);
}

test::MeanPulls pulls_of(std::string_view name, double flux_e, double background_e, double read_noise_e) {
  const test::Preset& p = test::method_preset(name);
  return test::second_order_pulls(p, {p.truth(3), 0.3, -0.2, flux_e, background_e, read_noise_e}, {-6, 7, -6, 7});
}

// The second order falls as 1 / SNR: all light times 100, and so all noise times 10.
TEST(SecondOrderPulls, FallAsTheNoise) {
  for (const std::string_view name : {"gaussian", "gaussian_ls", "moffat_free"}) {
    const test::MeanPulls faint = pulls_of(name, 1000, 100, 5), bright = pulls_of(name, 1e5, 1e4, 50);
    EXPECT_NEAR(bright.flux / faint.flux, 0.1, 1e-5) << name;
    EXPECT_NEAR(bright.background / faint.background, 0.1, 1e-5) << name;
    EXPECT_NEAR(bright.fwhm / faint.fwhm, 0.1, 1e-5) << name;
  }
}

// One variance everywhere makes both estimators one.
TEST(SecondOrderPulls, OfLeastSquaresAreThoseOfTheLikelihoodUnderABrightSky) {
  const test::MeanPulls flat = pulls_of("gaussian_ls", 1e5, 1e10, 0), likely = pulls_of("gaussian", 1e5, 1e10, 0);
  EXPECT_NEAR(flat.flux / likely.flux, 1, 1e-3);
  EXPECT_NEAR(flat.background / likely.background, 1, 1e-3);
  EXPECT_NEAR(flat.fwhm / likely.fwhm, 1, 1e-3);
}

}  // namespace
}  // namespace starflow
