// SPDX-License-Identifier: MIT
#include "support/run_files.hpp"
#include "support/temp_dir.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace starflow::test {
namespace {

namespace fs = std::filesystem;

TEST(SourceImages, ReadsSixteenBitPngUnchanged) {
  const TempDir folder;
  const cv::Mat want = (cv::Mat_<std::uint16_t>(2, 2) << 0, 1, 40000, 65535);
  cv::imwrite(folder / "a.png", want);
  const Produced got = run_file(folder / "a.png");
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  ASSERT_EQ(got.frame()->image().type(), CV_16UC1);
  EXPECT_EQ(cv::norm(got.frame()->image(), want, cv::NORM_INF), 0);
  EXPECT_EQ(got.info.saturation.value, 65535);
  EXPECT_EQ(got.info.channel, "");
}

TEST(SourceImages, ReadsFloatTiffUnchanged) {
  const TempDir folder;
  const cv::Mat want = (cv::Mat_<float>(1, 3) << -1.5F, 1e-20F, 3e38F);
  cv::imwrite(folder / "a.tiff", want);
  const Produced got = run_file(folder / "a.tiff");
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  ASSERT_EQ(got.frame()->image().type(), CV_32FC1);
  EXPECT_EQ(cv::norm(got.frame()->image(), want, cv::NORM_INF), 0);
}

class ColourChannel : public testing::TestWithParam<std::pair<std::string, double>> {};

TEST_P(ColourChannel, IsTakenAndNamed) {
  const TempDir folder;
  cv::imwrite(folder / "a.png", cv::Mat(1, 1, CV_16UC3, cv::Scalar(100, 2000, 30000)));  // blue, green, red
  const Produced got = run_file(folder / "a.png", {{"channel", GetParam().first}});
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  cv::Mat value;
  got.frame()->image().convertTo(value, CV_64F);
  EXPECT_NEAR(value.at<double>(0, 0), GetParam().second, 1e-3);  // luminance is f32: 7815 +- 2^-12 a term
  EXPECT_EQ(got.info.channel, GetParam().first);
}

INSTANTIATE_TEST_SUITE_P(Name,
                         ColourChannel,
                         testing::Values(std::pair("red", 30000.0),
                                         std::pair("green", 2000.0),
                                         std::pair("blue", 100.0),
                                         std::pair("luminance", 0.2126 * 30000 + 0.7152 * 2000 + 0.0722 * 100)),
                         [](const auto& one) { return one.param.first; });

TEST(SourceImages, KeepsAClippedChannelSaturatedInTheLuminance) {
  const TempDir folder;
  const cv::Mat colours = (cv::Mat_<cv::Vec3b>(1, 2) << cv::Vec3b(10, 20, 255), cv::Vec3b(10, 20, 254));
  cv::imwrite(folder / "a.png", colours);
  const Produced got = run_file(folder / "a.png", {{"channel", std::string("luminance")}});
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  EXPECT_EQ(got.frame()->info().saturation.value, 255);
  EXPECT_EQ(got.frame()->image().at<float>(0, 0), 255);
  EXPECT_LT(got.frame()->image().at<float>(0, 1), 255);
}

TEST(SourceImages, SaysThatAlphaIsIgnored) {
  const TempDir folder;
  cv::imwrite(folder / "a.png", cv::Mat(1, 1, CV_8UC4, cv::Scalar(1, 2, 3, 4)));
  const Produced got = run_file(folder / "a.png");
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  EXPECT_EQ(got.frame()->image().at<std::uint8_t>(0, 0), 2);
  EXPECT_TRUE(notes_mention(got.info, "alpha channel ignored"));
}

TEST(SourceImages, SaysThatATiffHasMorePages) {
  const TempDir folder;
  cv::imwritemulti(folder / "a.tiff",
                   std::vector<cv::Mat>{cv::Mat(1, 1, CV_8UC1, cv::Scalar(1)), cv::Mat(1, 1, CV_8UC1, cv::Scalar(2))});
  const Produced got = run_file(folder / "a.tiff");
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  EXPECT_EQ(got.frame()->image().at<std::uint8_t>(0, 0), 1);
  EXPECT_TRUE(notes_mention(got.info, "first of 2 pages"));
}

class CutImage : public testing::TestWithParam<std::string> {};

TEST_P(CutImage, IsTruncatedAndNothingIsPrinted) {
  const TempDir folder;
  cv::Mat noise(200, 200, CV_8UC1);
  cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 256);
  const std::string path = folder / ("a." + GetParam());
  cv::imwrite(path, noise);
  fs::resize_file(path, fs::file_size(path) * 3 / 4);
  testing::internal::CaptureStderr();
  const Produced got = run_file(path);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(got.error_code, "image.truncated") << got.error_text;
}

INSTANTIATE_TEST_SUITE_P(Format, CutImage, testing::Values("png", "jpg", "tiff"), [](const auto& one) {
  return one.param;
});

TEST(SourceImages, RefusesAPngThatClaimsTooMuch) {
  const TempDir folder;
  cv::imwrite(folder / "a.png", cv::Mat(2, 2, CV_16UC1, cv::Scalar(5)));
  std::fstream file(folder / "a.png", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(16);
  file.write("\0\0\x70\0\0\0\x70\0", 8);  // 28672 x 28672
  file.close();
  EXPECT_EQ(run_file(folder / "a.png").error_code, "image.too_large");
}

// The test runs once more from a folder of its own, where the library is not beside it.
TEST(SourceImages, NamesTheImageLibraryThatIsMissing) {
  const TempDir folder;
  if (std::getenv("STARFLOW_TEST_ALONE") != nullptr) {
    cv::imwrite(folder / "a.png", cv::Mat(1, 1, CV_8UC1, cv::Scalar(1)));
    const Produced got = run_file(folder / "a.png");
    EXPECT_EQ(got.error_code, "image.no_reader");
    EXPECT_NE(got.error_text.find("libstarflow_image.so"), std::string::npos) << got.error_text;
    EXPECT_NE(got.error_text.find("libopencv-imgcodecs-dev"), std::string::npos) << got.error_text;
    return;
  }
  fs::copy_file(fs::read_symlink("/proc/self/exe"), folder / "alone");
  const std::string command = "STARFLOW_TEST_ALONE=1 STARFLOW_PLUGIN_PATH= " + (folder / "alone") +
                              " --gtest_filter=SourceImages.NamesTheImageLibraryThatIsMissing > " + (folder / "log") +
                              " 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace starflow::test
