// SPDX-License-Identifier: MIT
#include "fits_reader.hpp"

#include "support/fits_writer.hpp"
#include "support/temp_dir.hpp"

#include <starflow/sdk/node.hpp>

#include <opencv2/core.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <thread>
#include <vector>

namespace starflow::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Reads the image of a file that holds `bytes`.
FitsPixels read_bytes(const std::string& bytes, const std::string& hdu = {}, int plane = 0) {
  const TempDir folder;
  return FitsReader(folder.write("a.fits", bytes), hdu).read(plane);
}

/// The code of the error that reading gives; "" = none.
std::string error_of(const std::string& bytes, const std::string& hdu = {}, std::string* text = nullptr) {
  try {
    (void)read_bytes(bytes, hdu);
  } catch (const FrameError& e) {
    if (text != nullptr) *text = e.what();
    return e.code();
  }
  return {};
}

std::vector<double> values_of(const cv::Mat& image) {
  cv::Mat all;
  image.convertTo(all, CV_64F);
  return {all.begin<double>(), all.end<double>()};
}

struct Stored {
  const char* name;
  FitsImage image;  // 2x2 px
  int depth;
  std::vector<double> values;
};
void PrintTo(const Stored& s, std::ostream* out) { *out << s.name; }

class FitsPixelForm : public testing::TestWithParam<Stored> {};

TEST_P(FitsPixelForm, KeepsTypeAndValues) {
  const FitsPixels got = read_bytes(fits_primary(GetParam().image));
  EXPECT_EQ(cv::depthToString(got.image.depth()), std::string(cv::depthToString(GetParam().depth)));
  EXPECT_EQ(values_of(got.image), GetParam().values);
  EXPECT_TRUE(got.mask.empty());
}

const std::vector<long long> kTwoByTwo{2, 2};

INSTANTIATE_TEST_SUITE_P(
    Bitpix,
    FitsPixelForm,
    testing::Values(
        Stored{"u8", {8, kTwoByTwo, big_endian<std::uint8_t>({0, 1, 128, 255}), {}}, CV_8U, {0, 1, 128, 255}},
        Stored{"i8_by_bzero",
               {8, kTwoByTwo, big_endian<std::uint8_t>({0, 127, 128, 255}), {card("BZERO", "-128")}},
               CV_16S,
               {-128, -1, 0, 127}},
        Stored{"i16",
               {16, kTwoByTwo, big_endian<std::int16_t>({-32768, -1, 0, 32767}), {}},
               CV_16S,
               {-32768, -1, 0, 32767}},
        Stored{"u16_by_bzero",
               {16,
                kTwoByTwo,
                big_endian<std::int16_t>({-32768, -1, 0, 32767}),
                {card("BZERO", "32768"), card("BSCALE", "1")}},
               CV_16U,
               {0, 32767, 32768, 65535}},
        Stored{"i32",
               {32, kTwoByTwo, big_endian<std::int32_t>({-2147483647 - 1, -1, 0, 2147483647}), {}},
               CV_32S,
               {-2147483648.0, -1, 0, 2147483647}},
        Stored{"u32_by_bzero",
               {32,
                kTwoByTwo,
                big_endian<std::int32_t>({-2147483647 - 1, -1, 0, 2147483647}),
                {card("BZERO", "2147483648")}},
               CV_64F,
               {0, 2147483647.0, 2147483648.0, 4294967295.0}},
        Stored{"i64",
               {64, kTwoByTwo, big_endian<std::int64_t>({-5, 0, 1, std::int64_t{1} << 53}), {}},
               CV_64F,
               {-5, 0, 1, 9007199254740992.0}},
        Stored{"f32",
               {-32, kTwoByTwo, big_endian<float>({-1.5F, 0, 1e-20F, 3e38F}), {}},
               CV_32F,
               {-1.5, 0, static_cast<double>(1e-20F), static_cast<double>(3e38F)}},
        Stored{"f64",
               {-64, kTwoByTwo, big_endian<double>({-1.5, 0, 1e-200, 1e300}), {}},
               CV_64F,
               {-1.5, 0, 1e-200, 1e300}},
        Stored{
            "i16_scaled",
            {16, kTwoByTwo, big_endian<std::int16_t>({-2, 0, 1, 1000}), {card("BSCALE", "0.5"), card("BZERO", "10")}},
            CV_32F,
            {9, 10, 10.5, 510}},
        Stored{"i32_scaled",
               {32,
                kTwoByTwo,
                big_endian<std::int32_t>({-2, 0, 1, 16777217}),
                {card("BSCALE", "0.5"), card("BZERO", "10")}},
               CV_64F,
               {9, 10, 10.5, 8388618.5}}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(FitsReader, SaysThat64BitIntegersLoseBits) {
  const FitsPixels got = read_bytes(fits_primary({64, {1, 1}, big_endian<std::int64_t>({1}), {}}));
  ASSERT_EQ(got.notes.size(), 1U);
  EXPECT_NE(got.notes[0].find("64-bit integer pixels read as f64"), std::string::npos);
}

TEST(FitsReader, DeliversTheFirstStoredRowFirst) {
  const FitsPixels got = read_bytes(fits_primary({8, {3, 2}, big_endian<std::uint8_t>({1, 2, 3, 4, 5, 6}), {}}));
  ASSERT_EQ(got.image.size(), cv::Size(3, 2));
  EXPECT_EQ(got.image.at<std::uint8_t>(0, 2), 3);
  EXPECT_EQ(got.image.at<std::uint8_t>(1, 0), 4);
}

TEST(FitsReader, MasksBlankIntegers) {
  const FitsPixels got = read_bytes(fits_primary({16,
                                                  kTwoByTwo,
                                                  big_endian<std::int16_t>({-32768, 5, -32768, 7}),
                                                  {card("BZERO", "32768"), card("BLANK", "-32768")}}));
  EXPECT_EQ(got.image.depth(), CV_16U);
  EXPECT_EQ(values_of(got.image), (std::vector<double>{0, 32773, 0, 32775}));
  EXPECT_EQ(values_of(got.mask), (std::vector<double>{1, 0, 1, 0}));
}

TEST(FitsReader, HasNoMaskWhereNoPixelIsBlank) {
  const FitsPixels got =
      read_bytes(fits_primary({16, kTwoByTwo, big_endian<std::int16_t>({1, 5, 6, 7}), {card("BLANK", "-32768")}}));
  EXPECT_TRUE(got.mask.empty());
}

TEST(FitsReader, TurnsBlankOfScaledIntegersIntoNan) {
  const FitsPixels got = read_bytes(fits_primary(
      {16, kTwoByTwo, big_endian<std::int16_t>({-1, 5, 6, 7}), {card("BSCALE", "0.5"), card("BLANK", "-1")}}));
  ASSERT_EQ(got.image.depth(), CV_32F);
  EXPECT_TRUE(std::isnan(got.image.at<float>(0, 0)));
  EXPECT_EQ(got.image.at<float>(0, 1), 2.5F);
}

TEST(FitsReader, KeepsNan) {
  const FitsPixels got = read_bytes(fits_primary({-32, kTwoByTwo, big_endian<float>({kNan, kNan, kNan, kNan}), {}}));
  EXPECT_TRUE(std::isnan(got.image.at<float>(0, 0)));
  EXPECT_TRUE(std::isnan(got.image.at<float>(1, 1)));
}

TEST(FitsReader, ReadsOnePixel) {
  EXPECT_EQ(values_of(read_bytes(fits_primary({-32, {1, 1}, big_endian<float>({3}), {}})).image),
            std::vector<double>{3});
}

TEST(FitsReader, ReadsAnImageWhoseLastBlockIsNotPadded) {
  std::string bytes = fits_primary({8, {3000, 1}, std::string(3000, '\7'), {}});
  bytes.resize(kFitsBlock + 3000);
  const cv::Mat image = read_bytes(bytes).image;
  EXPECT_EQ(cv::sum(image)[0], 21000);
}

// Extensions

std::string three_extensions() {
  return fits_primary() + fits_star_table({1, 2, 3, 4}) +
         fits_extension({8, {1, 1}, "\1", {card("EXTNAME", "'SCI     '"), card("EXTVER", "1")}}) +
         fits_extension({8, {1, 1}, "\2", {card("EXTNAME", "'SCI     '"), card("EXTVER", "2")}}) +
         fits_extension({8, {1, 1}, "\3", {card("EXTNAME", "'VAR     '")}});
}

TEST(FitsReader, TakesTheFirstImageWithData) { EXPECT_EQ(values_of(read_bytes(three_extensions()).image)[0], 1); }
TEST(FitsReader, TakesAnExtensionByNumber) { EXPECT_EQ(values_of(read_bytes(three_extensions(), "4").image)[0], 3); }
TEST(FitsReader, TakesAnExtensionByName) { EXPECT_EQ(values_of(read_bytes(three_extensions(), "VAR").image)[0], 3); }
TEST(FitsReader, TakesAnExtensionByNameAndVersion) {
  EXPECT_EQ(values_of(read_bytes(three_extensions(), "SCI,2").image)[0], 2);
}

TEST(FitsReader, NamesTheExtensionsWhereTheAskedOneIsMissing) {
  std::string text;
  EXPECT_EQ(error_of(three_extensions(), "DQ", &text), "fits.no_hdu");
  EXPECT_NE(text.find("HDU 4 'VAR': image 1x1"), std::string::npos) << text;
  EXPECT_EQ(error_of(three_extensions(), "5"), "fits.no_hdu");
  EXPECT_EQ(error_of(three_extensions(), "-1"), "fits.no_hdu");
}

TEST(FitsReader, RefusesATableThatWasAskedFor) { EXPECT_EQ(error_of(three_extensions(), "STARS"), "fits.no_image"); }

TEST(FitsReader, AddsTheKeywordsOfAnEmptyPrimary) {
  const TempDir folder;
  const std::string path =
      folder.write("a.fits", fits_primary({8, {}, {}, {card("EXPTIME", "30"), card("GAIN", "2")}}) +
                                 fits_extension({8, {1, 1}, "\1", {card("GAIN", "3")}}));
  const FitsReader reader(path, "");
  EXPECT_EQ(reader.header().number("EXPTIME"), 30);
  EXPECT_EQ(reader.header().number("GAIN"), 3) << "the extension's own keyword comes first";
}

/// 300x250 px are more than what is read at once; the second plane of an extension begins inside the file.
TEST(FitsPlainPixels, KeepTheirPlacesInALargePlane) {
  constexpr int kWidth = 300, kHeight = 250;
  const auto stored = [](int plane, int k) { return (k * 7 + plane * 31) % 65536; };
  FitsImage image{16, {kWidth, kHeight, 2}, {}, {card("BSCALE", "1"), card("BZERO", "32768")}};
  for (int plane = 0; plane < 2; ++plane) {
    for (int k = 0; k < kWidth * kHeight; ++k) {
      const int raw = stored(plane, k) ^ 0x8000;
      image.data += static_cast<char>(raw >> 8);
      image.data += static_cast<char>(raw & 0xFF);
    }
  }
  const cv::Mat got = read_bytes(fits_primary() + fits_extension(image), "1", 1).image;
  ASSERT_EQ(got.depth(), CV_16U);
  std::vector<std::uint16_t> expected;
  for (int k = 0; k < kWidth * kHeight; ++k) expected.push_back(static_cast<std::uint16_t>(stored(1, k)));
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), got.begin<std::uint16_t>(), got.end<std::uint16_t>()));
}

TEST(FitsReader, ReadsThePlanesOfACube) {
  const std::string cube = fits_primary({8, {2, 1, 3}, "\1\2\3\4\5\6", {}});
  const TempDir folder;
  EXPECT_EQ(FitsReader(folder.write("a.fits", cube), "").planes(), 3);
  EXPECT_EQ(values_of(read_bytes(cube, "", 0).image), (std::vector<double>{1, 2}));
  EXPECT_EQ(values_of(read_bytes(cube, "", 2).image), (std::vector<double>{5, 6}));
}

TEST(FitsReader, TakesDegenerateAxesForAnImage) {
  const TempDir folder;
  EXPECT_EQ(FitsReader(folder.write("a.fits", fits_primary({8, {2, 1, 1, 1}, "\1\2", {}})), "").planes(), 1);
}

// Hostile files

TEST(FitsReader, SaysThatAFileHoldsTablesOnly) {
  std::string text;
  EXPECT_EQ(error_of(fits_primary() + fits_star_table({1, 2}), "", &text), "fits.no_image");
  EXPECT_NE(text.find("tables only"), std::string::npos) << text;
  EXPECT_NE(text.find("'STARS': table, 1 rows"), std::string::npos) << text;
  EXPECT_NE(text.find("detections.file"), std::string::npos) << text;
}

TEST(FitsReader, RefusesAFileWithoutData) { EXPECT_EQ(error_of(fits_primary()), "fits.no_image"); }
TEST(FitsReader, RefusesOneAxis) { EXPECT_EQ(error_of(fits_primary({8, {4}, "1234", {}})), "fits.not_2d"); }

class FitsCut : public testing::TestWithParam<int> {};

TEST_P(FitsCut, IsTruncatedWhateverTheLength) {
  std::string bytes = fits_primary({16, {64, 64}, std::string(8192, '\1'), {}});
  bytes.resize(static_cast<std::size_t>(GetParam()));
  std::string text;
  const std::string code = error_of(bytes, "", &text);
  EXPECT_TRUE(code == "fits.truncated" || (GetParam() < 2880 && code == "fits.unreadable")) << code << ": " << text;
}

INSTANTIATE_TEST_SUITE_P(Bytes, FitsCut, testing::Values(9, 80, 1000, 2879, 2880, 2881, 5760, 8640, 11071));

TEST(FitsReader, ReadsTheShortestWholeFileOfThatKind) {
  std::string bytes = fits_primary({16, {64, 64}, std::string(8192, '\1'), {}});
  bytes.resize(2880 + 8192);
  EXPECT_EQ(error_of(bytes), "");
}

class FitsHuge : public testing::TestWithParam<std::vector<long long>> {};

TEST_P(FitsHuge, IsRefusedBeforeAnythingIsAllocated) {
  const std::string code = error_of(fits_primary({-64, GetParam(), std::string(100, '\1'), {}}));
  EXPECT_TRUE(code == "fits.truncated" || code == "fits.too_large" || code == "fits.unreadable") << code;
}

INSTANTIATE_TEST_SUITE_P(Axes,
                         FitsHuge,
                         testing::Values(std::vector<long long>{1'000'000, 1'000'000},
                                         std::vector<long long>{2'000'000'000, 2'000'000'000},
                                         std::vector<long long>{9'000'000'000'000'000'000, 9'000'000'000'000'000'000},
                                         std::vector<long long>{100'000, 100'000, 100'000, 100'000, 100'000}));

TEST(FitsReader, RefusesHeadersThatMakeNoSense) {
  EXPECT_NE(error_of(fits_primary({17, kTwoByTwo, "1234", {}})), "");
  EXPECT_NE(error_of(fits_primary({8, {-2, 2}, "1234", {}})), "");
  EXPECT_NE(error_of(card("SIMPLE", "T") + std::string(5000, 'x')), "");
  EXPECT_NE(error_of("SIMPLE  ="), "");
}

// CFITSIO alone ends the process here.
TEST(FitsReader, RefusesLongTextsWhereANumberBelongs) {
  const std::string word(40, 'A');
  const std::string complex = "(" + std::string(30, ' ') + "2)";
  EXPECT_EQ(error_of(fits_primary({8, kTwoByTwo, "1234", {card("BLANK", word)}})), "fits.damaged");
  EXPECT_EQ(error_of(fits_primary({8, kTwoByTwo, "1234", {card("BLANK", complex)}})), "fits.damaged");
  EXPECT_EQ(error_of(fits_primary({8, kTwoByTwo, "1234", {card("MYKEY", complex)}})), "") << "nobody's number";
}

TEST(FitsReader, ReadsOnFourThreadsAtOnce) {
  const TempDir folder;
  const std::string path = folder.write("a.fits", fits_primary({8, {100, 100}, std::string(10000, '\2'), {}}));
  std::vector<double> sums(4);
  std::vector<std::thread> threads;
  for (double& sum : sums) {
    threads.emplace_back([&sum, &path] {
      for (int i = 0; i < 50; ++i) sum += cv::sum(FitsReader(path, "").read(0).image)[0];
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(sums, std::vector<double>(4, 50 * 20000));
}

}  // namespace
}  // namespace starflow::test
