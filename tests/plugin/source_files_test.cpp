// SPDX-License-Identifier: MIT
#include "support/fits_writer.hpp"
#include "support/run_files.hpp"
#include "support/temp_dir.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace starflow::test {
namespace {

namespace fs = std::filesystem;

const std::string kOnePixel = fits_primary({8, {1, 1}, "\7", {}});

TEST(SourceFiles, NumbersFramesInNaturalOrder) {
  const TempDir folder;
  for (const char* name : {"frame_10.fits", "frame_2.fits", "frame_1.fits"}) folder.write(name, kOnePixel);
  const std::vector<Produced> all = run_files({{"paths", folder / "*.fits"}});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].info.source, folder / "frame_2.fits");
  EXPECT_EQ(all[2].info.source, folder / "frame_10.fits");
  EXPECT_EQ(all[2].info.frame_id, 2U);
  ASSERT_NE(all[2].frame(), nullptr);
  EXPECT_EQ(all[2].frame()->info().frame_id, 2U);
}

TEST(SourceFiles, GoesOnAfterABadFile) {
  const TempDir folder;
  folder.write("1.fits", kOnePixel);
  folder.write("2.fits", "");
  folder.write("3.fits", kOnePixel);
  const std::vector<Produced> all = run_files({{"paths", folder.path().string()}});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_NE(all[0].frame(), nullptr);
  EXPECT_EQ(all[1].error_code, "file.empty");
  EXPECT_EQ(all[1].info.frame_id, 1U);
  EXPECT_NE(all[2].frame(), nullptr);
}

TEST(SourceFiles, ClaimsEveryInputAndKnowsHowManyThereAre) {
  const TempDir folder;
  folder.write("1.fits", kOnePixel);
  folder.write("2.fits", kOnePixel);
  folder.write("notes.txt", "x");
  const std::string mask = folder.write("mask/m.fits", kOnePixel);
  const auto source = make<Source>(source_files_type(), {{"paths", folder.path().string()}, {"mask", mask}});
  StartContext start;
  source->start(start);
  EXPECT_EQ(start.inputs, (std::vector<std::string>{folder / "1.fits", folder / "2.fits", mask}));
  EXPECT_EQ(source->total(), 2U);
  ASSERT_EQ(start.logged.size(), 1U);
  EXPECT_NE(start.logged[0].text.find("1 files without a known image extension"), std::string::npos);
}

TEST(SourceFiles, GivesTheFramesThatAreChosenUnderTheirOwnNumbers) {
  const TempDir folder;
  for (int i = 0; i < 7; ++i) folder.write(std::to_string(i) + ".fits", i == 4 ? std::string("broken") : kOnePixel);
  for (const std::uint64_t first : {0U, 1U, 2U, 6U, 7U, 1000U}) {
    const auto source = make<Source>(source_files_type(), {{"paths", folder.path().string()}});
    StartContext start;
    source->start(start);
    ASSERT_TRUE(source->select(first, 3));
    std::vector<std::uint64_t> wanted, got;
    for (std::uint64_t k = first; k < 7; k += 3) wanted.push_back(k);
    for (const Produced& one : drain(*source)) {
      got.push_back(one.info.frame_id);
      EXPECT_EQ(one.info.source, folder / (std::to_string(one.info.frame_id) + ".fits"));
    }
    EXPECT_EQ(got, wanted) << first;
    EXPECT_EQ(source->total(), wanted.size()) << first;
  }
}

TEST(SourceFiles, RefusesToStartWithoutFiles) {
  const TempDir folder;
  EXPECT_THROW((void)run_files({{"paths", folder / "*.fits"}}), OptionError);
  EXPECT_THROW((void)run_files({{"paths", folder / "absent"}}), OptionError);
}

TEST(SourceFiles, ReportsAFileThatVanishedMeanwhile) {
  const TempDir folder;
  const std::string path = folder.write("1.fits", kOnePixel);
  const auto source = make<Source>(source_files_type(), {{"paths", path}});
  StartContext start;
  source->start(start);
  fs::remove(path);
  EXPECT_EQ(drain(*source).at(0).error_code, "file.missing");
}

// What decides is the content

TEST(SourceFiles, SaysThatTextIsNoFits) {
  const TempDir folder;
  const Produced got = run_file(folder.write("a.fits", "these are my notes\n"));
  EXPECT_EQ(got.error_code, "fits.unreadable");
  EXPECT_NE(got.error_text.find("does not begin with SIMPLE"), std::string::npos) << got.error_text;
}

TEST(SourceFiles, ReadsFitsUnderAnotherName) {
  const TempDir folder;
  EXPECT_NE(run_file(folder.write("a.dat", kOnePixel)).frame(), nullptr);
}

TEST(SourceFiles, ReadsAnImageUnderAFitsName) {
  const TempDir folder;
  cv::imwrite(folder / "a.png", cv::Mat(2, 2, CV_8UC1, cv::Scalar(5)));
  fs::rename(folder / "a.png", folder / "a.fits");
  EXPECT_NE(run_file(folder / "a.fits").frame(), nullptr);
}

TEST(SourceFiles, DoesNotWaitForAPipe) {
  const TempDir folder;
  ASSERT_EQ(std::system(("mkfifo " + (folder / "a.fits")).c_str()), 0);
  EXPECT_EQ(run_file(folder / "a.fits").error_code, "file.unreadable");
}

TEST(SourceFiles, SaysWhatATextFileIsNot) {
  const TempDir folder;
  EXPECT_EQ(run_file(folder.write("a.txt", "hello")).error_code, "image.unreadable");
}

// FITS

TEST(SourceFiles, AcceptsAFrameOfNanOnly) {
  const TempDir folder;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Produced got = run_file(folder.write("a.fits", fits_primary({-32, {2, 1}, big_endian<float>({nan, nan}), {}})));
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  EXPECT_TRUE(std::isnan(got.info.saturation.value));
}

TEST(SourceFiles, RefusesACubeByNameOfTheOption) {
  const TempDir folder;
  const Produced got = run_file(folder.write("a.fits", fits_primary({8, {2, 1, 3}, "\1\2\3\4\5\6", {}})));
  EXPECT_EQ(got.error_code, "fits.cube");
  EXPECT_NE(got.error_text.find("cube of 2x1x3 px: set option plane to a number from 0 to 2, or to \"all\""),
            std::string::npos)
      << got.error_text;
}

TEST(SourceFiles, TakesThePlaneThatIsNamed) {
  const TempDir folder;
  const std::string path = folder.write("a.fits", fits_primary({8, {2, 1, 3}, "\1\2\3\4\5\6", {}}));
  const Produced got = run_file(path, {{"plane", 1}});
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  EXPECT_EQ(got.frame()->image().at<std::uint8_t>(0, 0), 3);
  EXPECT_EQ(got.info.plane, 1);
  EXPECT_EQ(run_file(path, {{"plane", 3}}).error_code, "fits.plane");
}

TEST(SourceFiles, SendsAllPlanesAsFrames) {
  const TempDir folder;
  folder.write("1.fits", fits_primary({8, {2, 1, 3}, "\1\2\3\4\5\6", {card("EXPTIME", "9")}}));
  folder.write("2.fits", kOnePixel);
  const std::vector<Produced> all = run_files({{"paths", folder.path().string()}, {"plane", "all"}});
  ASSERT_EQ(all.size(), 4U);
  ASSERT_NE(all[2].frame(), nullptr);
  EXPECT_EQ(all[2].frame()->image().at<std::uint8_t>(0, 1), 6);
  EXPECT_EQ(all[2].info.plane, 2);
  EXPECT_EQ(all[2].info.frame_id, 2U);
  EXPECT_EQ(all[2].info.exposure_s, 9);
  EXPECT_EQ(all[3].info.frame_id, 3U);
  EXPECT_EQ(all[3].info.plane, -1);
}

TEST(SourceFiles, ReadsTheExtensionThatIsNamed) {
  const TempDir folder;
  const std::string path =
      folder.write("a.fits", kOnePixel + fits_extension({8, {1, 1}, "\2", {card("EXTNAME", "'VAR'")}}));
  EXPECT_EQ(run_file(path, {{"hdu", "VAR"}}).frame()->image().at<std::uint8_t>(0, 0), 2);
}

TEST(SourceFiles, PutsTheConfigurationOverTheHeader) {
  const TempDir folder;
  const std::string path = folder.write(
      "a.fits", fits_primary({8, {1, 1}, "\7", {card("EGAIN", "2"), card("RDNOISE", "5"), card("SATURATE", "200")}}));
  const FrameInfo header = run_file(path).info;
  EXPECT_EQ(header.gain.value, 2);
  EXPECT_EQ(header.saturation.value, 200);
  const FrameInfo config = run_file(path, {{"gain", 3.5}, {"read_noise", 0}, {"saturation", 100}}).info;
  EXPECT_EQ(config.gain.value, 3.5);
  EXPECT_EQ(config.gain.origin, Origin::config);
  EXPECT_EQ(config.read_noise.value, 0);
  EXPECT_EQ(config.saturation.value, 100);
}

TEST(SourceFiles, KnowsTheMosaicOfAFrame) {
  const TempDir folder;
  const auto bayer = card("BAYERPAT", "'RGGB'");
  const std::string path = folder.write("a.fits", fits_primary({8, {2, 2}, "\1\2\3\4", {bayer}}));
  const auto mosaic = [](const Produced& p) { return p.frame()->view().mosaic; };
  EXPECT_EQ(mosaic(run_file(path)), Mosaic::rggb);
  EXPECT_EQ(mosaic(run_file(path, {{"mosaic", "BGGR"}})), Mosaic::bggr);
  EXPECT_EQ(mosaic(run_file(path, {{"mosaic", "none"}})), Mosaic::none);
  const std::string cube = folder.write("b.fits", fits_primary({8, {1, 2, 3}, "\1\2\3\4\5\6", {bayer}}));
  const Produced plane = run_file(cube, {{"plane", 1}});
  EXPECT_EQ(mosaic(plane), Mosaic::none) << "its colours are apart";
  ASSERT_EQ(plane.frame()->info().notes.size(), 1U);
}

TEST(SourceFiles, AssumesThatIntegersSaturateAtTheirLargestValue) {
  const TempDir folder;
  const FrameInfo info = run_file(folder.write("a.fits", kOnePixel)).info;
  EXPECT_EQ(info.saturation.value, 255);
  EXPECT_EQ(info.saturation.origin, Origin::assumed);
}

// Mask and variance

TEST(SourceFiles, PutsMaskAndVarianceOnEveryFrame) {
  const TempDir folder;
  const std::string path = folder.write("a.fits", fits_primary({8, {2, 1}, "\7\10", {}}));
  const cv::Mat bad = (cv::Mat_<std::uint8_t>(1, 2) << 0, 1);
  cv::imwrite(folder / "mask.png", bad);
  const std::string variance = folder.write("v.fits", fits_primary({-64, {2, 1}, big_endian<double>({4, -1}), {}}));
  const Produced got = run_file(path, {{"mask", folder / "mask.png"}, {"variance", variance}});
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  EXPECT_EQ(got.frame()->mask().at<std::uint8_t>(0, 0), 0);
  EXPECT_NE(got.frame()->mask().at<std::uint8_t>(0, 1), 0);
  EXPECT_EQ(got.frame()->variance().at<float>(0, 0), 4.0F);
  EXPECT_EQ(got.frame()->variance().at<float>(0, 1), -1.0F);
}

TEST(SourceFiles, AddsTheMaskToBlankPixels) {
  const TempDir folder;
  const std::string path = folder.write("a.fits", fits_primary({8, {3, 1}, "\7\10\11", {card("BLANK", "7")}}));
  const std::string mask = folder.write("m.fits", fits_primary({16, {3, 1}, big_endian<std::int16_t>({0, 0, -1}), {}}));
  const Produced got = run_file(path, {{"mask", mask}});
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  const cv::Mat& m = got.frame()->mask();
  EXPECT_NE(m.at<std::uint8_t>(0, 0), 0);
  EXPECT_EQ(m.at<std::uint8_t>(0, 1), 0);
  EXPECT_NE(m.at<std::uint8_t>(0, 2), 0);
}

TEST(SourceFiles, CountsNanInAMaskAsBad) {
  const TempDir folder;
  constexpr int kWidth = 100;  // wide enough for vector code
  std::vector<float> nan(kWidth, std::nanf(""));
  nan[0] = 0;
  const std::string mask = folder.write("m.fits", fits_primary({-32, {kWidth, 1}, big_endian(nan), {}}));
  const Produced got =
      run_file(folder.write("a.fits", fits_primary({8, {kWidth, 1}, std::string(kWidth, '\7'), {}})), {{"mask", mask}});
  ASSERT_NE(got.frame(), nullptr) << got.error_text;
  EXPECT_EQ(cv::countNonZero(got.frame()->mask()), kWidth - 1);
}

TEST(SourceFiles, FailsFramesOfAnotherSizeThanTheMask) {
  const TempDir folder;
  const std::string path = folder.write("a.fits", fits_primary({8, {2, 1}, "\7\10", {}}));
  const Produced got = run_file(path, {{"mask", folder.write("m.fits", kOnePixel)}});
  EXPECT_EQ(got.error_code, "mask.size");
  EXPECT_NE(got.error_text.find("is 1x1 px"), std::string::npos) << got.error_text;
  EXPECT_NE(got.error_text.find("is 2x1 px"), std::string::npos) << got.error_text;
  EXPECT_EQ(run_file(path, {{"variance", folder / "m.fits"}}).error_code, "variance.size");
}

TEST(SourceFiles, RefusesAMaskThatCantBeRead) {
  const TempDir folder;
  const std::string path = folder.write("a.fits", kOnePixel);
  try {
    (void)run_files({{"paths", path}, {"mask", folder / "absent.fits"}});
    FAIL() << "no error";
  } catch (const OptionError& e) {
    EXPECT_EQ(e.option(), "mask");
    EXPECT_NE(std::string(e.what()).find("absent.fits does not exist"), std::string::npos) << e.what();
  }
}

TEST(SourceFiles, CountsVariancesThatAreNotPositive) {
  const TempDir folder;
  const std::string path = folder.write("a.fits", fits_primary({8, {2, 1}, "\7\10", {}}));
  const std::string variance =
      folder.write("v.fits", fits_primary({-32, {2, 1}, big_endian<float>({0, std::nanf("")}), {}}));
  const auto source = make<Source>(source_files_type(), {{"paths", path}, {"variance", variance}});
  StartContext start;
  source->start(start);
  ASSERT_EQ(start.logged.size(), 1U);
  EXPECT_NE(start.logged[0].text.find("2 pixels are not above 0"), std::string::npos) << start.logged[0].text;
}

}  // namespace
}  // namespace starflow::test
