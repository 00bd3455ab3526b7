// SPDX-License-Identifier: MIT
/// \file
/// Pixels so bright that sums overflow or lose all digits beside them: what can't be known is null, and said.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <type_traits>

#include "support/measure_cases.hpp"
#include "support/scene.hpp"
#include "support/star_field.hpp"

namespace starflow {
namespace {

template <class T>
StarTable measure_one(const test::Scene<T>& scene, double gain, const MeasureOptions& options) {
  Detections found = test::forced({{31.5, 33.5}});
  found.fwhm_px = 3.06;
  MeasureWorkspace workspace;
  StarTable stars;
  measure(scene.view(), estimate_background(scene.view(), {}, serial_for), {gain, 6, 1e308}, found, options, serial_for,
          workspace, stars);
  return stars;
}

// Beside a pixel of 1e20 ADU no star can be told: the slope says that a step helps, and the merit can not
// show it, for its digits end above what the star adds.
TEST(HostilePixels, ThatHideTheMeritStallAFit) {
  test::Scene<float> scene(64, 64, 200);
  test::add_star(scene, 31.3, 33.6, 2e4, 1.3, 1.3);
  test::add_noise(scene, 5, 3);
  scene.at(31, 34) = 1e20F;
  const StarTable stars = measure_one(scene, 2, test::options_of(Method::moffat));
  EXPECT_EQ(stars.termination[0], Termination::stalled);
  EXPECT_NE(stars.flags[0] & flag::no_convergence, 0U);
  EXPECT_EQ(stars.method_used[0], Method::windowed);
  EXPECT_LT(stars.iterations[0], MeasureOptions().max_iterations);
}

// A frame of 1e59 ADU with pixels of 1e60, of a gain of 1e-30: the variance of its light is beyond float.
TEST(HostilePixels, ThatOverflowTheErrorsLeaveNone) {
  test::Scene<double> scene(64, 64, 200);
  test::add_star(scene, 31.3, 33.6, 2e4, 1.3, 1.3);
  test::add_noise(scene, 5, 3);
  for (double& pixel : scene.pixels) pixel *= 1e57;
  std::mt19937_64 bits(210);
  for (int k = 0; k < 30; ++k) {
    const auto x = static_cast<int>(24 + bits() % 16), y = static_cast<int>(26 + bits() % 16);
    scene.at(x, y) = 1e60;
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
