// SPDX-License-Identifier: MIT
/// \file
/// DAOFIND's numbers in SIMD lanes, against those in double, and what holds for all numbers of light_lanes.hpp: a
/// star's own do not depend on the stars beside it, and hardly on the instruction set.

#include <starflow/core/simd.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/dao_reference.hpp"
#include "support/light_stars.hpp"

namespace starflow::test {
namespace {

std::array<std::uint32_t, 9> bits(const Light& l) {
  std::array<std::uint32_t, 9> out{};
  std::ranges::transform(l.value, out.begin(), [](float v) { return std::bit_cast<std::uint32_t>(v); });
  out[7] = std::bit_cast<std::uint32_t>(l.flux);
  out[8] = std::bit_cast<std::uint32_t>(l.flux_variance);
  return out;
}

TEST(LightLanes, GiveTheSameBitsInEveryOrderOfTheStars) {
  const std::vector<Star> stars = field();
  std::vector<std::size_t> shuffled(stars.size());
  for (std::size_t i = 0; i < shuffled.size(); ++i) shuffled[i] = 23 * i % stars.size();  // 61 is prime
  const std::vector<Light> a = run(stars, {}), b = run(stars, shuffled, {});
  for (std::size_t i = 0; i < stars.size(); ++i) EXPECT_EQ(bits(a[i]), bits(b[i])) << i;
}

TEST(LightLanes, GiveTheSameBitsInALargerBlock) {
  const std::vector<Star> stars = field();
  const std::vector<Light> a = run(stars, {.radius = 18}), b = run(stars, {.radius = 22});
  for (std::size_t i = 0; i < stars.size(); ++i) EXPECT_EQ(bits(a[i]), bits(b[i])) << i;
}

TEST(LightLanes, AgreeBetweenInstructionSets) {
  const std::vector<Star> stars = field();
  const std::vector<std::string> names = simd_names();
  const std::vector<Light> best = run(stars, {});
  for (const std::string& name : names) {
    ASSERT_TRUE(pin_simd(name));
    const std::vector<Light> got = run(stars, {});
    for (std::size_t i = 0; i < stars.size(); ++i) {
      for (std::size_t q = 0; q < best[i].value.size(); ++q) {
        ASSERT_EQ(std::isnan(got[i].value[q]), std::isnan(best[i].value[q])) << name << ' ' << i << ' ' << q;
        if (std::isnan(best[i].value[q])) continue;
        EXPECT_NEAR(got[i].value[q], best[i].value[q], 2e-5F * std::max(1.0F, std::abs(best[i].value[q])))
            << name << ' ' << i << ' ' << q;
      }
      EXPECT_NEAR(got[i].flux, best[i].flux, 2e-6F * std::max(100.0F, std::abs(best[i].flux))) << name << ' ' << i;
    }
  }
  ASSERT_TRUE(pin_simd(names.front()));
}

// Recorded digits of a sum of 25 doubles.
TEST(DaoReference, GivesTheNumbersOfPhotutils) {
  Scene<double> scene = photutils_scene();
  for (const PhotutilsNumbers& want : kPhotutils) {
    const DaoNumbers got = DaoReference(scene, want.fwhm).at(31, 33);
    EXPECT_NEAR(got.sharpness, want.sharpness, 1e-12);
    EXPECT_NEAR(got.roundness1, want.roundness1, 1e-12);
    EXPECT_NEAR(got.roundness2, want.roundness2, 1e-12);
  }
}

// Sums of a few hundred floats: 1e-6 of the light, which is up to ten times the height that the numbers are in.
TEST(LightLanes, GiveDaofindsNumbersAsTheyAreInDouble) {
  std::vector<Star> stars = field();
  const auto nearest = [](double v) { return static_cast<int>(std::lround(kMiddle + v)); };
  for (const double fwhm : {1.5, 3.0, 4.5, 5.5, 7.0, 10.0}) {
    const std::vector<Light> got = run(stars, {.fwhm = fwhm});
    int defined = 0;
    for (std::size_t i = 0; i < stars.size(); ++i) {
      const DaoNumbers dao = DaoReference(stars[i].scene, fwhm).at(nearest(stars[i].x), nearest(stars[i].y));
      const std::array<double, 3> expected = {dao.sharpness, dao.roundness1, dao.roundness2};
      for (std::size_t q = 0; q < 3; ++q) {
        const auto value = static_cast<double>(got[i].value[kSharpness + q]);
        ASSERT_EQ(std::isnan(value), std::isnan(expected[q])) << fwhm << ' ' << i << ' ' << q;
        if (std::isnan(value)) continue;
        ++defined;
        EXPECT_NEAR(value, expected[q], 1e-5 * std::max(1.0, std::abs(expected[q]))) << fwhm << ' ' << i << ' ' << q;
      }
    }
    EXPECT_GT(defined, 100) << fwhm;
  }
}

TEST(LightLanes, GiveDaofindsNumbersOnlyWhereEveryPixelIsThere) {
  Star near = draw(star_shape(Profile::gaussian, 3, 0, 0, 3), 0, 0, 1e5), far = near;
  near.scene.at(kMiddle + 4, kMiddle) = NAN;  // the footprint of 2 px, moved by 2 px
  far.scene.at(kMiddle + 5, kMiddle) = NAN;
  const std::vector<Light> got = run({near, far}, {});
  EXPECT_TRUE(std::isnan(got[0].value[kSharpness]));
  EXPECT_TRUE(std::isfinite(got[1].value[kSharpness]));
  EXPECT_TRUE(std::isnan(run(far, {.radius = 7, .fwhm = 7}).value[kSharpness]));  // the block ends before
  EXPECT_TRUE(std::isnan(run(far, {.radius = 22, .fwhm = 40}).value[kSharpness]));
}

}  // namespace
}  // namespace starflow::test
