// SPDX-License-Identifier: MIT
/// \file
/// Close pairs and triples: bias, scatter against the joint bound, honest errors.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "support/crowd.hpp"
#include "support/measure_cases.hpp"

namespace starflow {
namespace {

constexpr std::size_t kPairs = 3000, kFewPairs = 300;

struct Blend {
  std::string name;
  test::Crowd crowd;
  MeasureOptions options;
  FreeWidths widths = FreeWidths::two;
};
void PrintTo(const Blend& blend, std::ostream* out) { *out << blend.name; }

Blend pair(std::string name, double separation, double ratio, double snr) {
  Blend b{std::move(name), {}, {}, FreeWidths::two};
  b.crowd = {.separation = separation, .brightness = {1 / ratio, 1}, .snr = snr, .count = kPairs, .seed = 21};
  return b;
}

std::vector<Blend> blends() {
  std::vector<Blend> all;
  for (const double snr : {30.0, 100.0}) {
    const std::string at = "_snr" + std::to_string(static_cast<int>(snr));
    all.push_back(pair("equal_1_00" + at, 1, 1, snr));
    all.push_back(pair("equal_1_25" + at, 1.25, 1, snr));
    all.push_back(pair("equal_1_50" + at, 1.5, 1, snr));
    all.push_back(pair("equal_2_00" + at, 2, 1, snr));
    all.push_back(pair("one_to_ten_1_50" + at, 1.5, 0.1, snr));
  }
  const auto change = [&](std::string name, auto how) {
    all.push_back(pair(std::move(name), 1.5, 0.5, 60));
    how(all.back());
  };
  change("triple", [](Blend& b) { b.crowd.brightness = {1, 0.6, 0.8}; });
  change("circular", [](Blend& b) {
    b.options.outline = Outline::circular;
    b.widths = FreeWidths::one;
  });
  change("rotated", [](Blend& b) {
    b.options.outline = Outline::rotated;
    b.crowd.ellipticity = 0.2;
    b.crowd.theta_deg = 30;
    b.crowd.count = 800;
    b.widths = FreeWidths::three;
  });
  change("moffat", [](Blend& b) {
    b.options = test::options_of(Method::moffat);
    b.crowd.profile = Profile::moffat;
    b.crowd.count = 1000;
    b.widths = FreeWidths::one;
  });
  return all;
}

class BlendPulls : public testing::TestWithParam<Blend> {
 protected:
  [[nodiscard]] static StarTable measured(const test::CrowdFrame& frame, Neighbours neighbours) {
    MeasureOptions options = GetParam().options;
    options.neighbours = neighbours;
    return frame.measured(options);
  }
};

/// Two positions a star, one flux. The list is off by up to 0.15 FWHM along each axis.
TEST_P(BlendPulls, OfAJointFitAreHonestAndReachTheJointBound) {
  const test::CrowdFrame frame(GetParam().crowd);
  const auto n = static_cast<double>(GetParam().crowd.count);
  const StarTable t = measured(frame, Neighbours::group);
  for (std::size_t member = 0; member < frame.members(); ++member) {
    const test::CrowdScore s = test::score(frame, t, member, GetParam().widths);
    SCOPED_TRACE(member);
    EXPECT_EQ(s.failed, 0U);
    const double pull_slack = 0.03 + 3 / std::sqrt(4 * n), flux_slack = 0.03 + 3 / std::sqrt(2 * n);
    // Second order of the noise: means of up to 0.1 sigma.
    EXPECT_NEAR(s.mean_pull, 0, 0.1 + 4 / std::sqrt(n));
    EXPECT_NEAR(s.mean_flux_pull, 0, 0.1 + 4 / std::sqrt(n));
    EXPECT_NEAR(s.pull, 1, pull_slack);
    EXPECT_NEAR(s.flux_pull, 1, flux_slack);
    EXPECT_GE(s.rms / s.bound, 0.97 - 3 / std::sqrt(4 * n));
    EXPECT_LE(s.rms / s.bound, 1.05 + 3 / std::sqrt(4 * n));
    RecordProperty("pull", std::to_string(s.pull));
  }
}

TEST_P(BlendPulls, OfFitsThatIgnoreTheOtherStarAreNot) {
  test::Crowd few = GetParam().crowd;
  few.count = kFewPairs;
  const test::CrowdFrame frame(few);
  const StarTable t = measured(frame, Neighbours::ignore);
  double failed = 0, worst = 0;
  for (std::size_t member = 0; member < frame.members(); ++member) {
    const test::CrowdScore s = test::score(frame, t, member, GetParam().widths);
    failed += static_cast<double>(s.failed);
    if (s.measured > 0) worst = std::max({worst, std::abs(s.mean_pull), std::abs(s.mean_flux_pull)});
  }
  EXPECT_TRUE(worst > 2 || failed > 0.2 * kFewPairs) << worst << " sigma, " << failed << " failed";
}

INSTANTIATE_TEST_SUITE_P(Pairs, BlendPulls, testing::ValuesIn(blends()), [](const auto& one) {
  return one.param.name;
});

}  // namespace
}  // namespace starflow
