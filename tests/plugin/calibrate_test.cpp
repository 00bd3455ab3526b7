// SPDX-License-Identifier: MIT
#include "register.hpp"

#include "support/fits_writer.hpp"
#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace starflow::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A FITS file of 32-bit floats, two rows.
std::string master(const std::vector<float>& pixels, double exposure_s = 0) {
  FitsImage image{-32, {static_cast<long long>(pixels.size() / 2), 2}, big_endian(pixels), {}};
  if (exposure_s > 0) image.cards = {card("EXPTIME", std::to_string(exposure_s))};
  return fits_primary(image);
}

/// Two rows.
cv::Mat raw(const std::vector<double>& pixels, int depth = CV_16U) {
  cv::Mat out;
  cv::Mat(pixels, true).reshape(1, 2).convertTo(out, depth);
  return out;
}

FrameInfo exposed(double seconds) {
  FrameInfo info;
  info.exposure_s = seconds;
  return info;
}

std::vector<float> values(const cv::Mat& image) { return {image.begin<float>(), image.end<float>()}; }

class Calibrate : public ::testing::Test {
 protected:
  Frame run(const OptionMap& options, Frame frame) {
    const FrameInfo info = frame.info();
    const auto sent = run_node(calibrate_type(), options, info, {{0, message(std::move(frame))}});
    return *sent.at(0).as<Frame>();
  }
  Frame run(const OptionMap& options, const cv::Mat& image, FrameInfo info = {}) {
    return run(options, Frame::copy(image, std::move(info)));
  }
  std::string failure(const OptionMap& options, const cv::Mat& image, FrameInfo info = {}) {
    try {
      (void)run(options, image, std::move(info));
    } catch (const FrameError& e) {
      return e.code() + ": " + e.what();
    }
    return "";
  }
  std::string refusal(const OptionMap& options) {
    try {
      (void)run(options, raw({1, 1, 1, 1}));
    } catch (const OptionError& e) {
      std::string what = e.option() + ": " + e.what();
      for (auto at = what.find(folder()); at != std::string::npos; at = what.find(folder()))
        what.erase(at, folder().size());
      return what;
    }
    return "";
  }
  [[nodiscard]] std::string folder() const { return dir_.path().string() + "/"; }

  TempDir dir_;
};

TEST_F(Calibrate, TakesOffADarkOfTheSameExposureWithItsBias) {
  const std::string dark = dir_.write("d.fits", master({100, 101, 102, 103}, 30));
  EXPECT_EQ(values(run({{"dark", dark}}, raw({100, 111, 122, 50}), exposed(30)).image()),
            (std::vector<float>{0, 10, 20, -53}));
}

TEST_F(Calibrate, ScalesTheDarkCurrentAlone) {
  const OptionMap masters{{"bias", dir_.write("b.fits", master({100, 100, 200, 200}))},
                          {"dark", dir_.write("d.fits", master({100, 110, 200, 220}, 10))},
                          {"scale_dark", true}};
  EXPECT_EQ(values(run(masters, raw({500, 500, 500, 500}), exposed(25)).image()),
            (std::vector<float>{400, 375, 300, 250}));
  OptionMap without_bias = masters;
  without_bias["dark"] = dir_.write("c.fits", master({0, 10, 0, 20}));
  without_bias["dark_holds_bias"] = false;
  without_bias["dark_exposure_s"] = 10.0;
  EXPECT_EQ(values(run(without_bias, raw({500, 500, 500, 500}), exposed(25)).image()),
            (std::vector<float>{400, 375, 300, 250}));
}

TEST_F(Calibrate, DividesByTheFlatAsPartOfItsMedian) {
  const OptionMap masters{{"flat", dir_.write("f.fits", master({1100, 2100, 2100, 4100}))},
                          {"flat_dark", dir_.write("b.fits", master({100, 100, 100, 100}))}};
  EXPECT_EQ(values(run(masters, raw({100, 100, 100, 100})).image()), (std::vector<float>{200, 100, 100, 50}));
}

TEST_F(Calibrate, KeepsTheColoursOfTheSensorWhereThatIsSaid) {
  const OptionMap masters{{"flat", dir_.write("f.fits", master({10, 40, 20, 40, 20, 80, 40, 80}))},
                          {"flat_level", std::string("colour")}};
  EXPECT_EQ(values(run(masters, raw({8, 8, 8, 8, 8, 8, 8, 8})).image()),
            (std::vector<float>{16, 8, 8, 8, 16, 8, 8, 8}));
}

TEST_F(Calibrate, GivesTheSameForEveryPixelType) {
  const OptionMap masters{{"bias", dir_.write("b.fits", master({1.5, 2, 3, 4}))},
                          {"flat", dir_.write("f.fits", master({1, 1, 1, 2}))}};
  for (const int depth : {CV_8U, CV_16U, CV_16S, CV_32S, CV_32F, CV_64F}) {
    EXPECT_EQ(values(run(masters, raw({10, 20, 30, 40}, depth)).image()), (std::vector<float>{8.5, 18, 27, 18}))
        << cv::depthToString(depth);
  }
  const std::vector<float> wide = values(run(masters, raw({1e9, 1e9 + 64, 0, 0}, CV_32S)).image());
  EXPECT_EQ(wide[1] - wide[0], 64) << "the difference is taken before the number is rounded";
}

// The flat's corner lifts 900 above what 1000 is where it saturates.
TEST_F(Calibrate, KeepsSaturatedPixelsSaturatedAndNoOthers) {
  const OptionMap masters{{"bias", dir_.write("b.fits", master({100, 90, 100, 110}))},
                          {"flat", dir_.write("f.fits", master({1, 1, 1, 0.3F}))}};
  FrameInfo info;
  info.saturation = {1000, Origin::metadata};
  for (const int depth : {CV_16U, CV_32F}) {
    const Frame out = run(masters, raw({1000, 999, 1001, 999}, depth), info);
    const double level = out.info().detector().saturation_adu;
    const std::vector<float> got = values(out.image());
    EXPECT_EQ(static_cast<double>(got[0]), level);
    EXPECT_LT(static_cast<double>(got[1]), level);
    EXPECT_EQ(static_cast<double>(got[2]), level);
    EXPECT_LT(static_cast<double>(got[3]), level);
    EXPECT_EQ(out.info().saturation.origin, Origin::metadata);
  }
  EXPECT_TRUE(std::isinf(run(masters, raw({1, 1, 1, 1})).info().detector().saturation_adu));
}

TEST_F(Calibrate, MasksWhatNoMasterTellsAndTheFrameMasked) {
  const OptionMap masters{{"dark", dir_.write("d.fits", master({10, kNan, 10, 10, 10, 10, 500, 10, 11, 9}, 1))},
                          {"hot_sigma", 5.0},
                          {"flat", dir_.write("f.fits", master({1, 1, 0.05F, 1, 1, 1, 1, kNan, 1, 1}))}};
  Frame in = Frame::copy(raw({50, 50, 50, 50, 50, 50, 50, 50, 50, 50}), exposed(1));
  in.set_mask((cv::Mat_<std::uint8_t>(2, 5) << 9, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  const Frame out = run(masters, in);
  const cv::Mat bad = out.mask() != 0;
  EXPECT_EQ((std::vector<std::uint8_t>(bad.begin<std::uint8_t>(), bad.end<std::uint8_t>())),
            (std::vector<std::uint8_t>{255, 255, 255, 0, 0, 0, 255, 255, 0, 0}));
  EXPECT_EQ(cv::countNonZero(in.mask()), 1) << "what was sent never changes";
}

TEST_F(Calibrate, LeavesPixelsThatAreNoNumbersWhatTheyAre) {
  FrameInfo info;
  info.saturation = {1000, Origin::config};
  const std::string bias = dir_.write("b.fits", master({1, 1, 1, 1}));
  const Frame out = run({{"bias", bias}}, raw({std::nan(""), 5, INFINITY, 5}, CV_32F), info);
  EXPECT_TRUE(std::isnan(out.image().at<float>(0, 0)));
  EXPECT_EQ(out.image().at<float>(0, 1), 4);
}

TEST_F(Calibrate, ScalesTheVariance) {
  Frame in = Frame::copy(raw({8, 8, 8, 8}), {});
  in.set_variance(cv::Mat(2, 2, CV_32FC1, cv::Scalar(9)));
  const std::string flat = dir_.write("f.fits", master({1, 1, 1, 0.5F}));
  EXPECT_EQ(values(run({{"flat", flat}}, in).variance()), (std::vector<float>{9, 9, 9, 36}));
}

TEST_F(Calibrate, FailsFramesThatTheMastersDoNotGoWith) {
  const std::string dark = dir_.write("d.fits", master({1, 1, 1, 1}, 30));
  const std::string bias = dir_.write("b.fits", master({1, 1, 1, 1}));
  EXPECT_EQ(failure({{"dark", dark}}, raw({1, 1, 1, 1, 1, 1}), exposed(30)),
            "calibrate.size: is 3x2 px, but " + dark + " is 2x2 px; they must be equal");
  EXPECT_EQ(failure({{"dark", dark}}, raw({1, 1, 1, 1}), exposed(31)),
            "calibrate.exposure: was exposed for 31 s, dark " + dark +
                " for 30 s; a dark of that exposure is needed, or scale_dark");
  EXPECT_EQ(failure({{"dark", dark}}, raw({1, 1, 1, 1}), exposed(30.5)), "");
  EXPECT_EQ(failure({{"dark", dark}}, raw({1, 1, 1, 1})), "") << "nothing to compare";
  EXPECT_EQ(failure({{"dark", dark}, {"bias", bias}, {"scale_dark", true}}, raw({1, 1, 1, 1})),
            "calibrate.exposure: has no exposure time (EXPTIME), which scale_dark needs");
}

TEST_F(Calibrate, RefusesWhatCanNotWork) {
  const std::string two = dir_.write("two.fits", master({1, 1, 1, 1}));
  const std::string three = dir_.write("three.fits", master({1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(refusal({}), "bias: there is nothing to calibrate with; give bias, dark or flat");
  EXPECT_EQ(refusal({{"bias", two}, {"flat_dark", two}}), "flat_dark: there is no flat; give flat too");
  EXPECT_EQ(refusal({{"bias", two}, {"hot_sigma", 5.0}}), "hot_sigma: there is no dark; give dark too");
  EXPECT_EQ(refusal({{"dark", two}, {"scale_dark", true}}),
            "scale_dark: the bias in the dark does not grow with the exposure: give bias too, or say dark_holds_bias = "
            "false");
  EXPECT_EQ(refusal({{"dark", two}, {"bias", two}, {"scale_dark", true}}),
            "dark: two.fits has no exposure time (EXPTIME): give dark_exposure_s");
  EXPECT_EQ(refusal({{"bias", two}, {"flat", three}}),
            "flat: three.fits is 3x2 px, but bias two.fits is 2x2 px; they must be equal");
  EXPECT_EQ(refusal({{"flat", dir_.write("dim.fits", master({0, 0, 0, 9}))}}),
            "flat: dim.fits has a median of 0; it must be above 0, also after flat_dark");
  EXPECT_EQ(refusal({{"bias", folder() + "none.fits"}}), "bias: none.fits does not exist (any more)");
  EXPECT_EQ(refusal({{"bias", dir_.write("empty.fits", "")}}), "bias: empty.fits is empty (0 bytes)");
  cv::imwrite(dir_ / "c.png", cv::Mat(2, 2, CV_8UC3, cv::Scalar(1, 2, 3)));
  EXPECT_EQ(refusal({{"flat", dir_ / "c.png"}}), "flat: c.png has 3 channels; one is needed, as the sensor gives it");
}

TEST_F(Calibrate, AnnouncesItsMastersAndWarnsOfADarkThatIsNotCompared) {
  const std::string dark = dir_.write("d.fits", master({1, 1, 1, 1}));
  const auto node = make<Node>(calibrate_type(), {{"dark", dark}});
  StartContext start;
  node->start(start);
  EXPECT_EQ(start.inputs, std::vector<std::string>{dark});
  ASSERT_EQ(start.logged.size(), 1U);
  EXPECT_EQ(start.logged[0].level, LogLevel::warning);
}

}  // namespace
}  // namespace starflow::test
