// SPDX-License-Identifier: MIT
/// \file
/// Pixels so bright that sums overflow or lose all digits beside them: what can't be known is null, and said.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <type_traits>
#include <utility>

#include "support/measure_cases.hpp"
#include "support/scene.hpp"
#include "support/star_field.hpp"

namespace starflow {
namespace {

template <class T>
StarTable measure_one(const test::Scene<T>& scene,
                      double gain,
                      const MeasureOptions& options,
                      const Background& background) {
  Detections found = test::forced({{31.5, 33.5}});
  found.fwhm_px = 3.06;
  MeasureWorkspace workspace;
  StarTable stars;
  measure(scene.view(), background, {gain, 6, 1e308}, found, options, serial_for, workspace, stars);
  return stars;
}

template <class T>
StarTable measure_one(const test::Scene<T>& scene, double gain, const MeasureOptions& options) {
  return measure_one(scene, gain, options, estimate_background(scene.view(), {}, serial_for));
}

// What no float holds is no number: a pixel of 1e300 changes no bit where one that is none changes none.
TEST(HostilePixels, BeyondAFloatCountAsMissing) {
  const auto with = [](double value) {
    test::Scene<double> scene(64, 64, 200);
    test::add_star(scene, 31.3, 33.6, 2e4, 1.3, 1.3);
    test::add_noise(scene, 5, 3);
    scene.at(30, 32) = value;
    scene.at(50, 10) = -value;
    return scene;
  };
  const auto huge = with(1e300), none = with(std::numeric_limits<double>::quiet_NaN());
  for (const Method method : {Method::windowed, Method::gaussian}) {
    const StarTable a = measure_one(huge, 2, test::options_of(method));
    const StarTable b = measure_one(none, 2, test::options_of(method));
    EXPECT_EQ(a.termination[0], Termination::converged);
    EXPECT_EQ(a.flags[0], b.flags[0]);
    EXPECT_NE(a.flags[0] & flag::bad_pixel, 0U);
    EXPECT_EQ(a.x[0], b.x[0]);
    EXPECT_EQ(a.flux[0], b.flux[0]);
    EXPECT_NEAR(a.x[0], 31.3, 0.1);
  }
  const auto found = [](const test::Scene<double>& scene) {
    return detect(scene.view(), estimate_background(scene.view(), {}, serial_for), {2, 6, 1e308}, {.fwhm_px = 3.06},
                  serial_for);
  };
  const Detections a = found(huge), b = found(none);
  ASSERT_EQ(a.size(), 1U);
  EXPECT_EQ(a.x, b.x);
  EXPECT_EQ(a.flux, b.flux);
  EXPECT_EQ(a.flags, b.flags);
}

class HugePixels : public testing::TestWithParam<test::MeasureCase> {};
INSTANTIATE_TEST_SUITE_P(Methods, HugePixels, testing::ValuesIn(test::preset_cases()), [](const auto& one) {
  return one.param.name;
});

// Floats whose squares are beyond float: beside 1e15 times the noise no digit of a star is left. To the last bit they
// are what a NaN is; before, each fit gave back its seed as `converged`.
TEST_P(HugePixels, CountAsMissing) {
  const auto with = [](float core, float wing) {
    test::Scene<float> scene(64, 64, 200);
    test::add_star(scene, 31.3, 33.6, 2e4, 1.3, 1.3);
    test::add_noise(scene, 5, 3);
    scene.at(31, 35) = core;
    scene.at(34, 32) = wing;
    return scene;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto holed = with(nan, nan);
  const Background sky = estimate_background(holed.view(), {}, serial_for);
  const StarTable none = measure_one(holed, 2, GetParam().options, sky);
  for (const auto& [core, wing] : {std::pair{3e38F, -3e38F}, {-3e38F, 3e38F}, {1e17F, 1e30F}}) {
    const StarTable huge = measure_one(with(core, wing), 2, GetParam().options, sky);
    EXPECT_EQ(huge.termination[0], none.termination[0]);
    EXPECT_EQ(huge.flags[0], none.flags[0]);
    EXPECT_NE(huge.flags[0] & flag::bad_pixel, 0U);
    EXPECT_EQ(huge.x[0], none.x[0]);
    EXPECT_EQ(huge.y[0], none.y[0]);
    EXPECT_TRUE(huge.x_err[0] == none.x_err[0] || std::isnan(none.x_err[0]));
  }
}

// Pixels of 1e15 ADU with a gain of 1e-30: the variance of their light is beyond float.
TEST(HostilePixels, ThatOverflowTheErrorsLeaveNone) {
  test::Scene<double> scene(64, 64, 200);
  test::add_star(scene, 31.3, 33.6, 2e4, 1.3, 1.3);
  test::add_noise(scene, 5, 3);
  std::mt19937_64 bits(210);
  for (int k = 0; k < 30; ++k) {
    const auto x = static_cast<int>(24 + bits() % 16), y = static_cast<int>(26 + bits() % 16);
    scene.at(x, y) = 1e15;
  }
  MeasureOptions options = test::options_of(Method::windowed);
  options.window = WindowFrom::half_light;
  const StarTable stars = measure_one(scene, 1e-30, options);
  EXPECT_NE(stars.flags[0] & flag::no_covariance, 0U);
  EXPECT_TRUE(std::isnan(stars.flux_err[0]));
  EXPECT_TRUE(std::isnan(stars.x_err[0]));
  for_each_column(stars, [](auto name, auto, auto, const auto& column) {
    using Cell = typename std::remove_cvref_t<decltype(column)>::value_type;
    if constexpr (std::is_floating_point_v<Cell>) {
      EXPECT_FALSE(std::isinf(column[0])) << name;
    }
  });
}

}  // namespace
}  // namespace starflow
