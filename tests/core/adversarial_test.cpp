// SPDX-License-Identifier: MIT
/// \file
/// Stamps that no model fits: each ends with a reason and the right flag, and no position leaves the neighbourhood of
/// its start.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "support/measure_cases.hpp"
#include "support/scene.hpp"
#include "support/star_field.hpp"

namespace starflow {
namespace {

using test::add_noise;
using test::add_star;
using test::MeasureCase;
using test::Scene;
using test::Star;

constexpr int kSide = 96;
constexpr double kSky = 200, kNoise = 5;  // ADU
constexpr double kSigma = 1.3;            // px
constexpr double kFwhm = 2.3548200450309493 * kSigma;
constexpr Star kCentre{41.3, 43.6};
constexpr Star kSeed{41.5, 43.5};  // where a detection would put it
constexpr double kUnsaturated = 1e9;

// What may be said of a star that is not one alone.
constexpr Flags kNotOneStar = flag::poor_fit | flag::moved_from_seed | flag::hot_pixel | flag::cosmic_ray |
                              flag::blended | flag::extended | flag::trailed;

/// A star of \p flux ADU at kCentre on a sky that is still without noise.
Scene<float> lone_star(double flux) {
  Scene<float> scene(kSide, kSide, kSky);
  add_star(scene, kCentre.x, kCentre.y, flux, kSigma, kSigma);
  return scene;
}

double square(double v) { return v * v; }

/// Adds a Moffat of beta 2.5 and kFwhm, its pixels integrated by 9x9 points.
void add_moffat(Scene<float>& scene, Star at, double flux) {
  constexpr double kBeta = 2.5;
  const double alpha2 = square(0.5 * kFwhm) / (std::pow(2, 1 / kBeta) - 1);
  const double height = flux * (kBeta - 1) / (M_PI * alpha2) / 81;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      double sum = 0;
      for (int j = -4; j <= 4; ++j) {
        for (int i = -4; i <= 4; ++i) {
          sum += std::pow(1 + (square(x + i / 9.0 - at.x) + square(y + j / 9.0 - at.y)) / alpha2, -kBeta);
        }
      }
      scene.at(x, y) += static_cast<float>(height * sum);
    }
  }
}

bool has(Flags set, Flags any) { return (set & any) != 0; }

class Adversarial : public testing::TestWithParam<MeasureCase> {
 protected:
  [[nodiscard]] static const MeasureOptions& options() { return GetParam().options; }
  [[nodiscard]] static bool fits() { return test::fits_profile(options().method); }

  /// Measures \p seeds, and checks what holds for every star whatever its pixels. Rows by the order of the seeds.
  template <class T>
  static StarTable run(const Scene<T>& scene,
                       const std::vector<Star>& seeds = {kSeed},
                       double saturation = kUnsaturated) {
    const FrameView view = scene.view();
    Detections found = test::forced(seeds);
    found.fwhm_px = kFwhm;
    MeasureWorkspace workspace;
    StarTable stars, sorted;
    measure(view, estimate_background(view, {}, serial_for), {2, 6, saturation}, found, options(), serial_for,
            workspace, stars);
    sorted.resize(stars.size());
    const auto rows = test::rows_by_id(stars);
    zip_columns(
        [&](auto, auto, auto, const auto& from, auto& to) {
          for (std::size_t i = 0; i < rows.size(); ++i) to[i] = from[rows[i]];
        },
        stars, sorted);
    for (std::size_t i = 0; i < sorted.size(); ++i) expect_sane(sorted, i, seeds[i]);
    return sorted;
  }

  static void expect_sane(const StarTable& stars, std::size_t i, Star seed) {
    SCOPED_TRACE("star " + std::to_string(i) + ", flags " + std::to_string(stars.flags[i]));
    ASSERT_TRUE(std::isfinite(stars.x[i]) && std::isfinite(stars.y[i]));
    EXPECT_LE(std::hypot(stars.x[i] - seed.x, stars.y[i] - seed.y), options().move_limit * kFwhm + 1e-6);
    const Flags flags = stars.flags[i];
    constexpr Flags kWhyNot =
        flag::no_convergence | flag::at_bound | flag::moved_from_seed | flag::nonpositive_flux | flag::too_few_pixels;
    EXPECT_TRUE(stars.termination[i] == Termination::converged || has(flags, kWhyNot));
    EXPECT_EQ(std::isnan(stars.x_err[i]), has(flags, flag::no_covariance));
    EXPECT_TRUE(std::isnan(stars.x_err[i]) || stars.x_err[i] > 0);
    EXPECT_TRUE(std::isfinite(stars.flux[i]) || has(flags, ~flag::forced_position));
    for_each_column(stars, [i](std::string_view name, auto, auto, const auto& column) {
      using Cell = typename std::remove_cvref_t<decltype(column)>::value_type;
      if constexpr (std::is_floating_point_v<Cell>) {
        EXPECT_FALSE(std::isinf(column[i])) << name;
      }
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Methods, Adversarial, testing::ValuesIn(test::preset_cases()), [](const auto& one) {
  return one.param.name;
});

TEST_P(Adversarial, NanAndInfinitePixelsAreLeftOut) {
  Scene<float> scene = lone_star(20000);
  add_noise(scene, kNoise, 1);
  scene.at(43, 44) = std::numeric_limits<float>::quiet_NaN();
  scene.at(39, 42) = std::numeric_limits<float>::infinity();
  scene.at(44, 41) = -std::numeric_limits<float>::infinity();
  const StarTable stars = run(scene);
  EXPECT_TRUE(has(stars.flags[0], flag::bad_pixel));
  if (options().method != Method::moments && options().method != Method::quadratic) {  // they look at fewer pixels
    EXPECT_EQ(stars.n_masked[0], 3);
  }
  EXPECT_NEAR(stars.x[0], kCentre.x, fits() ? 0.02 : 0.3);
  EXPECT_NEAR(stars.y[0], kCentre.y, fits() ? 0.02 : 0.3);
}

TEST_P(Adversarial, ANanOnTheCentreIsSaid) {
  Scene<float> scene = lone_star(20000);
  add_noise(scene, kNoise, 2);
  scene.at(41, 44) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(has(run(scene).flags[0], flag::bad_pixel_center));
}

TEST_P(Adversarial, AStampOfNanAloneIsARowWithoutNumbers) {
  Scene<float> scene = lone_star(20000);
  add_noise(scene, kNoise, 3);
  for (int y = 25; y < 62; ++y) {
    for (int x = 23; x < 60; ++x) scene.at(x, y) = std::numeric_limits<float>::quiet_NaN();
  }
  const StarTable stars = run(scene);
  EXPECT_EQ(stars.termination[0], Termination::too_few_pixels);
  EXPECT_TRUE(has(stars.flags[0], flag::too_few_pixels));
  EXPECT_TRUE(std::isnan(stars.flux[0]) && std::isnan(stars.fwhm[0]) && std::isnan(stars.peak[0] * stars.flux[0]));
}

TEST_P(Adversarial, AHotPixelInTheWingIsNoticedByAFit) {
  Scene<float> scene = lone_star(5000);
  add_noise(scene, kNoise, 4);
  scene.at(44, 42) += 3000;
  const StarTable stars = run(scene);
  EXPECT_TRUE(!fits() || has(stars.flags[0], kNotOneStar)) << stars.flags[0];
}

TEST_P(Adversarial, ACosmicRayAcrossTheStarIsNoticedByAFit) {
  Scene<float> scene = lone_star(5000);
  add_noise(scene, kNoise, 5);
  for (int i = 0; i < 9; ++i) scene.at(38 + i, 47 - i / 2) += 2500;
  const StarTable stars = run(scene);
  EXPECT_TRUE(!fits() || has(stars.flags[0], kNotOneStar)) << stars.flags[0];
}

// The limit on the move is half of the way to the neighbour.
TEST_P(Adversarial, ANeighbourTwiceAsBrightIsNotWalkedTo) {
  Scene<float> scene = lone_star(10000);
  const Star other{kCentre.x + 1.5 * kFwhm * 0.8, kCentre.y + 1.5 * kFwhm * 0.6};
  add_star(scene, other.x, other.y, 20000, kSigma, kSigma);
  add_noise(scene, kNoise, 6);
  const StarTable stars = run(scene);
  EXPECT_GT(std::hypot(stars.x[0] - other.x, stars.y[0] - other.y), 0.7 * kFwhm);
  if (options().method == Method::moments || options().method == Method::quadratic) return;  // look at few pixels
  EXPECT_TRUE(has(stars.flags[0], flag::poor_fit | flag::moved_from_seed)) << stars.flags[0];
}

TEST_P(Adversarial, ASaturatedCoreHasAPositionAndNoWidth) {
  Scene<float> scene = lone_star(2e5);
  add_noise(scene, kNoise, 7);
  for (float& pixel : scene.pixels) pixel = std::min(pixel, 8000.0F);
  const StarTable stars = run(scene, {kSeed}, 8000);
  EXPECT_TRUE(has(stars.flags[0], flag::saturated));
  EXPECT_NEAR(stars.x[0], kCentre.x, fits() ? 0.05 : 0.3);
  EXPECT_NEAR(stars.y[0], kCentre.y, fits() ? 0.05 : 0.3);
  EXPECT_TRUE(std::isnan(stars.fwhm[0])) << stars.fwhm[0];
  EXPECT_TRUE(std::isnan(stars.fwhm_major[0]) && std::isnan(stars.ellipticity[0]) && std::isnan(stars.theta[0]));
  const bool fitted = stars.method_used[0] == Method::gaussian || stars.method_used[0] == Method::moffat;
  EXPECT_EQ(std::isnan(stars.x_err[0]), !fitted) << "a flat top has no error that a window could tell";
  EXPECT_EQ(has(stars.flags[0], flag::no_covariance), !fitted);
}

TEST_P(Adversarial, ABleedColumnIsSaid) {
  Scene<float> scene = lone_star(2e5);
  add_noise(scene, kNoise, 8);
  for (float& pixel : scene.pixels) pixel = std::min(pixel, 8000.0F);
  for (int y = 8; y < 88; ++y) scene.at(41, y) = 8000;
  const StarTable stars = run(scene, {kSeed}, 8000);
  EXPECT_TRUE(has(stars.flags[0], flag::saturated));
  EXPECT_NEAR(stars.x[0], kCentre.x, 0.5);
}

TEST_P(Adversarial, AnEmptyPlaceIsNoGoodStar) {
  Scene<float> scene(kSide, kSide, kSky);
  add_noise(scene, kNoise, 9);
  std::vector<Star> seeds;
  for (double y = 11.7; y < 88; y += 14) {
    for (double x = 12.3; x < 88; x += 14) seeds.push_back({x, y});
  }
  const StarTable stars = run(scene, seeds);
  for (std::size_t i = 0; i < stars.size(); ++i) {
    EXPECT_TRUE(stars.termination[i] != Termination::converged || has(stars.flags[i], flag::low_snr)) << i;
  }
}

TEST_P(Adversarial, AConstantStampIsNoGoodStar) {
  Scene<float> scene(kSide, kSide, kSky);
  add_noise(scene, kNoise, 10);
  for (int y = 25; y < 62; ++y) {
    for (int x = 23; x < 60; ++x) scene.at(x, y) = kSky;
  }
  const StarTable stars = run(scene);
  EXPECT_TRUE(stars.termination[0] != Termination::converged || has(stars.flags[0], flag::low_snr));
}

TEST_P(Adversarial, AConstantFrameHasNoErrorBar) {
  const StarTable stars = run(Scene<std::uint16_t>(kSide, kSide, kSky));
  EXPECT_NE(stars.termination[0], Termination::converged);
  EXPECT_TRUE(has(stars.flags[0], flag::background_unreliable));
  EXPECT_TRUE(has(stars.flags[0], flag::no_covariance));
}

// The sky is subtracted, so its sign is nobody's business. 5 sigma.
TEST_P(Adversarial, ANegativeSkyIsAsGoodAsAnyOther) {
  Scene<float> scene(kSide, kSide, -500);
  add_star(scene, kCentre.x, kCentre.y, 5000, kSigma, kSigma);
  add_noise(scene, kNoise, 11);
  const StarTable stars = run(scene);
  EXPECT_EQ(stars.termination[0], Termination::converged);
  // A Gaussian is a Moffat whose beta has no end.
  const Flags allowed = flag::forced_position | (options().free_beta ? flag::at_bound : 0);
  EXPECT_FALSE(has(stars.flags[0], ~allowed)) << stars.flags[0];
  EXPECT_NEAR(stars.x[0], kCentre.x, 5 * stars.x_err[0]);
  EXPECT_NEAR(stars.y[0], kCentre.y, 5 * stars.y_err[0]);
}

TEST_P(Adversarial, AStarOfOnePixelIsCalledTooSharp) {
  Scene<float> scene(kSide, kSide, kSky);
  add_noise(scene, kNoise, 12);
  scene.at(41, 43) += 4000;
  const StarTable stars = run(scene, {{41, 43}});
  EXPECT_NEAR(stars.x[0], 41, 0.3);
  EXPECT_NEAR(stars.y[0], 43, 0.3);
  constexpr Flags kTooSharp = flag::undersampled | flag::hot_pixel | flag::cosmic_ray | flag::at_bound | flag::poor_fit;
  EXPECT_TRUE(has(stars.flags[0], kTooSharp)) << stars.flags[0];
}

// 5 sigma, of stars that have the profile of the model: half a star is not enough to see that it has not.
TEST_P(Adversarial, AStampHalfOutsideOfTheFrameIsMeasuredAndFlagged) {
  for (const Star at : {Star{0.4, 40.3}, Star{95.2, 50.4}, Star{50.3, -0.3}, Star{0.2, 95.3}}) {
    Scene<float> scene(kSide, kSide, kSky);
    if (options().method == Method::moffat) {
      add_moffat(scene, at, 20000);
    } else {
      add_star(scene, at.x, at.y, 20000, kSigma, kSigma);
    }
    add_noise(scene, kNoise, 13);
    const StarTable stars = run(scene, {{std::round(at.x), std::round(at.y)}});
    EXPECT_TRUE(has(stars.flags[0], flag::edge));
    if (!fits()) continue;
    EXPECT_EQ(stars.termination[0], Termination::converged) << at.x << ' ' << at.y;
    EXPECT_NEAR(stars.x[0], at.x, 5 * stars.x_err[0]) << at.x << ' ' << at.y;
    EXPECT_NEAR(stars.y[0], at.y, 5 * stars.y_err[0]) << at.x << ' ' << at.y;
  }
}

TEST_P(Adversarial, TwoMergedStarsGiveAPlaceBetweenThemAndAWord) {
  Scene<float> scene(kSide, kSide, kSky);
  const double half_x = 0.5 * kFwhm * 0.8, half_y = 0.5 * kFwhm * 0.6;
  add_star(scene, kCentre.x - half_x, kCentre.y - half_y, 20000, kSigma, kSigma);
  add_star(scene, kCentre.x + half_x, kCentre.y + half_y, 20000, kSigma, kSigma);
  add_noise(scene, kNoise, 14);
  const StarTable stars = run(scene, {kCentre});
  EXPECT_LT(std::hypot(stars.x[0] - kCentre.x, stars.y[0] - kCentre.y), 0.5 * kFwhm);
  const bool seen = has(stars.flags[0], kNotOneStar) || stars.fwhm_major[0] > 1.3 * kFwhm;
  EXPECT_TRUE(seen) << stars.flags[0] << ' ' << stars.fwhm_major[0];
}

}  // namespace
}  // namespace starflow
