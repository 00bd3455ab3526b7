// SPDX-License-Identifier: MIT
#include "support/node_harness.hpp"

#include "position_grid.hpp"
#include "register.hpp"

#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

constexpr double kRounding = 1e-12;  // of coordinates below 1000, in double

TEST(PositionGrid, FillsTheFrameFromItsCentre) {
  const Positions p = grid_positions({.spacing_px = 10}, 41, 21);
  EXPECT_EQ(p.x, (std::vector<double>{0, 10, 20, 30, 40, 0, 10, 20, 30, 40, 0, 10, 20, 30, 40}));
  EXPECT_EQ(p.y, (std::vector<double>{0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 20, 20, 20, 20, 20}));
  EXPECT_EQ(p.id.front(), 0);
  EXPECT_EQ(p.id.back(), 14);
}

TEST(PositionGrid, LeavesTheMarginFree) {
  const Positions p = grid_positions({.spacing_px = 10, .margin_px = 10}, 41, 21);
  EXPECT_EQ(p.x, (std::vector<double>{10, 20, 30}));
  EXPECT_EQ(p.y, (std::vector<double>{10, 10, 10}));
}

TEST(PositionGrid, SpreadsANumberFromMarginToMargin) {
  const Positions p = grid_positions({.columns = 3, .rows = 2, .margin_px = 5}, 101, 51);
  EXPECT_EQ(p.x, (std::vector<double>{5, 50, 95, 5, 50, 95}));
  EXPECT_EQ(p.y, (std::vector<double>{5, 5, 5, 45, 45, 45}));
  const Positions one = grid_positions({.columns = 1, .rows = 1}, 100, 50);
  EXPECT_EQ(one.x, (std::vector<double>{49.5}));
  EXPECT_EQ(one.y, (std::vector<double>{24.5}));
}

TEST(PositionGrid, KeepsANumberAtItsSpacingOutsideOfTheFrameToo) {
  const Positions p = grid_positions({.spacing_px = 20, .columns = 3, .rows = 1}, 21, 21);
  EXPECT_EQ(p.x, (std::vector<double>{-10, 10, 30}));
  EXPECT_EQ(p.id, (std::vector<std::int64_t>{0, 1, 2}));
}

TEST(PositionGrid, TurnsFromXTowardsYThenShifts) {
  const Positions p = grid_positions(
      {.spacing_px = 10, .columns = 2, .rows = 2, .rotation_deg = 90, .offset_x_px = 3, .offset_y_px = -2}, 101, 101);
  EXPECT_NEAR(p.x.at(0), 58, kRounding);
  EXPECT_NEAR(p.y.at(0), 43, kRounding);
  EXPECT_NEAR(p.x.at(1), 58, kRounding);
  EXPECT_NEAR(p.y.at(1), 53, kRounding);
  EXPECT_NEAR(p.x.at(2), 48, kRounding);
  EXPECT_NEAR(p.y.at(2), 43, kRounding);
}

TEST(PositionGrid, FillsTheCornersHoweverItIsTurned) {
  // As many as the area holds, within those that the frame's outline cuts: a quarter of its length over the spacing.
  for (const double rotation : {0.0, 17.0, 45.0, 90.0}) {
    const Positions p = grid_positions({.spacing_px = 5, .rotation_deg = rotation, .offset_x_px = 31}, 401, 201);
    EXPECT_NEAR(static_cast<double>(p.x.size()), 400 * 200 / 25.0, 1200 / 5.0 / 4 * 2.1) << rotation;
    for (const double x : p.x) EXPECT_TRUE(x >= 0 && x <= 400) << x;
  }
}

std::string frame_failure(const GridShape& grid, int width, int height) {
  try {
    (void)grid_positions(grid, width, height);
  } catch (const FrameError& e) {
    return e.code() + ": " + e.what();
  }
  return "";
}

TEST(PositionGrid, FailsFramesWithoutRoom) {
  EXPECT_EQ(frame_failure({.spacing_px = 5, .margin_px = 20}, 100, 40),
            "grid.no_room: of 100x40 px has no room for a grid within margins of 20 px");
  EXPECT_EQ(frame_failure({.spacing_px = 1}, 30000, 30000),
            "grid.too_many: of 30000x30000 px would get more than 10000000 positions");
}

std::string refused(const test::OptionMap& options) {
  try {
    (void)test::make<Node>(detections_grid_type(), options);
  } catch (const OptionError& e) {
    return e.option();
  }
  return "";
}

TEST(DetectionsGrid, RefusesAGridThatIsNotStatedOrStatedTwice) {
  EXPECT_EQ(refused({}), "spacing_px");
  EXPECT_EQ(refused({{"columns", std::int64_t{3}}}), "rows");
  EXPECT_EQ(refused({{"rows", std::int64_t{3}}, {"spacing_px", 10.0}}), "columns");
  EXPECT_EQ(refused({{"columns", std::int64_t{100'000}}, {"rows", std::int64_t{1000}}}), "columns");
  EXPECT_EQ(refused({{"columns", std::int64_t{2}}, {"rows", std::int64_t{2}}, {"spacing_px", 9.0}, {"margin_px", 1.0}}),
            "margin_px");
  EXPECT_EQ(refused({{"spacing_px", 10.0}}), "");
}

TEST(DetectionsGrid, SendsForcedPositionsWithTheLightThatIsThere) {
  cv::Mat pixels(65, 65, CV_32FC1, cv::Scalar(100));
  cv::RNG random(5);
  random.fill(pixels, cv::RNG::NORMAL, 100, 2);
  pixels.at<float>(32, 48) = 1100;
  const auto sent = test::run_node(detections_grid_type(), {{"spacing_px", 16.0}, {"fwhm", 3.0}}, {},
                                   {{0, test::message(Frame::adopt(std::move(pixels), {}))}});
  const auto& list = *sent.at(0).as<DetectionList>();
  ASSERT_EQ(list.detections.size(), 25U);
  EXPECT_EQ(list.detections.flags.at(0), flag::forced_position);
  EXPECT_NEAR(list.detections.peak.at(13), 1000, 15) << "third row, fourth column";
  EXPECT_EQ(list.detections.fwhm_px, 3);
  ASSERT_NE(list.background, nullptr);
}

}  // namespace
}  // namespace starflow
