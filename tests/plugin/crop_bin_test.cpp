// SPDX-License-Identifier: MIT
#include "register.hpp"

#include "support/node_harness.hpp"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace starflow::test {
namespace {

/// Pixels 0, 1, 2 ... by rows.
cv::Mat counted(int width, int height, int depth = CV_16U) {
  cv::Mat out(height, width, CV_64F);
  for (int k = 0; k < width * height; ++k) out.at<double>(k / width, k % width) = k;
  out.convertTo(out, depth);
  return out;
}

Frame run(const NodeType& type, const OptionMap& options, const Frame& frame) {
  const auto sent = run_node(type, options, frame.info(), {{0, message(frame)}});
  return *sent.at(0).as<Frame>();
}

std::string failure(const NodeType& type, const OptionMap& options, const Frame& frame) {
  try {
    (void)run(type, options, frame);
  } catch (const FrameError& e) {
    return e.code() + ": " + e.what();
  } catch (const OptionError& e) {
    return "option " + e.option() + ": " + e.what();
  }
  return "";
}

std::vector<double> values(const cv::Mat& image) {
  cv::Mat out;
  image.convertTo(out, CV_64F);
  return {out.begin<double>(), out.end<double>()};
}

OptionMap box(std::vector<double> px) { return {{"box_px", std::move(px)}}; }

TEST(Crop, TakesTheBoxWithMaskAndVarianceAndSharesThePixels) {
  Frame in = Frame::adopt(counted(5, 4), {});
  in.set_mask(counted(5, 4, CV_8U));
  in.set_variance(counted(5, 4, CV_32F));
  const Frame out = run(crop_type(), box({1, 2, 3, 3}), in);
  const std::vector<double> part{11, 12, 13, 16, 17, 18};
  EXPECT_EQ(values(out.image()), part);
  EXPECT_EQ(values(out.mask()), part);
  EXPECT_EQ(values(out.variance()), part);
  EXPECT_EQ(out.info().width, 3);
  EXPECT_EQ(out.info().height, 2);
  EXPECT_EQ(out.image().data, in.image().ptr(2, 1));
}

TEST(Crop, KeepsThePixelsAsLongAsTheyAreRead) {
  int released = 0;
  const cv::Mat pixels = counted(5, 4);
  Frame out = [&] {
    const Frame in = Frame::borrow(pixels, {}, [&released] { ++released; });
    return run(crop_type(), box({0, 0, 1, 1}), in);
  }();
  EXPECT_EQ(released, 0);
  out = Frame::adopt(counted(1, 1), {});
  EXPECT_EQ(released, 1);
}

TEST(Crop, SaysWhereItIsOnTheSensor) {
  FrameInfo info;
  info.roi_x = 100;
  info.roi_y = 7;
  info.binning_x = 2;
  info.binning_y = 3;
  const Frame out = run(crop_type(), box({10, 20, 29, 29}), Frame::adopt(counted(40, 40), info));
  EXPECT_EQ(out.info().roi_x, 120);
  EXPECT_EQ(out.info().roi_y, 67);
  EXPECT_EQ(out.info().binning_x, 2);
}

TEST(Crop, TurnsTheColoursWithItsFirstPixel) {
  FrameInfo info;
  info.mosaic = "RGGB";
  const Frame in = Frame::adopt(counted(6, 6), info);
  EXPECT_EQ(run(crop_type(), box({2, 2, 5, 5}), in).info().mosaic, "RGGB");
  EXPECT_EQ(run(crop_type(), box({1, 2, 5, 5}), in).info().mosaic, "GRBG");
  EXPECT_EQ(run(crop_type(), box({2, 1, 5, 5}), in).info().mosaic, "GBRG");
  EXPECT_EQ(run(crop_type(), box({1, 1, 5, 5}), in).info().mosaic, "BGGR");
}

TEST(Crop, FailsAFrameThatDoesNotHoldTheBox) {
  const Frame in = Frame::adopt(counted(5, 4), {});
  EXPECT_EQ(failure(crop_type(), box({1, 1, 5, 3}), in), "crop.size: is 5x4 px; box_px [1, 1, 5, 3] reaches beyond");
  EXPECT_EQ(failure(crop_type(), box({0, 0, 4, 3}), in), "");
}

TEST(Crop, RefusesWhatIsNoBox) {
  const Frame in = Frame::adopt(counted(5, 4), {});
  for (const std::vector<double>& b :
       {std::vector<double>{1, 1, 2}, {1, 1, 0, 3}, {1, 3, 2, 2}, {-1, 0, 2, 2}, {0.5, 0, 2, 2}, {0, 0, NAN, 2}}) {
    EXPECT_EQ(failure(crop_type(), box(b), in).substr(0, 14), "option box_px:");
  }
}

TEST(Bin, AddsBlocksAndLeavesOutTheRest) {
  for (const int depth : {CV_8U, CV_16U, CV_16S, CV_32S, CV_32F, CV_64F}) {
    EXPECT_EQ(values(run(bin_type(), {}, Frame::adopt(counted(5, 5, depth), {})).image()),
              (std::vector<double>{12, 20, 52, 60}))
        << cv::depthToString(depth);
  }
  const OptionMap flat{{"factor", std::vector<double>{3, 1}}, {"combine", std::string("mean")}};
  EXPECT_EQ(values(run(bin_type(), flat, Frame::adopt(counted(3, 2), {})).image()), (std::vector<double>{1, 4}));
}

TEST(Bin, AddsMoreThanAPixelTypeHolds) {
  const cv::Mat full(64, 64, CV_16U, cv::Scalar(65535));
  EXPECT_EQ(values(run(bin_type(), {{"factor", std::int64_t{64}}}, Frame::copy(full, {})).image()),
            (std::vector<double>{65535.0 * 4096}));
}

TEST(Bin, TellsTheSensorsConstantsOfABlock) {
  FrameInfo info;
  info.gain = {2, Origin::metadata};
  info.read_noise = {5, Origin::config};
  info.saturation = {60000, Origin::metadata};
  info.roi_x = 11;
  info.binning_x = 2;
  const Frame in = Frame::adopt(counted(8, 8), info);
  const FrameInfo sum = run(bin_type(), {}, in).info();
  EXPECT_EQ(sum.gain.value, 2);
  EXPECT_EQ(sum.read_noise.value, 10);
  EXPECT_EQ(sum.saturation.value, 240000);
  EXPECT_EQ(sum.binning_x, 4);
  EXPECT_EQ(sum.binning_y, 2);
  EXPECT_EQ(sum.roi_x, 11);
  EXPECT_EQ(sum.gain.origin, Origin::metadata);
  const FrameInfo mean = run(bin_type(), {{"combine", std::string("mean")}}, in).info();
  EXPECT_EQ(mean.gain.value, 8);
  EXPECT_EQ(mean.read_noise.value, 10);
  EXPECT_EQ(mean.saturation.value, 60000);
}

TEST(Bin, MakesABlockBadOrSaturatedByOneOfItsPixels) {
  FrameInfo info;
  info.saturation = {1000, Origin::config};
  cv::Mat pixels = counted(6, 2, CV_32F);
  pixels.at<float>(1, 1) = NAN;
  pixels.at<float>(0, 4) = 1000;
  Frame in = Frame::adopt(std::move(pixels), info);
  in.set_mask((cv::Mat_<std::uint8_t>(2, 6) << 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  const Frame out = run(bin_type(), {}, in);
  EXPECT_EQ(values(out.mask()), (std::vector<double>{255, 255, 0}));
  EXPECT_EQ(out.image().at<float>(0, 2), 4000);
  EXPECT_EQ(out.info().detector().saturation_adu, 4000);
}

TEST(Bin, AddsVariances) {
  Frame in = Frame::adopt(counted(2, 2), {});
  in.set_variance((cv::Mat_<float>(2, 2) << 1, 2, 3, 4));
  EXPECT_EQ(values(run(bin_type(), {}, in).variance()), std::vector<double>{10});
  EXPECT_EQ(values(run(bin_type(), {{"combine", std::string("mean")}}, in).variance()), std::vector<double>{10.0 / 16});
}

TEST(Bin, FailsFramesThatHaveNoBlockOrColours) {
  EXPECT_EQ(failure(bin_type(), {{"factor", std::int64_t{3}}}, Frame::adopt(counted(5, 2), {})),
            "bin.size: is 5x2 px, less than one block of 3x3");
  FrameInfo info;
  info.mosaic = "RGGB";
  EXPECT_EQ(failure(bin_type(), {}, Frame::adopt(counted(4, 4), info)).substr(0, 11), "bin.mosaic:");
}

TEST(Bin, RefusesWhatIsNoFactor) {
  const Frame in = Frame::adopt(counted(5, 4), {});
  for (const std::vector<double>& f : {std::vector<double>{2}, {2, 2, 2}, {0, 2}, {2, 65}, {1.5, 2}, {NAN, 2}})
    EXPECT_EQ(failure(bin_type(), {{"factor", f}}, in),
              "option factor: wants a whole number from 1 to 64, or two, [across, down]");
}

}  // namespace
}  // namespace starflow::test
