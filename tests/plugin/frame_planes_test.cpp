// SPDX-License-Identifier: MIT
#include "support/fits_writer.hpp"
#include "support/run_files.hpp"
#include "support/temp_dir.hpp"

#include "bad_pixel_file.hpp"
#include "table_file.hpp"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace starflow::test {
namespace {

std::string image(int width, int height, char value = '\7') {
  return fits_primary({8, {width, height}, std::string(static_cast<std::size_t>(width * height), value), {}});
}

/// Rows of a mask, bad pixels as #.
std::vector<std::string> drawn(const cv::Mat& mask) {
  std::vector<std::string> out;
  for (int y = 0; y < mask.rows; ++y) {
    out.emplace_back();
    for (int x = 0; x < mask.cols; ++x) out.back() += mask.at<std::uint8_t>(y, x) != 0 ? '#' : '.';
  }
  return out;
}

using Rows = std::vector<std::string>;

class FramePlanesOfFiles : public ::testing::Test {
 protected:
  void SetUp() override { frame_ = dir_.write("f.fits", image(5, 3)); }

  Rows mask_of(const OptionMap& options) {
    const Produced got = run_file(frame_, options);
    EXPECT_NE(got.frame(), nullptr) << got.error_text;
    return got.frame() == nullptr ? Rows{} : drawn(got.frame()->mask());
  }
  std::string refusal(const OptionMap& options) {
    try {
      (void)run_file(frame_, options);
    } catch (const OptionError& e) {
      const std::string what = e.what();
      return e.option() + ": " + what.substr(std::min(what.find("bad."), what.size()));
    }
    return "";
  }
  std::string bad_list_refusal(const std::string& text) {
    return refusal({{"bad_pixels", dir_.write("bad.csv", text)}});
  }

  TempDir dir_;
  std::string frame_;
};

// Lists of bad pixels

TEST_F(FramePlanesOfFiles, MaskPixelsColumnsAndLinesOfAList) {
  const std::string list = dir_.write("bad.csv", "# of the sensor\nx,y\n0,0\n3,\n,2\n");
  EXPECT_EQ(mask_of({{"bad_pixels", list}}), (Rows{"#..#.", "...#.", "#####"}));
}

TEST_F(FramePlanesOfFiles, MaskRectanglesOfAList) {
  const std::string list = dir_.write("bad.csv", "x,x_last,y,y_last\n1,3,0,1\n4,,1,2\n");
  EXPECT_EQ(mask_of({{"bad_pixels", list}}), (Rows{".###.", ".####", "....#"}));
}

TEST_F(FramePlanesOfFiles, MaskWhatJsonLinesName) {
  const std::string list = dir_.write("bad.jsonl", "{\"y\":0}\n{\"x\":4}\n{\"x\":1,\"y\":2}\n{\"x\":null,\"y\":0}\n");
  EXPECT_EQ(mask_of({{"bad_pixels", list}}), (Rows{"#####", "....#", ".#..#"}));
}

TEST_F(FramePlanesOfFiles, CountBadPixelsFromOneWhereThatIsSaid) {
  const std::string list = dir_.write("bad.csv", "x,y\n1,1\n5,3\n");
  EXPECT_EQ(mask_of({{"bad_pixels", list}, {"bad_pixels_origin", "fits1"}}), (Rows{"#....", ".....", "....#"}));
  const Produced got = run_file(frame_, {{"bad_pixels", list}});
  EXPECT_EQ(got.error_code, "bad_pixels.size");
  EXPECT_EQ(got.error_text, "is 5x3 px, but the bad pixel of " + list + ":3 is outside of it");
}

TEST_F(FramePlanesOfFiles, AddTheListToTheMask) {
  const std::string mask = dir_.write("m.fits", fits_primary({8, {5, 3}, std::string(14, '\0') + '\1', {}}));
  const std::string list = dir_.write("bad.csv", "x,y\n0,0\n");
  EXPECT_EQ(mask_of({{"bad_pixels", list}, {"mask", mask}}), (Rows{"#....", ".....", "....#"}));
  EXPECT_EQ(mask_of({{"mask", mask}}), (Rows{".....", ".....", "....#"})) << "the shared mask stays as it was";
}

TEST_F(FramePlanesOfFiles, RefuseAListThatIsNone) {
  EXPECT_EQ(bad_list_refusal("x,y\n1,two\n"), "bad_pixels: bad.csv:2: y is \"two\", not an integer");
  EXPECT_EQ(bad_list_refusal("x,y\n1.5,2\n"), "bad_pixels: bad.csv:2: x is \"1.5\", not an integer");
  EXPECT_EQ(bad_list_refusal("x,y\n-1,2\n"), "bad_pixels: bad.csv:2: x is \"-1\"; pixels count from 0 to 1048575");
  EXPECT_EQ(bad_list_refusal("x,y\n1,1\n,\n"), "bad_pixels: bad.csv:3: has neither x nor y");
  EXPECT_EQ(bad_list_refusal("x,y,x_last\n3,1,2\n"), "bad_pixels: bad.csv:2: x_last is before x");
  EXPECT_EQ(bad_list_refusal("x,y,x_last\n,1,2\n"), "bad_pixels: bad.csv:2: has x_last without x");
  EXPECT_EQ(bad_list_refusal("col,row\n3,1\n"),
            "bad_pixels: bad.csv:1: has neither a column x nor y; bad pixels need both, bad columns x, bad lines y");
  EXPECT_NE(refusal({{"bad_pixels", dir_ / "bad.none"}}).find("No such file"), std::string::npos);
}

// One file for each frame

TEST_F(FramePlanesOfFiles, AreReadForEachFrameByItsName) {
  frame_ = dir_.write("g.fits", image(5, 3));
  dir_.write("g.mask.fits", fits_primary({8, {5, 3}, '\1' + std::string(14, '\0'), {}}));
  dir_.write("g.bad.csv", "x,y\n4,2\n");
  dir_.write("g.var.fits", image(5, 3, '\4'));
  const Produced got = run_file(frame_, {{"mask", dir_ / "{stem}.mask.fits"},
                                         {"variance", dir_ / "{stem}.var.fits"},
                                         {"bad_pixels", dir_ / "{stem}.bad.csv"}});
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  EXPECT_EQ(drawn(got.frame()->mask()), (Rows{"#....", ".....", "....#"}));
  EXPECT_EQ(got.frame()->variance().at<float>(2, 4), 4.0F);
}

TEST_F(FramePlanesOfFiles, FailTheFrameThatHasNone) {
  const Produced missing = run_file(frame_, {{"mask", dir_ / "{stem}.mask.fits"}});
  EXPECT_EQ(missing.error_code, "mask.missing");
  EXPECT_EQ(missing.error_text, "has no mask: " + (dir_ / "f.mask.fits") + " does not exist");
  dir_.write("f.mask.fits", "");
  const Produced empty = run_file(frame_, {{"mask", dir_ / "{stem}.mask.fits"}});
  EXPECT_EQ(empty.error_code, "mask.unreadable");
  EXPECT_EQ(empty.error_text, "has no usable mask: " + (dir_ / "f.mask.fits") + " is empty (0 bytes)");
  dir_.write("f.mask.fits", image(3, 5));
  EXPECT_EQ(run_file(frame_, {{"mask", dir_ / "{stem}.mask.fits"}}).error_code, "mask.size");
  EXPECT_EQ(run_file(frame_, {{"variance", dir_ / "{stem}.none"}}).error_code, "variance.missing");
  EXPECT_EQ(run_file(frame_, {{"bad_pixels", dir_ / "{stem}.none"}}).error_code, "bad_pixels.missing");
  dir_.write("f.csv", "x,y\n1,\n,\n");
  EXPECT_EQ(run_file(frame_, {{"bad_pixels", dir_ / "{stem}.csv"}}).error_text,
            "has no usable bad_pixels: " + (dir_ / "f.csv") + ":3: has neither x nor y");
}

TEST_F(FramePlanesOfFiles, AreAnnouncedBeforeTheFirstFrame) {
  const auto source = make<Source>(source_files_type(), {{"paths", frame_}, {"mask", "{folder}/m_{frame_id}.png"}});
  StartContext start;
  source->start(start);
  EXPECT_EQ(start.inputs, (std::vector<std::string>{frame_, dir_ / "m_0.png"}));
}

TEST_F(FramePlanesOfFiles, NoteVariancesOfAFrameThatAreNotPositive) {
  dir_.write("f.var.fits", image(5, 3, '\0'));
  const Produced got = run_file(frame_, {{"variance", dir_ / "{stem}.var.fits"}});
  EXPECT_TRUE(notes_mention(got.info, "15 pixels are not above 0"));
}

TEST_F(FramePlanesOfFiles, TakeEveryColourOfAMaskButNoColouredVariance) {
  cv::Mat colours(3, 5, CV_8UC3, cv::Scalar(0, 0, 0));
  colours.at<cv::Vec3b>(0, 1) = {0, 0, 255};
  colours.at<cv::Vec3b>(2, 2) = {255, 0, 0};
  cv::imwrite(dir_ / "m.png", colours);
  EXPECT_EQ(mask_of({{"mask", dir_ / "m.png"}}), (Rows{".#...", ".....", "..#.."}));
  EXPECT_NE(refusal({{"variance", dir_ / "m.png"}}), "");
}

TEST_F(FramePlanesOfFiles, GoWithThePlanesOfACube) {
  frame_ = dir_.write("c.fits", fits_primary({8, {2, 1, 2}, "\1\2\3\4", {}}));
  cv::imwrite(dir_ / "m.png", cv::Mat((cv::Mat_<std::uint8_t>(1, 2) << 0, 9)));
  EXPECT_EQ(mask_of({{"mask", dir_ / "m.png"}, {"plane", std::int64_t{1}}}), (Rows{".#"}));
}

// Node mask

Message frame_message(cv::Mat pixels, cv::Mat mask = {}) {
  Frame frame = Frame::adopt(std::move(pixels), {});
  if (!mask.empty()) frame.set_mask(std::move(mask));
  return message(std::move(frame));
}

cv::Mat pixels(int width, int height, double value) { return {height, width, CV_32FC1, cv::Scalar(value)}; }

TEST(Mask, AddsAllMasksAndSharesThePixels) {
  const TempDir dir;
  const std::string list = dir.write("bad.csv", "x,y\n2,0\n");
  const Message in = frame_message(pixels(4, 1, 5), (cv::Mat_<std::uint8_t>(1, 4) << 1, 0, 0, 0));
  const Message more = frame_message((cv::Mat_<float>(1, 4) << 0, 3, 0, 0));
  const auto sent = run_node(mask_type(), {{"bad_pixels", list}}, {}, {{0, in}, {1, more}});
  const auto& out = *sent.at(0).as<Frame>();
  EXPECT_EQ(drawn(out.mask()), (Rows{"###."}));
  EXPECT_EQ(out.image().data, in.as<Frame>()->image().data);
  EXPECT_EQ(drawn(in.as<Frame>()->mask()), (Rows{"#..."})) << "what was sent never changes";
}

TEST(Mask, PutsAVarianceOnTheFrame) {
  const auto sent =
      run_node(mask_type(), {}, {}, {{0, frame_message(pixels(2, 1, 5))}, {2, frame_message(pixels(2, 1, 9))}});
  EXPECT_EQ(sent.at(0).as<Frame>()->variance().at<float>(0, 1), 9.0F);
  EXPECT_TRUE(sent.at(0).as<Frame>()->mask().empty());
}

std::string failure(const OptionMap& options, MessageMap inputs) {
  try {
    (void)run_node(mask_type(), options, {}, std::move(inputs));
  } catch (const FrameError& e) {
    return e.code() + ": " + e.what();
  }
  return "";
}

TEST(Mask, FailsAFrameOfAnotherSize) {
  EXPECT_EQ(failure({}, {{0, frame_message(pixels(2, 1, 5))}, {1, frame_message(pixels(1, 2, 0))}}),
            "mask.size: is 2x1 px, but the mask of input mask is 1x2 px; they must be equal");
  const TempDir dir;
  EXPECT_EQ(failure({{"variance", dir.write("v.fits", image(3, 1))}}, {{0, frame_message(pixels(2, 1, 5))}}),
            "variance.size: is 2x1 px, but variance " + (dir / "v.fits") + " is 3x1 px; they must be equal");
}

TEST(Mask, RefusesTwoVariances) {
  const TempDir dir;
  const MessageMap inputs{{0, frame_message(pixels(3, 1, 5))}, {2, frame_message(pixels(3, 1, 5))}};
  EXPECT_NE(failure({{"variance", dir.write("v.fits", image(3, 1))}}, inputs).find("variance.twice"),
            std::string::npos);
}

}  // namespace
}  // namespace starflow::test
