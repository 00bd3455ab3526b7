// SPDX-License-Identifier: MIT
/// \file
/// What the node `centroid` can be told reaches the measurement.

#include "support/node_harness.hpp"

#include "centroid_options.hpp"
#include "register.hpp"

#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>

namespace starflow {
namespace {

using test::OptionMap;
using namespace std::string_literals;

MeasureOptions read(const OptionMap& given) { return read_centroid(test::Options(centroid_type(), given)); }

TEST(CentroidOptions, AreThoseOfTheMeasurementWhereNothingIsGiven) {
  const MeasureOptions got = read({}), d;
  EXPECT_EQ(got.method, Method::gaussian);
  EXPECT_EQ(got.outline, Outline::axis_aligned);
  EXPECT_EQ(got.sampling, d.sampling);
  EXPECT_EQ(got.estimator, d.estimator);
  EXPECT_EQ(got.level, LevelFrom::fit);
  EXPECT_EQ(got.noise, d.noise);
  EXPECT_EQ(got.annulus.inner, d.annulus.inner);
  EXPECT_EQ(got.annulus.outer, d.annulus.outer);
  EXPECT_EQ(got.annulus.keep_out, d.annulus.keep_out);
  EXPECT_EQ(got.neighbours, Neighbours::group);
  EXPECT_EQ(read({{"method", "windowed"}}).neighbours, Neighbours::ignore);
  EXPECT_EQ(got.group_separation, d.group_separation);
  EXPECT_EQ(got.group_size, d.group_size);
  EXPECT_EQ(got.window, d.window);
  EXPECT_EQ(got.stamp_radius, d.stamp_radius);
  EXPECT_EQ(got.move_limit, d.move_limit);
  EXPECT_EQ(got.max_iterations, d.max_iterations);
  EXPECT_EQ(got.fwhm_px, 0);
  EXPECT_TRUE(std::isnan(got.held.fwhm_px) && std::isnan(got.held.ellipticity) && std::isnan(got.held.theta_deg));
}

TEST(CentroidOptions, KnowEveryMethod) {
  for (std::size_t i = 0; i < std::size(kMethodNames); ++i) {
    EXPECT_EQ(read({{"method", std::string(kMethodNames[i])}}).method, static_cast<Method>(i)) << kMethodNames[i];
  }
}

TEST(CentroidOptions, KnowTheOldNamesOfTheMethods) {
  EXPECT_EQ(read({{"method", "weighted_moments"s}}).method, Method::windowed);
  EXPECT_EQ(read({{"method", "gaussian_fit"s}}).method, Method::gaussian);
  EXPECT_EQ(read({{"method", "moffat_fit"s}}).method, Method::moffat);
}

TEST(CentroidOptions, GiveAMoffatARoundOutlineAndTheRestAFittedOrGlobalLevel) {
  EXPECT_EQ(read({{"method", "moffat"s}}).outline, Outline::circular);
  EXPECT_EQ(read({{"method", "moffat"s}}).level, LevelFrom::fit);
  for (const char* method : {"windowed", "adaptive", "moments", "quadratic"}) {
    EXPECT_EQ(read({{"method", std::string(method)}}).level, LevelFrom::global) << method;
  }
}

TEST(CentroidOptions, HandEveryWordOfAProfileOn) {
  const MeasureOptions m = read({{"method", "moffat"s},
                                 {"shape", "rotated"s},
                                 {"sampling", "center"s},
                                 {"estimator", "least_squares"s},
                                 {"beta", 3.5},
                                 {"fixed.fwhm", 4.0},
                                 {"fixed.ellipticity", 0.25},
                                 {"fixed.theta", -30.0}});
  EXPECT_EQ(m.outline, Outline::rotated);
  EXPECT_EQ(m.sampling, Sampling::center);
  EXPECT_EQ(m.estimator, Estimator::least_squares);
  EXPECT_EQ(m.beta, 3.5);
  EXPECT_FALSE(m.free_beta);
  EXPECT_EQ(m.held.fwhm_px, 4);
  EXPECT_EQ(m.held.ellipticity, 0.25);
  EXPECT_EQ(m.held.theta_deg, -30);
}

TEST(CentroidOptions, LetBetaBeFree) {
  const MeasureOptions m = read({{"method", "moffat"s}, {"beta", "free"s}});
  EXPECT_TRUE(m.free_beta);
  EXPECT_EQ(m.beta, MeasureOptions().beta);
}

TEST(CentroidOptions, TakeAFixedBetaForANumber) {
  const MeasureOptions m = read({{"method", "moffat"s}, {"fixed.beta", 4.0}});
  EXPECT_EQ(m.beta, 4);
  EXPECT_FALSE(m.free_beta);
}

TEST(CentroidOptions, HandEveryWordOfTheSkyOn) {
  const MeasureOptions m = read({{"background", "annulus"s},
                                 {"annulus.inner", 3.0},
                                 {"annulus.outer", 6.0},
                                 {"annulus.keep_out", 1.5},
                                 {"noise", "model"s},
                                 {"neighbour", "group"s},
                                 {"group_separation", 1.75},
                                 {"group_size", std::int64_t{5}},
                                 {"pedestal", 300.0}});
  EXPECT_EQ(m.level, LevelFrom::annulus);
  EXPECT_EQ(m.annulus.inner, 3);
  EXPECT_EQ(m.annulus.outer, 6);
  EXPECT_EQ(m.annulus.keep_out, 1.5);
  EXPECT_EQ(m.neighbours, Neighbours::group);
  EXPECT_EQ(m.group_separation, 1.75);
  EXPECT_EQ(m.group_size, 5);
  EXPECT_EQ(m.noise, NoiseFrom::model);
  EXPECT_EQ(m.pedestal_adu, 300);
}

TEST(CentroidOptions, HandTheWindowAndTheLimitsOn) {
  const MeasureOptions m = read({{"method", "windowed"s},
                                 {"window.from", "given"s},
                                 {"window.sigma_px", 1.75},
                                 {"fwhm", 2.5},
                                 {"stamp_radius", 2.0},
                                 {"move_limit", 0.5},
                                 {"max_iterations", std::int64_t{12}}});
  EXPECT_EQ(m.window, WindowFrom::given);
  EXPECT_EQ(m.window_sigma_px, 1.75);
  EXPECT_EQ(m.fwhm_px, 2.5);
  EXPECT_EQ(m.stamp_radius, 2);
  EXPECT_EQ(m.move_limit, 0.5);
  EXPECT_EQ(m.max_iterations, 12);
}

/// One frame through the node, with and without a gain.
struct Measured {
  std::size_t stars = 0;
  std::string code, text;  ///< of a FrameError
};
Measured measure_one(const OptionMap& given, double gain, bool variance = false) {
  cv::Mat image(48, 48, CV_32F);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 48; ++x) image.at<float>(y, x) = static_cast<float>(100 + (x * 7 + y * 13) % 5);
  }
  FrameInfo info;
  if (gain > 0) info.gain = {gain, Origin::config};
  Frame frame = Frame::adopt(std::move(image), info);
  if (variance) frame.set_variance(cv::Mat(48, 48, CV_32F, cv::Scalar(4)));
  DetectionList found;
  found.frame = frame.share_info();
  found.background = std::make_shared<const Background>(estimate_background(frame.view(), {}, serial_for));
  found.detections.resize(1);
  found.detections.x[0] = found.detections.y[0] = 24;
  try {
    const auto sent = test::run_node(centroid_type(), given, info,
                                     {{0, test::message(std::move(frame))}, {1, test::message(std::move(found))}});
    return {sent.at(0).as<StarList>()->stars.size(), "", ""};
  } catch (const FrameError& e) {
    return {0, e.code(), e.what()};
  }
}

TEST(CentroidNode, FailsAFrameWithoutTheGainThatTheNoiseModelNeeds) {
  const Measured m = measure_one({{"noise", "model"s}}, 0);
  EXPECT_EQ(m.code, "centroid.no_gain");
  EXPECT_NE(m.text.find("set \"gain\""), std::string::npos) << m.text;
}

TEST(CentroidNode, TakesTheNoiseModelWhereTheFrameHasAGainOrAVarianceImage) {
  EXPECT_EQ(measure_one({{"noise", "model"s}}, 2).stars, 1U);
  EXPECT_EQ(measure_one({{"noise", "model"s}}, 0, true).stars, 1U);
  EXPECT_EQ(measure_one({{"noise", "map"s}}, 0).stars, 1U);
}

}  // namespace
}  // namespace starflow
