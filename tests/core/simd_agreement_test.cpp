// SPDX-License-Identifier: MIT
/// \file
/// What every instruction set of the CPU makes of the same crowd.

#include <starflow/core/measure.hpp>
#include <starflow/core/simd.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "support/measure_cases.hpp"
#include "support/scene.hpp"
#include "support/star_field.hpp"

namespace starflow {
namespace {

constexpr int kSide = 300;
constexpr double kSigma = 1.36;  // px; FWHM 3.2
constexpr double kSky = 500, kReadNoise = 4;

/// 320 stars of S/N 5 to 1,000 at random, as dense as 15,000 on 2048 x 2048 px: half of them have a neighbour within
/// two FWHM, and most are faint.
struct CrowdedSky {
  test::Scene<float> scene{kSide, kSide, kSky};
  Detections stars;

  CrowdedSky() {
    std::mt19937_64 bits(9);
    const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
    for (int k = 0; k < 320; ++k) {
      const double flux = 560 * std::pow(1000, uniform() * uniform());
      test::add_star(scene, 6 + (kSide - 12) * uniform(), 6 + (kSide - 12) * uniform(), flux, kSigma, kSigma);
    }
    std::vector<float> light = scene.pixels;
    test::add_noise(scene, 1, 10);
    for (std::size_t i = 0; i < light.size(); ++i) {
      const float noise = std::sqrt(light[i] + static_cast<float>(kReadNoise * kReadNoise));
      scene.pixels[i] = std::round(light[i] + noise * (scene.pixels[i] - light[i]));
    }
    const Background sky = estimate_background(scene.view(), {}, serial_for);
    stars = detect(scene.view(), sky, {1, kReadNoise, 65535}, {.fwhm_px = 2.3548 * kSigma}, serial_for);
    for (std::size_t i = 0; i < stars.size(); ++i) {
      stars.id[i] = static_cast<std::int64_t>(i);
      stars.flags[i] |= flag::forced_position;  // rows keep their ids
    }
  }

  [[nodiscard]] StarTable measured(const MeasureOptions& options, const std::string& simd) const {
    EXPECT_TRUE(pin_simd(simd));
    MeasureWorkspace workspace;
    StarTable table, sorted;
    const Background sky = estimate_background(scene.view(), {}, serial_for);
    measure(scene.view(), sky, {1, kReadNoise, 65535}, stars, options, serial_for, workspace, table);
    std::vector<std::uint32_t> rows;
    for (const std::size_t row : test::rows_by_id(table)) rows.push_back(static_cast<std::uint32_t>(row));
    append_rows(table, rows, sorted);
    return sorted;
  }
};

class SimdAgreement : public testing::TestWithParam<test::MeasureCase> {
 protected:
  void TearDown() override { ASSERT_TRUE(pin_simd(simd_names().front())); }

  static const CrowdedSky& crowd() {
    static const CrowdedSky sky;
    return sky;
  }
};

std::vector<test::MeasureCase> fits() {
  std::vector<test::MeasureCase> all = test::preset_cases();
  std::erase_if(all, [](const test::MeasureCase& one) { return !test::fits_profile(one.options.method); });
  return all;
}
INSTANTIATE_TEST_SUITE_P(Fits, SimdAgreement, testing::ValuesIn(fits()), [](const auto& one) {
  return one.param.name;
});

// All stars, faint, blended and false ones too, whether the fit ended or not.
TEST_P(SimdAgreement, OfAllStarsOfACrowdIsWithinAHundredThousandthOfAPixel) {
  MeasureOptions options = GetParam().options;
  options.neighbours = Neighbours::group;
  const std::vector<std::string> names = simd_names();
  const StarTable first = crowd().measured(options, names.front());
  ASSERT_GT(first.size(), 230U);
  for (std::size_t k = 1; k < names.size(); ++k) {
    const StarTable other = crowd().measured(options, names[k]);
    ASSERT_EQ(other.size(), first.size());
    std::size_t apart = 0;
    double farthest = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
      const double by = std::max(std::abs(other.x[i] - first.x[i]), std::abs(other.y[i] - first.y[i]));
      farthest = std::max(farthest, by);
      apart += by <= 1e-5 ? 0 : 1;
    }
    EXPECT_EQ(apart, 0U) << "of " << first.size() << " with " << names[k] << ", the farthest " << farthest << " px";
  }
}

}  // namespace
}  // namespace starflow
