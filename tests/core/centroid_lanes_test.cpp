// SPDX-License-Identifier: MIT
/// \file
/// The centroids in SIMD lanes: the windowed one against the same in double, all of them in every order and on every
/// instruction set.

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "support/centroid_stars.hpp"
#include "support/windowed_reference.hpp"

namespace starflow::test {
namespace {

std::array<std::uint32_t, 15> bits(const Result& r) { return std::bit_cast<std::array<std::uint32_t, 15>>(r.raw); }

/// 400 stars of S/N 5 to 2,000 and FWHM 2.4 to 3.5 px with starts up to half a pixel off; every tenth has a bad pixel,
/// and the core of the brightest is saturated.
class CentroidLanesOf400Stars : public ::testing::Test {
 protected:
  static constexpr std::size_t kStars = 400;
  static constexpr double kSaturation = 5000;

  void SetUp() override {
    std::mt19937_64 bits(4);
    const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
    setting_.detector.gain_e_per_adu = 1.5;
    setting_.detector.saturation_adu = kSaturation;
    scenes_.reserve(kStars);
    for (std::size_t i = 0; i < kStars; ++i) {
      Scene<float>& scene = scenes_.emplace_back(41, 41, kSky);
      const double x = 19.5 + uniform(), y = 19.5 + uniform(), sigma = 1 + 0.5 * uniform();
      add_star(scene, x, y, 500 * std::pow(400, uniform()), sigma, 1.05 * sigma);
      add_noise(scene, kNoise, i);
      if (i % 10 == 0) scene.at(22, 21) = NAN;
      stars_.push_back({scene.view(), x + uniform() - 0.5, y + uniform() - 0.5});
    }
  }

  Setting setting_;
  std::vector<Scene<float>> scenes_;
  std::vector<Star> stars_;
};

// A lane rests within 5e-6 px of its end, and its sums of 100 floats are good to 1e-6 of their largest terms, which for
// the faintest stars are 30 times what is left of them.
TEST_F(CentroidLanesOf400Stars, AgreeWithTheWindowedCentroidInDouble) {
  constexpr double kPart = 1e-4;
  const std::vector<Result> got = measure(setting_, stars_);
  int n = 0;
  for (std::size_t i = 0; i < kStars; ++i) {
    WindowedReference want{kSigma, kSky, kNoise, setting_.detector.gain_e_per_adu, stars_[i].x, stars_[i].y};
    const bool solved = want.solve(scenes_[i]);
    ASSERT_EQ(got[i].termination == Termination::converged, solved) << "star " << i;
    EXPECT_EQ(got[i].n_masked, i % 10 == 0 ? 1 : 0) << "star " << i;
    if (!solved || i % 10 == 0) continue;  // the definition knows nothing of bad pixels
    ++n;
    EXPECT_NEAR(got[i].x, want.x, 1e-5) << "star " << i;
    EXPECT_NEAR(got[i].y, want.y, 1e-5) << "star " << i;
    EXPECT_NEAR(got[i].cov_xx / want.cov_xx, 1, kPart) << "star " << i;
    EXPECT_NEAR(got[i].cov_yy / want.cov_yy, 1, kPart) << "star " << i;
    EXPECT_NEAR(got[i].cov_xy, want.cov_xy, kPart * want.cov_xx) << "star " << i;
    EXPECT_NEAR(got[i].flux / want.flux, 1, kPart) << "star " << i;
    EXPECT_NEAR(got[i].flux_err / want.flux_err, 1, kPart) << "star " << i;
    ASSERT_EQ(std::isnan(got[i].xx), std::isnan(want.xx)) << "star " << i;
    if (!std::isnan(want.xx)) {
      EXPECT_NEAR(got[i].xx, want.xx, kPart * (want.xx + want.yy)) << "star " << i;
      EXPECT_NEAR(got[i].yy, want.yy, kPart * (want.xx + want.yy)) << "star " << i;
      EXPECT_NEAR(got[i].xy, want.xy, kPart * (want.xx + want.yy)) << "star " << i;
    }
    EXPECT_EQ(got[i].n_pix, want.n_pix) << "star " << i;
  }
  EXPECT_GT(n, 355);
}

TEST_F(CentroidLanesOf400Stars, GiveTheSameBitsInEveryOrderOfTheStars) {
  std::vector<std::size_t> shuffled(kStars);
  for (std::size_t i = 0; i < kStars; ++i) shuffled[i] = (i * 149 + 3) % kStars;  // 149 and 400 share no factor
  for (const Method method : kCentroids) {
    setting_.method = method;
    const std::vector<Result> a = measure(setting_, stars_), b = measure(setting_, stars_, shuffled);
    std::size_t differ = 0;
    for (std::size_t i = 0; i < kStars; ++i) {
      // What did not converge leaves the rest undefined.
      if (a[i].termination != Termination::converged && a[i].termination == b[i].termination) continue;
      differ += bits(a[i]) != bits(b[i]) ? 1U : 0U;
    }
    EXPECT_EQ(differ, 0U) << kMethodNames[static_cast<std::size_t>(method)];
  }
}

TEST_F(CentroidLanesOf400Stars, AgreeBetweenInstructionSets) {
  for (const Method method : kCentroids) {
    setting_.method = method;
    const std::vector<Result> best = measure(setting_, stars_);
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
      hwy::SetSupportedTargetsForTest(target);
      const std::vector<Result> got = measure(setting_, stars_);
      for (std::size_t i = 0; i < kStars; ++i) {
        ASSERT_EQ(got[i].termination, best[i].termination) << hwy::TargetName(target) << " star " << i;
        if (best[i].termination != Termination::converged) continue;
        EXPECT_NEAR(got[i].x, best[i].x, 1e-5) << hwy::TargetName(target) << " star " << i;
        EXPECT_NEAR(got[i].y, best[i].y, 1e-5) << hwy::TargetName(target) << " star " << i;
      }
    }
    hwy::SetSupportedTargetsForTest(0);
  }
}

}  // namespace
}  // namespace starflow::test
