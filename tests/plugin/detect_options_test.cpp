// SPDX-License-Identifier: MIT
/// \file
/// What the node `detect` can be told reaches the search.

#include "support/node_harness.hpp"

#include "register.hpp"

#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

namespace starflow {
namespace {

using test::OptionMap;

std::string refused(const OptionMap& options) {
  try {
    (void)test::make<Node>(detect_type(), options);
  } catch (const OptionError& e) {
    return e.option();
  }
  return "";
}

TEST(DetectOptions, KnowTwoWaysToConnectPixels) {
  EXPECT_EQ(refused({{"connectivity", std::int64_t{4}}}), "");
  EXPECT_EQ(refused({{"connectivity", std::int64_t{8}}}), "");
  EXPECT_EQ(refused({{"connectivity", std::int64_t{6}}}), "connectivity");
}

/// Pixels of one star of FWHM 3.5 px.
int pixels_of_star(const OptionMap& options) {
  cv::Mat pixels(65, 65, CV_32FC1);
  cv::RNG random(5);
  random.fill(pixels, cv::RNG::NORMAL, 100, 2);
  for (int y = 0; y < 65; ++y) {
    for (int x = 0; x < 65; ++x)
      pixels.at<float>(y, x) += static_cast<float>(1000 * std::exp(-(std::pow(x - 32, 2) + std::pow(y - 32, 2)) / 4.5));
  }
  const auto sent =
      test::run_node(detect_type(), options, {}, {{0, test::message(Frame::adopt(std::move(pixels), {}))}});
  const Detections& found = sent.at(0).as<DetectionList>()->detections;
  return found.size() == 1 ? found.n_pix.at(0) : -1;
}

// 2 pi times twice the star's variance for each factor of e: test FollowsAStarsPixelsDownToTheLowerThreshold.
TEST(DetectOptions, PassTheLowerThresholdOn) {
  const OptionMap high = {{"fwhm", 3.5}, {"threshold_sigma", 50.0}, {"extend", 1.0}};
  const OptionMap low = {{"fwhm", 3.5}, {"threshold_sigma", 50.0}, {"extend", 0.25}};
  ASSERT_GT(pixels_of_star(high), 0);
  EXPECT_NEAR(pixels_of_star(low) - pixels_of_star(high), 4 * M_PI * 2.25 * std::log(4.0), 6);
}

}  // namespace
}  // namespace starflow
