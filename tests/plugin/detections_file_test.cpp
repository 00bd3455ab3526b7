// SPDX-License-Identifier: MIT
#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include "position_file.hpp"
#include "register.hpp"

#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

Positions positions(const std::string& text) {
  std::istringstream in(text);
  return read_positions(in, "list.csv");
}

std::string refusal(const std::string& text) {
  try {
    positions(text);
  } catch (const PositionFileError& e) {
    return e.what();
  }
  return "";
}

TEST(PositionFile, ReadsIdsAndPositions) {
  const Positions p = positions("id,x,y\n7,1.5,2.25\n-3,1e2,.5\n");
  EXPECT_EQ(p.id, (std::vector<std::int64_t>{7, -3}));
  EXPECT_EQ(p.x, (std::vector<double>{1.5, 100}));
  EXPECT_EQ(p.y, (std::vector<double>{2.25, 0.5}));
}

TEST(PositionFile, TakesColumnsInAnyOrderAndPassesOthersOver) {
  const Positions p = positions("name,y,mag,x,id\n\"a, b\",2,10.5,1,9\n");
  EXPECT_EQ(p.id.at(0), 9);
  EXPECT_EQ(p.x.at(0), 1);
  EXPECT_EQ(p.y.at(0), 2);
}

TEST(PositionFile, TakesWhatOtherProgramsWrite) {
  const Positions p = positions("\xEF\xBB\xBF# a list\r\n \"id\" , x ,\ty\r\n\r\n1 , +2.5,\t3\r\n# end\r\n2,3,4");
  EXPECT_EQ(p.id, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(p.x, (std::vector<double>{2.5, 3}));
}

TEST(PositionFile, NamesTheLineOfABadNumber) {
  EXPECT_EQ(refusal("# c\nid,x,y\n1,2,3\n2,abc,3\n"), "list.csv:4: x is \"abc\", not a number");
  EXPECT_EQ(refusal("id,x,y\n1.5,2,3\n"), "list.csv:2: id is \"1.5\", not an integer");
  EXPECT_EQ(refusal("id,x,y\n1,2,3px\n"), "list.csv:2: y is \"3px\", not a number");
  EXPECT_EQ(refusal("id,x,y\n1,2,\n"), "list.csv:2: y is \"\", not a number");
}

TEST(PositionFile, RefusesPositionsThatAreNotFinite) {
  EXPECT_EQ(refusal("id,x,y\n1,nan,3\n"), "list.csv:2: x is not finite");
  EXPECT_EQ(refusal("id,x,y\n1,2,inf\n"), "list.csv:2: y is not finite");
}

TEST(PositionFile, RefusesALineThatIsTooShort) {
  EXPECT_EQ(refusal("id,x,y\n1,2\n"), "list.csv:2: has 2 values; y is the 3. column");
}

TEST(PositionFile, RefusesAnIdThatIsThereTwice) {
  EXPECT_EQ(refusal("id,x,y\n1,2,3\n4,5,6\n1,7,8\n"), "list.csv:4: the id 1 is that of line 2");
}

TEST(PositionFile, SaysWhichColumnIsMissing) {
  EXPECT_EQ(
      refusal("id;x;y\n"),
      "list.csv:1: has no column \"id\"; its header has: id;x;y; wanted: id, x, y in any order, separated by commas");
  EXPECT_NE(refusal("id,x,Y\n").find("has no column \"y\""), std::string::npos);
  EXPECT_EQ(refusal("id,x,y,x\n"), "list.csv:1: has two columns \"x\"");
}

TEST(PositionFile, RefusesAFileWithoutPositions) {
  EXPECT_EQ(refusal(""), "list.csv:1: is empty; the first line names the columns id,x,y");
  EXPECT_EQ(refusal("id,x,y\n"), "list.csv:1: ends without a position; each line after the header is one");
}

Frame flat_frame() {
  cv::Mat pixels(64, 64, CV_32FC1);
  cv::RNG random(3);
  random.fill(pixels, cv::RNG::NORMAL, 100, 2);
  pixels.at<float>(20, 10) = 1100;
  return Frame::adopt(std::move(pixels), {});
}

DetectionList detections(const std::string& csv, test::OptionMap options = {}) {
  const test::TempDir dir;
  options["path"] = dir.write("list.csv", csv);
  if (options.count("fwhm") == 0) options["fwhm"] = 3.0;
  auto sent = test::run_node(detections_file_type(), options, {}, {{0, test::message(flat_frame())}});
  return *sent.at(0).as<DetectionList>();
}

TEST(DetectionsFile, KeepsIdsOrderAndPositionsAndSaysThatTheyAreForced) {
  const auto list = detections("id,x,y\n12,10,20\n5,30.5,40\n");
  EXPECT_EQ(list.detections.id, (std::vector<std::int64_t>{12, 5}));
  EXPECT_EQ(list.detections.x, (std::vector<double>{10, 30.5}));
  EXPECT_EQ(list.detections.flags, (std::vector<Flags>{flag::forced_position, flag::forced_position}));
  EXPECT_NEAR(list.detections.peak[0], 1000, 15) << "1100 on a sky of 100, whose level is known to about the noise";
  EXPECT_EQ(list.detections.fwhm_px, 3);
  EXPECT_FALSE(list.detections.fwhm_measured);
  ASSERT_NE(list.background, nullptr);
  EXPECT_NEAR(list.background->median_level(), 100, 1);
}

TEST(DetectionsFile, KeepsPositionsOutsideOfTheFrame) {
  const auto list = detections("id,x,y\n1,-5,3\n2,1e300,3\n3,63.6,-1e300\n");
  EXPECT_EQ(list.detections.size(), 3U);
  EXPECT_EQ(list.detections.peak, (std::vector<double>{0, 0, 0}));
}

TEST(DetectionsFile, ConvertsTheCountingOfPixels) {
  EXPECT_EQ(detections("id,x,y\n1,11,21\n", {{"origin", std::string("fits1")}}).detections.x.at(0), 10);
  EXPECT_EQ(detections("id,x,y\n1,10.5,20.5\n", {{"origin", std::string("corner05")}}).detections.y.at(0), 20);
}

TEST(DetectionsFile, MeasuresTheWidthOfTheFrame) {
  auto sky = test::run_source(source_sky_type(), {{"width", std::int64_t{256}},
                                                  {"height", std::int64_t{256}},
                                                  {"frames", std::int64_t{1}},
                                                  {"stars", std::int64_t{30}},
                                                  {"min_separation", 6.0},
                                                  {"snr_min", 50.0},
                                                  {"fwhm", 4.0}});
  const test::TempDir dir;
  const auto sent = test::run_node(detections_file_type(), {{"path", dir.write("list.csv", "id,x,y\n1,2,3\n")}}, {},
                                   {{0, sky[0].sent.at(0)}});
  const auto& d = sent.at(0).as<DetectionList>()->detections;
  EXPECT_TRUE(d.fwhm_measured);
  EXPECT_NEAR(d.fwhm_px, 4, 0.4);
}

std::string start_refusal(const std::string& path) {
  const auto node = test::make<Node>(detections_file_type(), {{"path", path}});
  test::StartContext start;
  try {
    node->start(start);
  } catch (const OptionError& e) {
    return e.option() + ": " + e.what();
  }
  return "";
}

TEST(DetectionsFile, RefusesAFileThatIsMissing) {
  const test::TempDir dir;
  EXPECT_EQ(start_refusal(dir / "no.csv"), "path: can't read " + (dir / "no.csv") + ": No such file or directory");
}

TEST(DetectionsFile, RefusesAFolder) {
  const test::TempDir dir;
  EXPECT_NE(start_refusal(dir.path().string()).find("is a folder"), std::string::npos);
}

TEST(DetectionsFile, RefusesABadListBeforeTheFirstFrame) {
  const test::TempDir dir;
  const std::string path = dir.write("list.csv", "id,x,y\n1,two,3\n");
  EXPECT_EQ(start_refusal(path), "path: " + path + ":2: x is \"two\", not a number");
}

TEST(DetectionsFile, AnnouncesTheFileThatItReads) {
  const test::TempDir dir;
  const std::string path = dir.write("list.csv", "id,x,y\n1,2,3\n");
  const auto node = test::make<Node>(detections_file_type(), {{"path", path}});
  test::StartContext start;
  node->start(start);
  EXPECT_EQ(start.inputs, (std::vector<std::string>{path}));
}

TEST(DetectionsFile, LeavesARowInTheTableForEveryPosition) {
  const auto list = detections("id,x,y\n1,10,20\n2,1e300,3\n3,-1e300,-1e300\n4,63.4,63.4\n5,1e9,30\n");
  const auto sent =
      test::run_node(centroid_type(), {}, {}, {{0, test::message(flat_frame())}, {1, test::message(list)}});
  const StarTable& stars = sent.at(0).as<StarList>()->stars;
  ASSERT_EQ(stars.size(), 5U);
  for (const Flags f : stars.flags) EXPECT_NE(f & flag::forced_position, 0U);
}

}  // namespace
}  // namespace starflow
