// SPDX-License-Identifier: MIT
/// \file
/// The half-light radius against SEP's, and what it does where a star has none.

#include "flux_radius.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <ostream>
#include <string>
#include <type_traits>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

/// Light by formula: `height` at (x, y), falling as a Gaussian (beta 0) or a Moffat of these widths, the first along
/// `theta`.
struct Profile {
  double x = 30.2, y = 29.7, first = 1.3, second = 1.3, theta = 0, beta = 0, height = 1e4;
};

template <class T>
test::Scene<T> drawn(const Profile& p, const LocalSky& sky = {}) {
  test::Scene<T> scene(61, 61, 0);
  const double c = std::cos(p.theta), s = std::sin(p.theta);
  for (int j = 0; j < scene.height; ++j) {
    for (int i = 0; i < scene.width; ++i) {
      const double dx = i - p.x, dy = j - p.y;
      const double u = (dx * c + dy * s) / p.first, v = (dy * c - dx * s) / p.second, q = u * u + v * v;
      const double light = p.beta == 0 ? std::exp(-0.5 * q) : std::pow(1 + q, -p.beta);
      const double value = p.height * light + sky.level + sky.slope_x * dx + sky.slope_y * dy;
      scene.at(i, j) = static_cast<T>(std::is_integral_v<T> ? std::round(value) : value);
    }
  }
  return scene;
}

struct SepCase {
  std::string name;
  Profile light;
  Isophote star;
  double radius;  ///< by SEP 1.2.1: kron_radius(r=6), sum_ellipse(2.5 x max(kron, 1.4)), flux_radius(6a), subpix 5
};
void PrintTo(const SepCase& c, std::ostream* out) { *out << c.name; }

class FluxRadiusOfStar : public ::testing::TestWithParam<SepCase> {};

// SEP's number is rounded to 1e-6 px; it keeps sub-pixels on the rim by the same rule, in other sums.
TEST_P(FluxRadiusOfStar, IsSeps) {
  const auto scene = drawn<double>(GetParam().light);
  EXPECT_NEAR(flux_radius(scene.view(), {}, GetParam().star), GetParam().radius, 2e-6);
}

INSTANTIATE_TEST_SUITE_P(
    Stars,
    FluxRadiusOfStar,
    ::testing::Values(SepCase{"Round", {30.2, 29.7, 1.3, 1.3, 0, 0}, {30.23, 29.66, 1.5, 1.4, 0.05}, 1.565109},
                      SepCase{"PixelWide", {30.4, 30.1, 0.45, 0.45, 0, 0}, {30.43, 30.06, 0.05, 0.07, 0.01}, 0.639675},
                      SepCase{"Trailed", {29.6, 30.3, 3, 1.1, 0.5, 0}, {29.63, 30.26, 6.5, 3, 2.8}, 2.382898},
                      SepCase{"WideWings", {30.1, 30.45, 1.1, 1.1, 0, 1.2}, {30.13, 30.41, 1.1, 1.0, -0.1}, 1.975506},
                      SepCase{"Wide", {30.3, 30, 5, 4, 1.2, 0}, {30.33, 29.96, 13, 19, 2}, 5.269129}),
    [](const auto& star) { return star.param.name; });

const Isophote kRound{30.23, 29.66, 1.5, 1.4, 0.05};

TEST(FluxRadius, TakesThePlaneOfTheSkyOff) {
  const LocalSky sky{500, 3, -2, 1};
  Profile light;
  light.x = kRound.x;
  light.y = kRound.y;
  EXPECT_NEAR(flux_radius(drawn<double>(light, sky).view(), sky, kRound),
              flux_radius(drawn<double>(light).view(), {}, kRound), 1e-9);
}

template <class T>
class FluxRadiusInType : public ::testing::Test {};
using Types = ::testing::Types<std::uint16_t, std::int16_t, std::int32_t, float>;
TYPED_TEST_SUITE(FluxRadiusInType, Types);

// Integers are rounded by 0.3 ADU; half of the light of 1e5 ADU lies in 8 px, and 24 are summed.
TYPED_TEST(FluxRadiusInType, IsThatInDouble) {
  EXPECT_NEAR(flux_radius(drawn<TypeParam>({}).view(), {}, kRound), flux_radius(drawn<double>({}).view(), {}, kRound),
              1e-4);
}

TEST(FluxRadius, LeavesBadPixelsOut) {
  auto scene = drawn<float>({});
  scene.at(31, 30) = scene.at(28, 33) = 0;
  const double without = flux_radius(scene.view(), {}, kRound);
  scene.at(31, 30) = std::numeric_limits<float>::quiet_NaN();
  scene.at(28, 33) = 1e6F;
  std::vector<std::uint8_t> mask(scene.pixels.size(), 0);
  mask[33 * 61 + 28] = 1;
  FrameView view = scene.view();
  view.mask = {mask.data(), scene.width};
  EXPECT_EQ(flux_radius(view, {}, kRound), without);
}

TEST(FluxRadius, SeesWhatTheFrameHoldsOfAStarBeyondItsEdge) {
  Profile light;
  light.x = -0.4;
  const auto scene = drawn<float>(light);
  const double radius = flux_radius(scene.view(), {}, {-0.4, light.y, 1.5, 1.4, 0});
  EXPECT_GT(radius, 1);
  EXPECT_LT(radius, 3);
}

TEST(FluxRadius, IsNotDefinedWithoutLight) {
  const test::Scene<float> scene(61, 61, 0);
  EXPECT_TRUE(std::isnan(flux_radius(scene.view(), {}, kRound)));
  EXPECT_TRUE(std::isnan(flux_radius(scene.view(), {.level = 10}, kRound)));
}

TEST(FluxRadius, IsNotDefinedForAnIsophoteWiderThanStars) {
  const auto scene = drawn<float>({});
  EXPECT_TRUE(std::isnan(flux_radius(scene.view(), {}, {30, 30, 1e5, 1, 0})));
  EXPECT_TRUE(std::isnan(flux_radius(scene.view(), {}, {30, 30, 1e300, 1e300, 0})));
}

TEST(XwinSigma, IsNeverThatOfAWindowNarrowerThanAPixel) {
  EXPECT_NEAR(xwin_sigma(2 * std::sqrt(2 * std::numbers::ln2)), 2, 1e-15);
  EXPECT_NEAR(xwin_sigma(0.1), 0.5 / std::sqrt(2 * std::numbers::ln2), 1e-15);
}

}  // namespace
}  // namespace starflow
