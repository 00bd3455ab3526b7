// SPDX-License-Identifier: MIT
#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include "register.hpp"

#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

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

TEST(DetectionsFile, RefusesAListWithoutPositions) {
  const test::TempDir dir;
  const std::string path = dir.write("list.csv", "id,x,y\n");
  EXPECT_EQ(start_refusal(path), "path: " + path + " holds no position");
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

// Lists of single frames

FrameInfo named(const std::string& source, std::uint64_t id = 0) {
  FrameInfo info;
  info.source = source;
  info.frame_id = id;
  return info;
}

/// What a frame of that name and number gets; the text of its failure goes into \p error.
std::vector<double> x_of(Node& node, const FrameInfo& info, std::string& error) {
  cv::Mat pixels(64, 64, CV_32FC1, cv::Scalar(100));
  test::NodeContext context(info, {{0, test::message(Frame::adopt(std::move(pixels), info))}});
  try {
    node.process(context);
  } catch (const FrameError& e) {
    error = e.code() + ": " + e.what();
    return {};
  }
  error.clear();
  return context.out_of<DetectionList>(0)->detections.x;
}

class DetectionsFileOfFrames : public ::testing::Test {
 protected:
  std::unique_ptr<Node> started(const std::string& path, const std::string& frames = "only") {
    auto node = test::make<Node>(detections_file_type(), {{"path", path}, {"frames", frames}, {"fwhm", 3.0}});
    node->start(start_);
    return node;
  }
  std::string refusal(const std::string& path, const std::string& frames = "only") {
    try {
      (void)started(path, frames);
    } catch (const OptionError& e) {
      return e.option() + ": " + e.what();
    }
    return "";
  }

  test::TempDir dir_;
  test::StartContext start_;
  std::string error_;
};

TEST_F(DetectionsFileOfFrames, ReadsTheListThatHasTheFramesName) {
  dir_.write("a.csv", "x,y\n10,20\n");
  dir_.write("b.csv", "x,y\n30,20\n");
  const auto node = started(dir_ / "{stem}.csv");
  EXPECT_EQ(x_of(*node, named("night/b.fits.gz"), error_), (std::vector<double>{30})) << error_;
  EXPECT_EQ(x_of(*node, named("a.fit"), error_), (std::vector<double>{10})) << error_;
  EXPECT_TRUE(start_.inputs.empty());
}

TEST_F(DetectionsFileOfFrames, PutsFolderNameAndNumberOfAFrameIntoThePath) {
  dir_.write("night/a.fits.7.csv", "x,y\n10,20\n");
  const auto node = started("{folder}/{name}.{frame_id}.csv");
  EXPECT_EQ(x_of(*node, named(dir_ / "night/a.fits", 7), error_), (std::vector<double>{10})) << error_;
}

TEST_F(DetectionsFileOfFrames, FailsAFrameWhoseListIsMissingOrBadAndGoesOn) {
  dir_.write("b.csv", "x,y\n1,oops\n");
  dir_.write("c.csv", "x,y\n30,20\n");
  dir_.write("empty.csv", "x,y\n");
  const auto node = started(dir_ / "{stem}.csv");
  (void)x_of(*node, named("a.fits"), error_);
  EXPECT_EQ(error_, "positions.missing: has no list of positions: " + (dir_ / "a.csv") + " does not exist");
  x_of(*node, named("b.fits"), error_);
  EXPECT_EQ(error_, "positions.unreadable: has no usable list of positions: " + (dir_ / "b.csv") +
                        ":2: y is \"oops\", not a number");
  EXPECT_EQ(x_of(*node, named("c.fits"), error_).size(), 1U);
  EXPECT_TRUE(x_of(*node, named("empty.fits"), error_).empty());
  EXPECT_EQ(error_, "") << "nothing to measure is no failure";
}

TEST_F(DetectionsFileOfFrames, RefusesANameInBracesThatStandsForNothing) {
  EXPECT_EQ(refusal("lists/{stm}.csv"),
            "path: lists/{stm}.csv: {stm} stands for nothing; {stem}, {name}, {folder} and {frame_id} do");
}

TEST_F(DetectionsFileOfFrames, TakesAFileThatHasBracesInItsName) {
  const auto node = started(dir_.write("{stem}.csv", "x,y\n10,20\n"));
  EXPECT_EQ(x_of(*node, named("a.fits"), error_), (std::vector<double>{10})) << error_;
}

const char* const kRun = R"({"type":"frame","frame_id":0,"source":"night/a.fits","outcome":"ok","origin":"center0"}
{"type":"star","frame_id":0,"id":0,"x":10,"y":20}
{"type":"frame","frame_id":1,"source":"night/b.fits","outcome":"ok","origin":"center0"}
{"type":"star","frame_id":1,"id":0,"x":30,"y":20}
{"type":"frame","frame_id":2,"source":"night/c.fits","outcome":"failed","origin":"center0"}
{"type":"run","frames":3}
)";

TEST_F(DetectionsFileOfFrames, AsksWhichFrameOfARunIsMeant) {
  const std::string path = dir_.write("run.jsonl", kRun);
  EXPECT_EQ(refusal(path), "path: " + path +
                               " holds the stars of 3 frames; set option frames to by_id or by_source, by which each "
                               "frame gets its own");
}

TEST_F(DetectionsFileOfFrames, GivesEachFrameItsStarsByFileName) {
  const auto node = started(dir_.write("run.jsonl", kRun), "by_source");
  EXPECT_EQ(x_of(*node, named("elsewhere/b.fits", 0), error_), (std::vector<double>{30})) << error_;
  x_of(*node, named("c.fits"), error_);
  EXPECT_EQ(error_,
            "positions.no_frame: failed when " + (dir_ / "run.jsonl") + " was made, which has no positions for it");
  x_of(*node, named("d.fits"), error_);
  EXPECT_EQ(error_, "positions.no_frame: is not among the frames of " + (dir_ / "run.jsonl"));
}

TEST_F(DetectionsFileOfFrames, GivesEachFrameItsStarsByNumber) {
  const auto node = started(dir_.write("run.jsonl", kRun), "by_id");
  EXPECT_EQ(x_of(*node, named("x.fits", 1), error_), (std::vector<double>{30})) << error_;
}

TEST_F(DetectionsFileOfFrames, RefusesToTellFramesApartThatTheListDoesNot) {
  EXPECT_NE(refusal(dir_.write("list.csv", "x,y\n1,2\n"), "by_id").find("frames: "), std::string::npos);
}

TEST_F(DetectionsFileOfFrames, CountsStarsWithoutAPositionAsRejected) {
  const auto node = started(dir_.write("l.jsonl", "{\"x\":1,\"y\":2}\n{\"x\":null,\"y\":null}\n"));
  test::NodeContext context({}, {{0, test::message(flat_frame())}});
  node->process(context);
  EXPECT_EQ(context.out_of<DetectionList>(0)->rejected.at("no_position"), 1U);
}

TEST(DetectionsFile, WantsBothColumnsOrNone) {
  EXPECT_THROW((void)test::make<Node>(detections_file_type(), {{"path", "p"}, {"x_column", "u"}}), OptionError);
}

}  // namespace
}  // namespace starflow
