// SPDX-License-Identifier: MIT
#include "fits_reader.hpp"

#include "support/fits_writer.hpp"
#include "support/temp_dir.hpp"

#include <starflow/sdk/node.hpp>

#include <opencv2/core.hpp>

#include <fitsio.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::test {
namespace {

namespace fs = std::filesystem;

/// Copies a FITS file; `target` is a CFITSIO file name, so ".gz" and "[compress R]" mean what they say.
void recode(const std::string& from, const std::string& target) {
  fitsfile* in = nullptr;
  fitsfile* out = nullptr;
  int status = 0;
  fits_open_diskfile(&in, from.c_str(), READONLY, &status);
  fits_create_file(&out, target.c_str(), &status);
  if (target.ends_with(']')) {
    fits_img_compress(in, out, &status);
  } else {
    fits_copy_file(in, out, 1, 1, 1, &status);
  }
  fits_close_file(out, &status);
  fits_close_file(in, &status);
  ASSERT_EQ(status, 0);
}

/// A noisy 100x100 image of i16.
std::string noisy_image() {
  std::vector<std::int16_t> values(100 * 100);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int16_t>(i * 7919 % 30000);
  return fits_primary({16, {100, 100}, big_endian(values), {}});
}

/// That image, tile-compressed as a.fits.fz.
std::string rice_file(const TempDir& folder) {
  recode(folder.write("plain.fits", noisy_image()), folder / "a.fits.fz[compress R]");
  return folder / "a.fits.fz";
}

/// One gzip member.
std::string gzipped(std::string_view bytes) {
  z_stream z{};
  constexpr int kGzip = 15 + 16;
  EXPECT_EQ(deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, bytes.size()), '\0');
  std::string in(bytes);
  z.next_in = reinterpret_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The code of the error that reading gives; "" = none.
std::string error_of_file(const std::string& path, std::string* text = nullptr) {
  try {
    (void)FitsReader(path, "").read(0);
  } catch (const FrameError& e) {
    if (text != nullptr) *text = e.what();
    return e.code();
  }
  return {};
}

class FitsPacked : public testing::TestWithParam<std::string> {};

TEST_P(FitsPacked, GivesTheSamePixels) {
  const TempDir folder;
  std::vector<std::int16_t> values(100 * 50);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int16_t>(i * 7919 % 60000 - 30000);
  values[3] = -32768;
  const std::string plain = folder.write(
      "plain.fits", fits_primary({16,
                                  {100, 50},
                                  big_endian(values),
                                  {card("BZERO", "32768"), card("BLANK", "-32768"), card("EXPTIME", "5")}}));
  recode(plain, folder / GetParam());
  std::string packed = GetParam();
  packed = folder / packed.substr(0, packed.find('['));
  const FitsPixels want = FitsReader(plain, "").read(0);
  const FitsReader reader(packed, "");
  const FitsPixels got = reader.read(0);
  ASSERT_EQ(got.image.type(), want.image.type());
  EXPECT_EQ(cv::norm(got.image, want.image, cv::NORM_INF), 0);
  ASSERT_EQ(cv::countNonZero(want.mask), 1);
  ASSERT_FALSE(got.mask.empty());
  EXPECT_EQ(cv::norm(got.mask, want.mask, cv::NORM_INF), 0);
  EXPECT_EQ(reader.header().number("EXPTIME"), 5);
  EXPECT_EQ(reader.header().has("ZIMAGE"), GetParam().ends_with(']')) << "packed as asked";
}

INSTANTIATE_TEST_SUITE_P(Format,
                         FitsPacked,
                         testing::Values("a.fits.gz", "b.fits.fz[compress R]", "c.fits.fz[compress G]"),
                         [](const auto& one) { return std::string(1, one.param[0]); });

// gzip

TEST(FitsGzip, ReadsMembersOneAfterTheOtherAndIgnoresWhatFollows) {
  const TempDir folder;
  const std::string plain = noisy_image();
  const std::string path =
      folder.write("a.fits.gz", gzipped(plain.substr(0, 5000)) + gzipped(plain.substr(5000)) + "trailing bytes");
  const cv::Mat want = FitsReader(folder.write("plain.fits", plain), "").read(0).image;
  EXPECT_EQ(cv::norm(FitsReader(path, "").read(0).image, want, cv::NORM_INF), 0);
}

TEST(FitsGzip, ReadsAnImageWhoseLastBlockIsNotPadded) {
  const TempDir folder;
  const std::string plain = noisy_image().substr(0, kFitsBlock + 20000);
  EXPECT_EQ(error_of_file(folder.write("a.fits.gz", gzipped(plain))), "");
  EXPECT_EQ(error_of_file(folder.write("b.fits.gz", gzipped(plain.substr(0, plain.size() - 1)))), "fits.truncated");
}

TEST(FitsGzip, IsTruncatedWhereItIsCut) {
  const TempDir folder;
  const std::string packed = gzipped(noisy_image());
  EXPECT_EQ(error_of_file(folder.write("a.fits.gz", packed.substr(0, packed.size() / 2))), "fits.truncated");
  EXPECT_EQ(error_of_file(folder.write("b.fits.gz", packed.substr(0, packed.size() - 1))), "fits.truncated");
  EXPECT_EQ(error_of_file(folder.write("c.fits.gz", packed.substr(0, 3))), "fits.truncated");
}

TEST(FitsGzip, ChecksItsSum) {
  const TempDir folder;
  std::string packed = gzipped(noisy_image());
  packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);  // in the CRC-32
  std::string text;
  EXPECT_EQ(error_of_file(folder.write("a.fits.gz", packed), &text), "fits.damaged");
  EXPECT_NE(text.find("incorrect data check"), std::string::npos) << text;
}

// 1 MiB of zeros packs to some 4.5 kB, so members of it make 600 MiB of 3 MB: above 512 MiB and 100:1.
TEST(FitsGzip, RefusesABomb) {
  const TempDir folder;
  const std::string member = gzipped(std::string(std::size_t{1} << 20, '\0'));
  std::string bomb = gzipped(noisy_image());
  for (int i = 0; i < 600; ++i) bomb += member;
  std::string text;
  EXPECT_EQ(error_of_file(folder.write("a.fits.gz", bomb), &text), "fits.too_large");
  EXPECT_NE(text.find("unpacks to more than 512 MiB"), std::string::npos) << text;
}

TEST(FitsGzip, SaysThatTheContentIsNoFits) {
  const TempDir folder;
  std::string text;
  EXPECT_EQ(error_of_file(folder.write("a.fits.gz", gzipped("my notes")), &text), "fits.unreadable");
  EXPECT_NE(text.find("do not begin with SIMPLE"), std::string::npos) << text;
  EXPECT_EQ(error_of_file(folder.write("b.fits.gz", gzipped(gzipped(noisy_image())))), "fits.unreadable");
}

TEST(FitsGzip, NamesTheOldCompressProgram) {
  const TempDir folder;
  EXPECT_EQ(error_of_file(folder.write("a.fits.Z", "\x1f\x9d\x90some bytes")), "fits.unsupported");
}

// Tile compression

TEST(FitsTiles, AreReadFromAGzippedFile) {
  const TempDir folder;
  const cv::Mat want = FitsReader(rice_file(folder), "").read(0).image;
  const std::string path = folder.write("b.fits.fz.gz", gzipped(content_of(folder / "a.fits.fz")));
  EXPECT_EQ(cv::norm(FitsReader(path, "").read(0).image, want, cv::NORM_INF), 0);
}

TEST(FitsTiles, GiveThePlanesOfACube) {
  const TempDir folder;
  recode(folder.write("plain.fits", fits_primary({8, {2, 1, 3}, "\1\2\3\4\5\6", {}})),
         folder / "a.fits.fz[compress R]");
  const cv::Mat plane = FitsReader(folder / "a.fits.fz", "").read(2).image;
  EXPECT_EQ(plane.at<std::uint8_t>(0, 0), 5);
  EXPECT_EQ(plane.at<std::uint8_t>(0, 1), 6);
}

TEST(FitsTiles, AreTruncatedWhereTheFileIsCut) {
  const TempDir folder;
  const std::string path = rice_file(folder);
  fs::resize_file(path, fs::file_size(path) - 2 * kFitsBlock);
  EXPECT_EQ(error_of_file(path), "fits.truncated");
}

TEST(FitsTiles, OfNoSizeAreRefusedAlsoWithinGzip) {
  const TempDir folder;
  std::string bytes = content_of(rice_file(folder));
  const auto at = bytes.find("ZTILE1  =");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 80, card("ZTILE1", "0"));
  std::string text;
  EXPECT_EQ(error_of_file(folder.write("b.fits.fz", bytes), &text), "fits.damaged");
  EXPECT_NE(text.find("ZTILE1 is not above 0"), std::string::npos) << text;
  EXPECT_EQ(error_of_file(folder.write("b.fits.fz.gz", gzipped(bytes))), "fits.damaged");
}

TEST(FitsTiles, OfNoTypeAreAnError) {
  const TempDir folder;
  std::string bytes = content_of(rice_file(folder));
  const auto at = bytes.find("ZBITPIX =");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 80, card("ZBITPIX", "0"));
  EXPECT_EQ(error_of_file(folder.write("b.fits.fz", bytes)), "fits.damaged");
}

TEST(FitsTiles, AreCheckedByTheirSum) {
  const TempDir folder;
  const std::string path = rice_file(folder);
  fitsfile* sum = nullptr;
  int status = 0;
  fits_open_diskfile(&sum, path.c_str(), READWRITE, &status);
  fits_movabs_hdu(sum, 2, nullptr, &status);
  fits_write_chksum(sum, &status);
  fits_close_file(sum, &status);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(error_of_file(path), "");
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(path) - kFitsBlock + 4));  // in the last block of the data
  file << "x";
  file.close();
  EXPECT_EQ(error_of_file(path), "fits.damaged");
}

/// The same test once more, alone in a folder where starflow-unfits is what `program` says; "" = none.
bool passes_beside(const std::string& program, const std::string& test) {
  const TempDir folder;
  fs::copy_file(fs::read_symlink("/proc/self/exe"), folder / "alone");
  if (!program.empty()) {
    folder.write("starflow-unfits", program);
    fs::permissions(folder / "starflow-unfits", fs::perms::owner_all);
  }
  const std::string command = "STARFLOW_TEST_ALONE=1 STARFLOW_PLUGIN_PATH= " + (folder / "alone") +
                              " --gtest_filter=" + test + " > " + (folder / "log") + " 2>&1";
  const bool passed = std::system(command.c_str()) == 0;
  if (!passed) ADD_FAILURE() << content_of(folder / "log");
  return passed;
}

bool alone() { return std::getenv("STARFLOW_TEST_ALONE") != nullptr; }

TEST(FitsTiles, NameTheProgramThatIsMissing) {
  if (!alone()) {
    EXPECT_TRUE(passes_beside("", "FitsTiles.NameTheProgramThatIsMissing"));
    return;
  }
  const TempDir folder;
  std::string text;
  EXPECT_EQ(error_of_file(rice_file(folder), &text), "fits.no_decoder");
  EXPECT_NE(text.find("starflow-unfits, which unpacks it, was not found in"), std::string::npos) << text;
}

TEST(FitsTiles, AreDamagedWhereTheDecoderCrashes) {
  if (!alone()) {
    EXPECT_TRUE(passes_beside("#!/bin/sh\nkill -SEGV $$\n", "FitsTiles.AreDamagedWhereTheDecoderCrashes"));
    return;
  }
  const TempDir folder;
  EXPECT_EQ(error_of_file(rice_file(folder)), "fits.damaged");
}

TEST(FitsTiles, NameTheProgramThatCantBeStarted) {
  if (!alone()) {
    EXPECT_TRUE(passes_beside("no program", "FitsTiles.NameTheProgramThatCantBeStarted"));
    return;
  }
  const TempDir folder;
  std::string text;
  EXPECT_EQ(error_of_file(rice_file(folder), &text), "fits.no_decoder");
  EXPECT_NE(text.find("can't be started"), std::string::npos) << text;
}

// The terminal sends Ctrl-C to the whole group, and a run that drains still finishes its frames.
TEST(FitsTiles, AreUnpackedInAGroupOfTheirOwn) {
  if (!alone()) {
    EXPECT_TRUE(passes_beside("#!/bin/sh\ncut -d' ' -f1,5 < /proc/$$/stat > \"$0.group\"\n",
                              "FitsTiles.AreUnpackedInAGroupOfTheirOwn"));
    return;
  }
  const TempDir folder;
  (void)error_of_file(rice_file(folder));
  std::ifstream in(fs::read_symlink("/proc/self/exe").parent_path() / "starflow-unfits.group");
  long process = 0;
  long group = -1;
  in >> process >> group;
  EXPECT_EQ(process, group);
}

}  // namespace
}  // namespace starflow::test
