// SPDX-License-Identifier: MIT
/// \file
/// Half-light radius, aperture and sum in SIMD lanes, against sums in double.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <ostream>
#include <string>
#include <vector>

#include "support/light_stars.hpp"

namespace starflow::test {
namespace {

struct Truth {
  double hfr = 0, mean_radius = 0, flux = 0;
};

/// The definition, in double: 2.5 Kron radii measured within 6 standard deviations.
Truth half_light_of(const Star& star, double block_circle = 1e9) {
  const double det = star.xx * star.yy - star.xy * star.xy;
  const auto distance = [&](double dx, double dy) {
    return std::sqrt(std::max(0.0, (star.yy * dx * dx + star.xx * dy * dy - 2 * star.xy * dx * dy) / det));
  };
  const auto inside = [&](double dx, double dy, double limit) {
    return distance(dx, dy) <= limit && std::hypot(dx, dy) <= block_circle ? 1.0 : 0.0;
  };
  const double light = weighted_sum(star, [&](double dx, double dy) { return inside(dx, dy, 6); });
  const double kron =
      weighted_sum(star, [&](double dx, double dy) { return inside(dx, dy, 6) * distance(dx, dy); }) / light;
  const double limit = std::min(6.0, 2.5 * kron);
  Truth t;
  t.flux = weighted_sum(star, [&](double dx, double dy) { return inside(dx, dy, limit); });
  t.mean_radius =
      weighted_sum(star, [&](double dx, double dy) { return inside(dx, dy, limit) * std::hypot(dx, dy); }) / t.flux;
  double low = 0, high = 20;
  while (high - low > 1e-7) {
    const double middle = 0.5 * (low + high);
    (disc_flux(star, middle) < 0.5 * t.flux ? low : high) = middle;
  }
  t.hfr = 0.5 * (low + high);
  return t;
}

struct Profiles {
  std::string name;
  StarShape shape;
};

void PrintTo(const Profiles& p, std::ostream* out) { *out << p.name; }

class HalfLightOf : public ::testing::TestWithParam<Profiles> {};

// The last step of the secant leaves its product with the step before, below 5e-4 x 0.05 of the squared radius; strips
// and float sums add 1e-5.
TEST_P(HalfLightOf, IsTheRadiusWhereTheGrowthCurveOfThePixelsReachesHalf) {
  const std::vector<Star> stars = phases(GetParam().shape);
  const std::vector<Light> got = run(stars, {.radius = 22});
  for (std::size_t i = 0; i < stars.size(); ++i) {
    const Truth truth = half_light_of(stars[i], 22.25);
    EXPECT_NEAR(got[i].value[kHfr], truth.hfr, 5e-5 * std::max(1.0, truth.hfr)) << i;
    EXPECT_NEAR(got[i].value[kMeanRadius], truth.mean_radius, 1e-5 * std::max(1.0, truth.mean_radius)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles,
                         HalfLightOf,
                         ::testing::Values(Profiles{"GaussianOf1p2", star_shape(Profile::gaussian, 1.2, 0, 0, 3)},
                                           Profiles{"GaussianOf2", star_shape(Profile::gaussian, 2, 0, 0, 3)},
                                           Profiles{"GaussianOf3p5", star_shape(Profile::gaussian, 3.5, 0, 0, 3)},
                                           Profiles{"GaussianOf8", star_shape(Profile::gaussian, 8, 0, 0, 3)},
                                           Profiles{"LongGaussian", star_shape(Profile::gaussian, 3, 0.4, 30, 3)},
                                           Profiles{"MoffatOf1p5", star_shape(Profile::moffat, 1.5, 0, 0, 3)},
                                           Profiles{"MoffatOf4", star_shape(Profile::moffat, 4, 0.2, 70, 2.5)}),
                         [](const auto& p) { return p.param.name; });

// Light spread evenly over each pixel is, over all phases, the star's blurred twice by a pixel: the variance grows by
// 2 / 12. A box is no Gaussian: what its fourth moment adds at FWHM 3 is below 0.005 px.
TEST(HalfLight, OfAGaussianIsThatOfItsSigmaAndTwoPixels) {
  for (const double fwhm : {3.0, 4.0, 5.0, 8.0}) {
    const StarShape shape = star_shape(Profile::gaussian, fwhm, 0, 0, 3);
    const double sigma2 = shape.width_u * shape.width_u + 1.0 / 6;
    const std::vector<Star> stars = phases(shape);
    double sum = 0;
    for (const Star& star : stars) {
      const double fraction = half_light_of(star).flux / 1e5 / 2;
      const double expected = std::sqrt(-2 * sigma2 * std::log(1 - fraction));
      const auto got = static_cast<double>(run(star, {.radius = 22}).value[kHfr]);
      sum += (got - expected) / static_cast<double>(stars.size());
    }
    EXPECT_NEAR(sum, 0, 0.005) << fwhm;
  }
}

TEST(HalfLight, BeyondTheBlockIsThatOfTheBlocksCircle) {
  const Star star = draw(star_shape(Profile::gaussian, 7, 0.2, 20, 3), 0.3, -0.2, 1e5);
  ASSERT_GT(light_reach(star.xx, star.yy, star.xy), 12);
  const Truth truth = half_light_of(star, 12.25);
  const Light got = run(star, {.radius = 12});
  EXPECT_NEAR(got.value[kHfr], truth.hfr, 1e-4);
  EXPECT_NEAR(got.value[kMeanRadius], truth.mean_radius, 1e-4);
}

TEST(HalfLight, ReachesSixOfTheLongerAxis) {
  EXPECT_DOUBLE_EQ(light_reach(4, 4, 0), 12);
  EXPECT_DOUBLE_EQ(light_reach(1, 9, 0), 18);
  EXPECT_NEAR(light_reach(5, 5, 4), 18, 1e-12);
  EXPECT_DOUBLE_EQ(light_reach(1.0 / 12, 1.0 / 12, 0), 6 * std::sqrt(1.0 / 6));  // at least a pixel wide
}

TEST(HalfLight, IsNotDefinedWithoutPositiveLight) {
  Star dark = draw(star_shape(Profile::gaussian, 3, 0, 0, 3), 0, 0, -1000);
  Star empty = draw(star_shape(Profile::gaussian, 3, 0, 0, 3), 0, 0, 0);
  Star moat = draw(star_shape(Profile::gaussian, 3, 0, 0, 3), 0, 0, 1000);
  for (float& v : moat.scene.pixels) v -= 100;
  const std::vector<Light> got = run({dark, empty, moat}, {});
  for (const Light& light : got) {
    EXPECT_TRUE(std::isnan(light.value[kHfr]));
    EXPECT_TRUE(std::isnan(light.value[kMeanRadius]));
    EXPECT_TRUE(std::isfinite(light.value[kSum]));
    EXPECT_TRUE(std::isfinite(light.flux));
  }
  for (const Quantity q : {kSharpness, kRoundness1, kRoundness2}) EXPECT_TRUE(std::isnan(got[0].value[q]));
}

TEST(HalfLight, MeetsMissingPixelsAsZeroAndSaturatedOnesAsTheyAre) {
  Star star = draw(star_shape(Profile::gaussian, 3, 0, 0, 3), 0.2, 0.1, 1e5), zero = star;
  star.scene.at(kMiddle + 1, kMiddle + 1) = NAN;
  zero.scene.at(kMiddle + 1, kMiddle + 1) = 0;
  const std::vector<Light> got = run({star, zero}, {});
  EXPECT_EQ(got[0].value[kHfr], got[1].value[kHfr]);
  EXPECT_EQ(got[0].value[kMeanRadius], got[1].value[kMeanRadius]);
  EXPECT_EQ(got[0].value[kSum], got[1].value[kSum]);
  EXPECT_EQ(got[0].flux, got[1].flux);
  EXPECT_EQ(got[0].value[kSumVariance], 120);  // 11 x 11, noise 1
  EXPECT_EQ(got[1].value[kSumVariance], 121);
  EXPECT_LT(got[0].flux_variance, got[1].flux_variance - 0.99F);

  Star bright = draw(star_shape(Profile::gaussian, 3, 0, 0, 3), 0.2, 0.1, 5e7), plain = bright;
  for (float& v : plain.scene.pixels) v *= 0x1p-10F;
  const std::vector<Light> pair = run({bright, plain}, {});
  ASSERT_GT(bright.scene.at(kMiddle, kMiddle), kSaturation);
  EXPECT_EQ(pair[0].value[kHfr], pair[1].value[kHfr]);
  EXPECT_EQ(pair[0].value[kSumVariance], 121);
  EXPECT_EQ(pair[0].value[kSharpness], pair[1].value[kSharpness]);
}

// Moments that no detection has must not move the range of pixels of the other lanes.
TEST(HalfLight, OfAStarDoesNotDependOnMomentsOfAnother) {
  const Star star = draw(star_shape(Profile::gaussian, 3, 0, 0, 3), 0.2, 0.1, 1e5);
  const float alone = run(star).value[kHfr];
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 0.0, -1.0}) {
    Star other = star;
    other.xx = bad;
    other.xy = bad;
    EXPECT_EQ(run({other, star, other}, {}).at(1).value[kHfr], alone) << bad;
  }
}

TEST(Aperture, HoldsTheExactPartOfEachPixel) {
  for (const double fwhm : {1.2, 2.0, 3.0, 5.0}) {
    const std::vector<Star> stars = phases(star_shape(Profile::gaussian, fwhm, 0, 0, 3));
    for (const float radius : {0.4F, 1.0F, 1.7F, 3.0F, 6.2F}) {
      const std::vector<Light> got = run(stars, {.aperture = radius});
      for (std::size_t i = 0; i < stars.size(); ++i) {
        const double truth = disc_flux(stars[i], static_cast<double>(radius));
        EXPECT_NEAR(static_cast<double>(got[i].flux) / truth, 1, 1e-5) << fwhm << ' ' << radius << ' ' << i;
      }
    }
  }
}

// Up to 1,369 sums in float, each to 2^-25.
TEST(Aperture, OfAPlaneIsItsArea) {
  Star flat{.x = 0.31, .y = -0.44};
  std::ranges::fill(flat.scene.pixels, 1.0F);
  for (const float radius : {0.01F, 0.5F, 2.0F, 7.3F, 17.4F})
    EXPECT_NEAR(run(flat, {.aperture = radius}).flux / (std::numbers::pi_v<float> * radius * radius), 1, 4e-5)
        << radius;
  EXPECT_NEAR(run(flat, {.aperture = 100}).flux, 37 * 37, 4e-5 * 37 * 37);  // the whole block
}

// Each pixel is drawn once, so its part of the light brings the square of that part of its variance.
TEST(Aperture, HasTheVarianceOfTheParts) {
  const Star star = draw(star_shape(Profile::gaussian, 3, 0, 0, 3), 0.31, -0.44, 1000);
  Star ones = star;
  std::ranges::fill(ones.scene.pixels, 1.0F);
  const double expected = weighted_sum(ones, [](double dx, double dy) { return std::pow(overlap(dx, dy, 3.3), 2); });
  EXPECT_NEAR(run(star, {.aperture = 3.3F}).flux_variance, expected, 1e-4);
}

TEST(StampSum, IsThatOfTheSquare) {
  const Star star = field()[40];
  double sum = 0;
  for (int j = -kFitRadius; j <= kFitRadius; ++j) {
    for (int i = -kFitRadius; i <= kFitRadius; ++i) {
      const auto k = static_cast<std::size_t>((kMiddle + j) * kSide + kMiddle + i);
      sum += static_cast<double>(star.scene.pixels[k]);
    }
  }
  const Light got = run(star);
  EXPECT_NEAR(static_cast<double>(got.value[kSum]) / sum, 1, 1e-6);
  EXPECT_EQ(got.value[kSumVariance], 121);
}

}  // namespace
}  // namespace starflow::test
