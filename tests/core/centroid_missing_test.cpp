// SPDX-License-Identifier: MIT
/// \file
/// Centroids of stars of which pixels are missing: no lean away from them, and errors that are true.

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "support/centroid_trials.hpp"

namespace starflow::test {
namespace {

/// Columns that are missing, counted from the one that is nearest to the star, to the side where it lies.
struct Gap {
  std::string name;
  int first, last;
};

struct Case {
  Method method;
  Gap gap;
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for this name
void PrintTo(const Case& c, std::ostream* out) { *out << c.gap.name; }

constexpr int kBeyond = 99;  // what lies beyond is missing as well

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const Method m : {Method::windowed, Method::adaptive, Method::moments}) {
    // The window reaches 4 sigma of 1.27 px: from 2 sigma on a quarter of it is gone.
    for (const Gap& gap : {Gap{"QuarterOfTheWindow", 3, kBeyond}, Gap{"ColumnThroughTheWing", 2, 2},
                           Gap{"TwoColumnsThroughTheWing", 2, 3}, Gap{"ColumnThroughTheCore", 0, 0}}) {
      out.push_back({m, gap});
    }
    // Two columns are most of the narrow window of `windowed`: half of its stars do not converge.
    if (m != Method::windowed) out.push_back({m, {"TwoColumnsThroughTheCore", 0, 1}});
  }
  return out;
}

class MissingPixels : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Gaps, MissingPixels, ::testing::ValuesIn(cases()), [](const auto& c) {
  return std::string(kMethodNames[static_cast<std::size_t>(c.param.method)]) + c.param.gap.name;
});

// 4,000 stars of FWHM 3 px and S/N 100, seed 7; the rms of the pulls of one axis scatters by 1.1 %. Without the fill
// the pulls of x are 1.3 to 2.7, of errors up to 0.9 px. A position hangs a little on the column that counts as the one
// across, and on the profile: 0.8 to 1.2 is what is promised.
TEST_P(MissingPixels, LeaveTheErrorsOfAPositionTrue) {
  Trials trials(3, 100);
  trials.setting.method = GetParam().method;
  for (std::size_t k = 0; k < Trials::kCount; ++k) {
    Scene<float>& scene = trials.scenes[k];
    const int column = static_cast<int>(std::lround(trials.x[k])), side = trials.x[k] > column ? 1 : -1;
    for (int n = GetParam().gap.first; n <= GetParam().gap.last; ++n) {
      const int i = column + side * n;
      if (i < 0 || i >= scene.width) break;
      for (int j = 0; j < scene.height; ++j) scene.at(i, j) = std::numeric_limits<float>::quiet_NaN();
    }
  }
  double x2 = 0, y2 = 0, x1 = 0;
  std::size_t n = 0;
  const std::vector<Result> got = measure(trials.setting, trials.stars);
  for (std::size_t k = 0; k < got.size(); ++k) {
    const Result& r = got[k];
    if (r.termination != Termination::converged || r.one_sided || !(r.cov_xx > 0)) continue;
    const double dx = r.x - trials.x[k], dy = r.y - trials.y[k];
    x2 += dx * dx / r.cov_xx;
    y2 += dy * dy / r.cov_yy;
    x1 += dx;
    ++n;
  }
  const auto count = static_cast<double>(n);
  RecordProperty("failed", static_cast<int>(Trials::kCount - n));
  EXPECT_LE(Trials::kCount - n, Trials::kCount / 20);  // did not converge, or say that they hang on the fill
  EXPECT_GT(std::sqrt(x2 / count), 0.8);
  EXPECT_LT(std::sqrt(x2 / count), 1.2);
  EXPECT_GT(std::sqrt(y2 / count), 0.8);
  EXPECT_LT(std::sqrt(y2 / count), 1.2);
  EXPECT_NEAR(x1 / count, 0, 0.3 * trials.bound);
}

// The same stars, once alone and once with stars that miss pixels in the lanes beside them.
TEST(MissingPixelsOfOthers, ChangeNoBit) {
  Trials trials(3, 100);
  for (const Method method : {Method::windowed, Method::adaptive, Method::moments}) {
    trials.setting.method = method;
    std::vector<Star> stars(trials.stars.begin(), trials.stars.begin() + 64);
    const std::vector<Result> alone = measure(trials.setting, stars);
    std::vector<Scene<float>> holed;
    for (std::size_t k = 1; k < stars.size(); k += 2) {
      holed.push_back(trials.scenes[k]);
      holed.back().at(7, 8) = std::numeric_limits<float>::quiet_NaN();
    }
    for (std::size_t k = 1; k < stars.size(); k += 2) stars[k].frame = holed[k / 2].view();
    const std::vector<Result> mixed = measure(trials.setting, stars);
    for (std::size_t k = 0; k < stars.size(); k += 2) EXPECT_EQ(alone[k].raw, mixed[k].raw) << k;
  }
}

}  // namespace
}  // namespace starflow::test
