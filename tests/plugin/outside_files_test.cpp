// SPDX-License-Identifier: MIT
#include "support/run_files.hpp"

#include <opencv2/core.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

namespace starflow::test {
namespace {

std::string outside_data() {
  const char* path = std::getenv("STARFLOW_DATA");
  return path == nullptr ? std::string() : std::string(path);
}

TEST(OutsideFiles, EachGivesAFrameOrAReasonToActOn) {
  const std::string data = outside_data();
  if (data.empty()) GTEST_SKIP() << "STARFLOW_DATA is not set";
  testing::internal::CaptureStderr();
  const std::vector<Produced> all = run_files(
      {{"paths", std::vector<std::string>{data + "/fits", data + "/images", data + "/seq/*", data + "/peers/**"}},
       {"channel", "luminance"}});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_GE(all.size(), 100U);
  std::size_t frames = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].info.frame_id, i);
    if (all[i].frame() != nullptr) {
      ++frames;
      continue;
    }
    EXPECT_EQ(all[i].error_text.find(all[i].info.source), std::string::npos) << "the command names the file";
    const bool table =
        all[i].error_code == "fits.no_image" && all[i].error_text.find("detections.file") != std::string::npos;
    const bool cube = all[i].error_code == "fits.cube" && all[i].error_text.find("option plane") != std::string::npos;
    const bool text = all[i].error_code == "image.unreadable";
    EXPECT_TRUE(table || cube || text) << all[i].error_code << ": " << all[i].error_text;
  }
  EXPECT_GE(frames, 95U);
}

struct Pair {
  std::string fits, image;
};
void PrintTo(const Pair& p, std::ostream* out) { *out << p.fits; }

class SameFrame : public testing::TestWithParam<Pair> {};

TEST_P(SameFrame, HasTheSamePixelsAsFitsAndAsImage) {
  const std::string data = outside_data();
  if (data.empty()) GTEST_SKIP() << "STARFLOW_DATA is not set";
  const Produced fits = run_file(data + "/fits/" + GetParam().fits + ".fits");
  const Produced image = run_file(data + "/" + GetParam().image);
  ASSERT_NE(fits.frame(), nullptr) << fits.error_text;
  ASSERT_NE(image.frame(), nullptr) << image.error_text;
  cv::Mat a;
  cv::Mat b;
  fits.frame()->image().convertTo(a, CV_64F);
  image.frame()->image().convertTo(b, CV_64F);
  const double largest = std::max(cv::norm(b, cv::NORM_INF), 1e-30);
  ASSERT_EQ(a.size(), b.size());
  const cv::Mat a_nan = ~(a == a);  // not a != a, which OpenCV's AVX2 code gets wrong
  const cv::Mat b_nan = ~(b == b);
  EXPECT_EQ(cv::norm(a_nan, b_nan, cv::NORM_INF), 0) << "NaN at the same pixels";
  // The images hold f32: half a unit in its last place, and one more where scaled integers were rounded in f32.
  const double tolerance = fits.frame()->image().depth() <= CV_16S ? 0 : 1.5 * 0x1p-23;
  a.setTo(0, a_nan);
  b.setTo(0, b_nan);
  EXPECT_LE(cv::norm(a, b, cv::NORM_INF) / largest, tolerance);
  EXPECT_NEAR(cv::sum(a)[0], cv::sum(b)[0], tolerance * largest * static_cast<double>(a.total()));
}

std::vector<Pair> pairs() {
  std::vector<Pair> all;
  for (const char* name : {"bsu_dark_1s", "lsst_monet_small", "m67_poss", "pyguide_guider"})
    all.push_back({name, std::string("images/") + name + ".png"});
  for (const char* name : {"gmos_cosmics", "irac_psf_ch1", "irac_psf_ch2", "irac_psf_ch3", "irac_psf_ch4",
                           "iraf_apphot_1", "iraf_apphot_3", "iraf_apphot_5", "kepler_ffi_cut", "sep_image",
                           "spitzer_glimpse", "stellarphot_center", "stellarphot_fwhm"}) {
    all.push_back({name, std::string("images/") + name + ".tiff"});
  }
  for (const char* n : {"00", "06"})
    all.push_back({std::string("bsu_v_frame_") + n, std::string("seq/bsu_v/frame_") + n + ".png"});
  for (const char* n : {"00", "11"})
    all.push_back({std::string("hatp32_a_frame_") + n, std::string("seq/hatp32_a/frame_") + n + ".png"});
  return all;
}

INSTANTIATE_TEST_SUITE_P(OutsideFiles, SameFrame, testing::ValuesIn(pairs()), [](const auto& one) {
  return one.param.fits;
});

TEST(OutsideFiles, HaveTheSameColourPlanesInFitsAndPng) {
  const std::string data = outside_data();
  if (data.empty()) GTEST_SKIP() << "STARFLOW_DATA is not set";
  const std::vector<std::string> channels{"red", "green", "blue"};
  for (int plane = 0; plane < 3; ++plane) {
    const Produced fits = run_file(data + "/fits/astrophoto_stars_rgb.fits", {{"plane", plane}});
    const Produced png =
        run_file(data + "/images/astrophoto_stars_rgb.png", {{"channel", channels[static_cast<std::size_t>(plane)]}});
    ASSERT_NE(fits.frame(), nullptr) << fits.error_text;
    ASSERT_NE(png.frame(), nullptr) << png.error_text;
    EXPECT_EQ(cv::norm(fits.frame()->image(), png.frame()->image(), cv::NORM_INF), 0)
        << channels[static_cast<std::size_t>(plane)];
  }
}

}  // namespace
}  // namespace starflow::test
