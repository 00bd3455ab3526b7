// SPDX-License-Identifier: MIT
/// \file
/// sink.overlay: the picture is decoded again, and its marks are measured.

#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include "register.hpp"

#include <starflow/sdk/messages.hpp>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <memory>
#include <numbers>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

namespace fs = std::filesystem;

constexpr double kSky = 100;

/// A star as it stands in the table.
struct Star {
  double x = 0, y = 0, major = 12, minor = 12, theta = 0;
  Flags flags = 0;
};

/// Noise of 1 ADU on a sky.
Frame sky_frame(int width, int height, FrameInfo info = {}, int type = CV_32FC1, double sky = kSky) {
  cv::Mat image(height, width, CV_64FC1);
  cv::RNG(1).fill(image, cv::RNG::NORMAL, sky, 1.0);
  image.convertTo(image, type);
  if (info.source.empty()) info.source = "night/a.fits";
  return Frame::adopt(std::move(image), std::move(info));
}

StarList star_list(const FrameInfo& info, const std::vector<Star>& stars) {
  StarList list;
  list.frame = std::make_shared<const FrameInfo>(info);
  list.background_adu = kSky;
  list.noise_adu = 1;
  list.fwhm_px = 12;
  list.stars.resize(stars.size());
  for (std::size_t i = 0; i < stars.size(); ++i) {
    list.stars.x[i] = stars[i].x;
    list.stars.y[i] = stars[i].y;
    list.stars.fwhm[i] = std::sqrt(stars[i].major * stars[i].minor);
    list.stars.fwhm_major[i] = stars[i].major;
    list.stars.fwhm_minor[i] = stars[i].minor;
    list.stars.theta[i] = stars[i].theta;
    list.stars.flags[i] = stars[i].flags;
  }
  return list;
}

/// What is coloured in a picture: the weight of a pixel is how far it is from grey.
struct Marks {
  double x = 0, y = 0;  ///< weighted mean, pixels of the picture
  double xx = 0, yy = 0, xy = 0;
  cv::Vec3b colour{};  ///< of the pixel that is farthest from grey
};

Marks marks_in(const cv::Mat& picture) {
  Marks m;
  double sum = 0;
  int most = 0;
  for (int pass = 0; pass < 2; ++pass) {
    const double cx = m.x, cy = m.y;
    for (int y = 0; y < picture.rows; ++y) {
      for (int x = 0; x < picture.cols; ++x) {
        const auto& p = picture.at<cv::Vec3b>(y, x);
        const auto [low, high] = std::minmax({p[0], p[1], p[2]});
        if (pass == 0) {
          sum += high - low;
          m.x += (high - low) * x;
          m.y += (high - low) * y;
          if (high - low > most) m.colour = p;
          most = std::max(most, high - low);
        } else {
          m.xx += (high - low) / sum * (x - cx) * (x - cx);
          m.yy += (high - low) / sum * (y - cy) * (y - cy);
          m.xy += (high - low) / sum * (x - cx) * (y - cy);
        }
      }
    }
    if (pass == 0) {
      m.x /= sum;
      m.y /= sum;
    }
  }
  return m;
}

class SinkOverlay : public ::testing::Test {
 protected:
  std::unique_ptr<Sink> started(test::OptionMap options = {}) {
    if (!options.contains("path")) options["path"] = dir_ / "{stem}.png";
    options.try_emplace("labels", std::int64_t{0});
    auto sink = test::make<Sink>(sink_overlay_type(), options);
    sink->start(start_);
    return sink;
  }
  void show(Sink& sink, Frame frame, StarList list) {
    context_.frame = frame.info();
    context_.inputs[0] = test::message(std::move(frame));
    context_.inputs[1] = test::message(std::move(list));
    sink.write(context_);
  }
  /// The frame's part of the picture of one frame, `zoom` pixels for one of the frame.
  cv::Mat shown(const Frame& frame, const std::vector<Star>& stars, double zoom, test::OptionMap options = {}) {
    const auto sink = started(std::move(options));
    show(*sink, frame, star_list(frame.info(), stars));
    return frame_part(dir_ / "a.png", static_cast<int>(frame.image().cols * zoom),
                      static_cast<int>(frame.image().rows * zoom));
  }
  /// Between the lines above and below, which have the paper's colour.
  static cv::Mat frame_part(const std::string& path, int width, int height) {
    cv::Mat page = cv::imread(path, cv::IMREAD_COLOR);
    EXPECT_GE(page.cols, width);
    EXPECT_GT(page.rows, height);
    const int left = (page.cols - width) / 2;
    for (int top = 0; top + height <= page.rows; ++top) {
      const auto &p = page.at<cv::Vec3b>(top, left + width - 1), &q = page.at<cv::Vec3b>(top, left + width - 2);
      const bool grey = p[0] == p[1] && p[1] == p[2] && q[0] == q[1] && q[1] == q[2];
      const bool holes = p[0] == 72 && p[1] == 34;
      if (grey || holes) return page(cv::Rect(left, top, width, height)).clone();
    }
    ADD_FAILURE() << "no frame in the picture";
    return page;
  }

  test::TempDir dir_;
  test::StartContext start_;
  test::SinkContext context_;
};

TEST_F(SinkOverlay, DrawsAnEllipseAtTheSubPixelPlaceOfAnEnlargedFrame) {
  const Star star{.x = 123.3, .y = 87.6};
  const Marks marks = marks_in(shown(sky_frame(300, 200), {star}, 3));
  // A corner of the outline is placed to 1/64 px, and its coverage to 1/255.
  EXPECT_NEAR((marks.x + 0.5) / 3 - 0.5, star.x, 0.03);
  EXPECT_NEAR((marks.y + 0.5) / 3 - 0.5, star.y, 0.03);
}

TEST_F(SinkOverlay, DrawsAnEllipseAtTheSubPixelPlaceOfAReducedFrame) {
  const Star star{.x = 1021.7, .y = 333.2, .major = 30, .minor = 30};
  const Marks marks = marks_in(shown(sky_frame(2000, 600), {star}, 0.5));
  EXPECT_NEAR((marks.x + 0.5) * 2 - 0.5, star.x, 0.1);
  EXPECT_NEAR((marks.y + 0.5) * 2 - 0.5, star.y, 0.1);
}

TEST_F(SinkOverlay, GivesTheEllipseTheShapeOfTheStar) {
  const Star star{.x = 150, .y = 100, .major = 24, .minor = 12, .theta = 35};
  const Marks m = marks_in(shown(sky_frame(300, 200), {star}, 3));
  const double angle = 0.5 * std::atan2(2 * m.xy, m.xx - m.yy) * 180 / std::numbers::pi;
  EXPECT_NEAR(angle, 35, 1);
  // The moments of a line of even weight along an ellipse that is three FWHM across, drawn at 3 px a pixel.
  const double a = 1.5 * 24 * 3, b = 1.5 * 12 * 3;
  double length = 0, along = 0, across = 0;
  for (double t = 0; t < 2 * std::numbers::pi; t += 1e-3) {
    const double step = std::hypot(a * std::sin(t), b * std::cos(t));
    length += step;
    along += step * std::pow(a * std::cos(t), 2);
    across += step * std::pow(b * std::sin(t), 2);
  }
  const double mean = 0.5 * (m.xx + m.yy), spread = std::hypot(0.5 * (m.xx - m.yy), m.xy);
  EXPECT_NEAR(std::sqrt(mean + spread), std::sqrt(along / length), 0.5);
  EXPECT_NEAR(std::sqrt(mean - spread), std::sqrt(across / length), 0.5);
}

TEST_F(SinkOverlay, PlacesStarsOfACroppedAndBinnedFrameOnTheWholeOne) {
  const Frame whole = sky_frame(300, 200);
  FrameInfo part = whole.info();
  part.roi_x = 40;
  part.roi_y = 60;
  part.binning_x = part.binning_y = 2;
  const auto sink = started();
  show(*sink, whole, star_list(part, {{.x = 30, .y = 20}}));
  const Marks marks = marks_in(frame_part(dir_ / "a.png", 900, 600));
  EXPECT_NEAR((marks.x + 0.5) / 3 - 0.5, 40 + 2 * 30 + 0.5, 0.03);
  EXPECT_NEAR((marks.y + 0.5) / 3 - 0.5, 60 + 2 * 20 + 0.5, 0.03);
}

struct Colour {
  const char* name;
  Flags flags;
  cv::Vec3b bgr;  // Okabe & Ito
};
// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for this name
void PrintTo(const Colour& c, std::ostream* out) { *out << c.name; }

class OverlayColour : public SinkOverlay, public ::testing::WithParamInterface<Colour> {};

TEST_P(OverlayColour, TellsTheFlags) {
  const Marks m = marks_in(shown(sky_frame(300, 200), {{.x = 150, .y = 100, .flags = GetParam().flags}}, 3));
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(m.colour[i], GetParam().bgr[i], 1) << i;  // a line's edge is blended
}

INSTANTIATE_TEST_SUITE_P(Of,
                         OverlayColour,
                         ::testing::Values(Colour{"Clean", 0, {115, 158, 0}},
                                           Colour{"Forced", flag::forced_position | flag::cfa_fit, {115, 158, 0}},
                                           Colour{"Blended", flag::blended | flag::group_fit, {233, 180, 86}},
                                           Colour{"Saturated", flag::saturated | flag::blended, {0, 94, 213}},
                                           Colour{"Doubtful", flag::poor_fit | flag::blended, {0, 159, 230}},
                                           Colour{"Cut", flag::edge | flag::fallback_method, {66, 228, 240}},
                                           Colour{"HotPixel", flag::hot_pixel | flag::edge, {167, 121, 204}}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(SinkOverlay, CrossesOutWhatFailed) {
  const cv::Mat picture = shown(sky_frame(300, 200), {{.x = 150, .y = 100, .flags = flag::no_convergence}}, 3);
  EXPECT_EQ(picture.at<cv::Vec3b>(301, 451), cv::Vec3b(255, 255, 255));  // the centre of pixel (150, 100)
}

struct Depth {
  const char* name;
  int type;
  double sky;
};
// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for this name
void PrintTo(const Depth& d, std::ostream* out) { *out << d.name; }

class OverlayDepth : public SinkOverlay, public ::testing::WithParamInterface<Depth> {};

TEST_P(OverlayDepth, ShowsSkyAndStarsOfEveryPixelType) {
  Frame frame = sky_frame(300, 200, {}, GetParam().type, GetParam().sky);
  cv::Mat image = frame.image().clone();
  image(cv::Rect(200, 50, 8, 8)).setTo(GetParam().sky + 100);
  frame = Frame::adopt(std::move(image), frame.info());
  const auto sink = started();
  StarList list = star_list(frame.info(), {});
  list.background_adu = GetParam().sky;
  show(*sink, frame, list);
  const cv::Mat picture = frame_part(dir_ / "a.png", 900, 600);
  EXPECT_GT(picture.at<cv::Vec3b>(50 * 3 + 12, 200 * 3 + 12)[0], 240);
  const cv::Scalar mean = cv::mean(picture(cv::Rect(0, 0, 300, 300)));
  EXPECT_GT(mean[0], 15);
  EXPECT_LT(mean[0], 80);
}

INSTANTIATE_TEST_SUITE_P(Of,
                         OverlayDepth,
                         ::testing::Values(Depth{"U8", CV_8UC1, 20},
                                           Depth{"U16", CV_16UC1, 60000},
                                           Depth{"I16", CV_16SC1, -20000},
                                           Depth{"I32", CV_32SC1, 2e9},
                                           Depth{"F32", CV_32FC1, 100},
                                           Depth{"F64", CV_64FC1, 1e12}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(SinkOverlay, ShowsWhatHasNoValueInAColourOfItsOwn) {
  Frame frame = sky_frame(300, 200);
  cv::Mat image = frame.image().clone(), mask(image.size(), CV_8UC1, cv::Scalar(0));
  image(cv::Rect(0, 0, 10, 10)).setTo(std::numeric_limits<float>::quiet_NaN());
  image.at<float>(150, 20) = std::numeric_limits<float>::infinity();
  mask.at<std::uint8_t>(150, 40) = 1;
  frame = Frame::adopt(std::move(image), frame.info());
  frame.set_mask(std::move(mask));
  const cv::Mat picture = shown(frame, {}, 3);
  for (const cv::Point at : {cv::Point(5, 5), cv::Point(20, 150), cv::Point(40, 150)})
    EXPECT_EQ(picture.at<cv::Vec3b>(at * 3 + cv::Point(1, 1)), cv::Vec3b(72, 34, 34)) << at;
}

TEST_F(SinkOverlay, ShowsAFrameWithoutAnyValue) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  cv::Mat image(40, 50, CV_64FC1, cv::Scalar(nan));
  const Frame frame = Frame::adopt(std::move(image), {.source = "a.fits"});
  StarList list = star_list(frame.info(), {{.x = nan, .y = nan}, {.x = 1e300, .y = -1e300}, {.x = 5, .y = 5}});
  list.background_adu = list.noise_adu = list.fwhm_px = nan;
  list.stars.fwhm_major.assign(3, 1e300);
  list.stars.theta.assign(3, nan);
  const auto sink = started();
  show(*sink, frame, std::move(list));
  EXPECT_TRUE(fs::exists(dir_ / "a.png"));
}

TEST_F(SinkOverlay, ShowsAMosaicWithoutItsColours) {
  FrameInfo info;
  info.mosaic = "RGGB";
  Frame frame = sky_frame(300, 200, info);
  cv::Mat image = frame.image().clone();
  for (int y = 0; y < image.rows; y += 2) {
    for (int x = 0; x < image.cols; x += 2) image.at<float>(y, x) += 500;  // of red
  }
  frame = Frame::adopt(std::move(image), frame.info());
  const cv::Mat picture = shown(frame, {{.x = 123.3, .y = 87.6}}, 3);
  cv::Scalar mean, scatter;
  cv::meanStdDev(picture(cv::Rect(600, 0, 200, 600)), mean, scatter);
  EXPECT_LT(scatter[0], 25);  // of noise alone; the levels of the colours would make more than 100
  EXPECT_NEAR((marks_in(picture).x + 0.5) / 3 - 0.5, 123.3, 0.03);
}

TEST_F(SinkOverlay, WritesNumbersOfTheBrightestStarsBesideThem) {
  const std::vector<Star> stars = {{.x = 50, .y = 50}, {.x = 150, .y = 100}};
  const auto whites = [&](std::int64_t labels) {
    const cv::Mat picture = shown(sky_frame(300, 200), stars, 3, {{"labels", labels}});
    fs::remove(dir_ / "a.png");
    cv::Mat white;
    cv::inRange(picture, cv::Scalar(180, 180, 180), cv::Scalar(226, 226, 226), white);  // the sky is below 100
    return cv::countNonZero(white);
  };
  const int none = whites(0), one = whites(1), both = whites(2);
  EXPECT_EQ(none, 0);
  EXPECT_GT(one, 5);
  EXPECT_GT(both, one + 5);
}

TEST_F(SinkOverlay, DrawsTenThousandStars) {
  std::vector<Star> stars(10'000);
  for (std::size_t i = 0; i < stars.size(); ++i) {
    const std::size_t column = i % 100, row = i / 100;
    stars[i] = {.x = static_cast<double>(column) * 10.3, .y = static_cast<double>(row) * 7.9, .major = 3, .minor = 2};
  }
  const cv::Mat picture = shown(sky_frame(1040, 800), stars, 1, {{"labels", std::int64_t{100'000}}});
  int coloured = 0;
  for (const auto& p : cv::Mat_<cv::Vec3b>(picture)) coloured += p[1] > p[2] + 60 ? 1 : 0;
  EXPECT_GT(coloured, 50'000);                           // 16 px of outline each, less what is covered
  EXPECT_LT(coloured, picture.rows * picture.cols / 2);  // the frame is still seen
}

TEST_F(SinkOverlay, BoundsTheSizeOfTheWholePicture) {
  const auto sink = started({{"longest_px", std::int64_t{100}}});
  const Frame frame = sky_frame(1001, 20);
  show(*sink, frame, star_list(frame.info(), {}));
  const cv::Mat page = cv::imread(dir_ / "a.png");
  EXPECT_LE(page.cols, 760);  // the legend's
  EXPECT_LE(page.rows, 100);
}

TEST_F(SinkOverlay, GivesNoPictureOfAFrameThatFailed) {
  const auto sink = started();
  context_.result = Outcome::failed;
  context_.inputs[0] = test::message(sky_frame(30, 20));
  sink->write(context_);
  EXPECT_TRUE(fs::is_empty(dir_.path()));
  EXPECT_EQ(sink->report(), R"({"pictures":0})");
}

TEST_F(SinkOverlay, KeepsAFileThatIsThere) {
  dir_.write("a.png", "mine");
  const auto sink = started();
  const Frame frame = sky_frame(30, 20);
  show(*sink, frame, star_list(frame.info(), {}));
  EXPECT_EQ(fs::file_size(dir_ / "a.png"), 4);
  EXPECT_EQ(sink->report(), R"({"pictures":0,"kept":1})");
  ASSERT_EQ(context_.logged.size(), 1);
  EXPECT_NE(context_.logged[0].text.find("a.png exists and is kept"), std::string::npos);
}

TEST_F(SinkOverlay, ReplacesAFileWhereThatIsAllowed) {
  dir_.write("a.png", "mine");
  start_.force_outputs = true;
  const auto sink = started();
  const Frame frame = sky_frame(30, 20);
  show(*sink, frame, star_list(frame.info(), {}));
  EXPECT_GT(fs::file_size(dir_ / "a.png"), 100);
  EXPECT_EQ(sink->report(), R"({"pictures":1})");
}

TEST_F(SinkOverlay, NeverReplacesTheSourceOfTheFrame) {
  const std::string source = dir_.write("a.png", "mine");
  start_.force_outputs = true;
  const auto sink = started({{"path", std::string("{folder}/{stem}.png")}});
  const Frame frame = sky_frame(30, 20, {.source = source});
  show(*sink, frame, star_list(frame.info(), {}));
  EXPECT_EQ(fs::file_size(source), 4);
}

TEST_F(SinkOverlay, NumbersAPictureWhoseNameAnotherFrameHas) {
  start_.force_outputs = true;
  const auto sink = started();
  for (const std::uint64_t id : {3U, 7U}) {
    const Frame frame = sky_frame(30, 20, {.frame_id = id, .source = "night" + std::to_string(id) + "/a.fits"});
    show(*sink, frame, star_list(frame.info(), {}));
  }
  EXPECT_TRUE(fs::exists(dir_ / "a.png"));
  EXPECT_TRUE(fs::exists(dir_ / "a_7.png"));
}

TEST_F(SinkOverlay, RemembersNamesAndCountsWhereARunIsContinued) {
  test::StartContext again;
  for (const std::uint64_t id : {3U, 7U}) {
    const auto sink = test::make<Sink>(sink_overlay_type(), {{"path", dir_ / "{stem}.png"}});
    sink->start(again);
    EXPECT_TRUE(sink->files().empty());
    const Frame frame = sky_frame(30, 20, {.frame_id = id, .source = "night" + std::to_string(id) + "/a.fits"});
    show(*sink, frame, star_list(frame.info(), {}));
    again.past.push_back(sink->checkpoint());
    EXPECT_EQ(sink->report(), R"({"pictures":)" + std::to_string(again.past.size()) + "}");
  }
  EXPECT_TRUE(fs::exists(dir_ / "a.png"));
  EXPECT_TRUE(fs::exists(dir_ / "a_7.png"));
}

TEST_F(SinkOverlay, ShowsEveryNthFrameAndMakesItsFolder) {
  const auto sink = started({{"every", std::int64_t{2}}, {"path", dir_ / "deep/er/{frame_id}.png"}});
  for (std::uint64_t id = 0; id < 5; ++id) {
    const Frame frame = sky_frame(30, 20, {.frame_id = id});
    show(*sink, frame, star_list(frame.info(), {}));
  }
  for (std::uint64_t id = 0; id < 5; ++id)
    EXPECT_EQ(fs::exists(dir_ / ("deep/er/" + std::to_string(id) + ".png")), id % 2 == 0) << id;
}

TEST_F(SinkOverlay, EndsTheRunWhereItCanNotWrite) {
  dir_.write("file", "not a folder");
  const auto sink = started({{"path", dir_ / "file/{stem}.png"}});
  const Frame frame = sky_frame(30, 20);
  EXPECT_THROW(show(*sink, frame, star_list(frame.info(), {})), RunError);
}

TEST_F(SinkOverlay, RefusesATableWithColumnsOfDifferentLengths) {
  const auto sink = started();
  const Frame frame = sky_frame(30, 20);
  StarList list = star_list(frame.info(), {{.x = 5, .y = 5}});
  list.stars.flags.clear();
  EXPECT_THROW(show(*sink, frame, std::move(list)), std::invalid_argument);
}

TEST_F(SinkOverlay, RefusesNamesThatAreNoPng) {
  EXPECT_THROW(started({{"path", std::string("{stem}.jpg")}}), OptionError);
  EXPECT_THROW(started({{"path", std::string("{star}.png")}}), OptionError);
}

}  // namespace
}  // namespace starflow
