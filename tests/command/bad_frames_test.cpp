// SPDX-License-Identifier: MIT
/// \file
/// A frame that can't be measured, among others that can.

#include "night.hpp"

#include <limits>
#include <ostream>

namespace starflow::test {
namespace {

constexpr int kNotMeasured = -1, kSome = -2;

/// One odd file, f1b.fits, which comes between the good ones.
struct Odd {
  const char* name;
  std::string bytes;
  const char* outcome;
  const char* code;  ///< of the error; "" = none
  const char* text;  ///< a part of the error, or of a note
  int stars;         ///< or kNotMeasured, kSome
};
void PrintTo(const Odd& odd, std::ostream* out) { *out << odd.name; }

std::string cube() { return fits_primary({-32, {8, 6, 3}, big_endian(std::vector<float>(8 * 6 * 3, 1)), {}}); }

std::string gain_of(const std::string& value) { return star_frame(7, 64, 48, 5, {card("GAIN", value)}); }

const Odd kOdd[] = {
    {"Truncated", star_frame(1).substr(0, 9000), "failed", "fits.truncated", "cut short", kNotMeasured},
    {"Empty", "", "failed", "file.empty", "is empty (0 bytes)", kNotMeasured},
    {"TableOnly", fits_primary() + fits_star_table({1, 2, 3, 4}), "failed", "fits.no_image", "table", kNotMeasured},
    {"Cube", cube(), "failed", "fits.cube", "option plane", kNotMeasured},
    {"TextWithAFitsName", "Dear diary,\n", "failed", "fits.unreadable", "not a FITS file", kNotMeasured},
    {"AllNan", level_frame(std::numeric_limits<float>::quiet_NaN()), "ok", "", "", 0},
    {"OnePixel", level_frame(5, 1, 1), "ok", "", "", 0},
    {"NoStars", star_frame(3, 64, 48, 0), "ok", "", "", 0},
    {"AnotherSize", star_frame(5, 90, 70), "ok", "", "", kSome},
    {"NegativeGainInTheHeader", gain_of("-2.0"), "ok", "", "GAIN", kSome},
    {"ZeroGainInTheHeader", gain_of("0"), "ok", "", "GAIN", kSome},
};

class OddFrame : public Night, public ::testing::WithParamInterface<Odd> {};

TEST_P(OddFrame, GetsItsRecordAndHarmsNoOther) {
  const Odd& odd = GetParam();
  const ProgramResult alone = batch({"f*.fits"});
  ASSERT_EQ(alone.code, 0) << alone.err;
  dir_.write("f1b.fits", odd.bytes);
  const ProgramResult got = batch({"f*.fits"});
  const bool failed = std::string(odd.outcome) == "failed";
  EXPECT_EQ(got.code, failed ? 1 : 0) << got.err;

  auto lines = lines_by_source(got.out);
  lines.erase("f1b.fits");
  EXPECT_EQ(lines, lines_by_source(alone.out));

  const auto frames = of_type(records_of(got.out), "frame");
  ASSERT_EQ(frames.size(), 4U);
  const json& frame = frames[2];
  EXPECT_EQ(frame["frame_id"], 2);
  EXPECT_EQ(frame["source"], "f1b.fits");
  EXPECT_EQ(frame["outcome"], odd.outcome);
  if (odd.stars == kSome) {
    EXPECT_GE(frame["n_stars"], 4);
  } else {
    EXPECT_EQ(frame["n_stars"], odd.stars == kNotMeasured ? json() : json(odd.stars));
  }
  if (failed) {
    ASSERT_EQ(frame["errors"].size(), 1U) << frame;
    EXPECT_EQ(frame["errors"][0]["code"], odd.code);
    const std::string text = frame["errors"][0]["text"];
    EXPECT_NE(text.find(odd.text), std::string::npos) << text;
    EXPECT_NE(got.err.find("failed: "), std::string::npos) << got.err;
    EXPECT_EQ(got.err.find("f1b.fits: f1b.fits"), std::string::npos) << got.err;
  } else {
    EXPECT_EQ(frame["errors"].size(), 0U) << frame;
    EXPECT_NE(frame["notes"].dump().find(odd.text), std::string::npos) << frame;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, OddFrame, ::testing::ValuesIn(kOdd), [](const auto& param) {
  return std::string(param.param.name);
});

class FramesWithPlanes : public Night {};

TEST_F(FramesWithPlanes, AMaskOfAnotherSizeFailsTheFramesThatItDoesNotFit) {
  dir_.write("mask.fit", level_frame(0));
  const std::vector<std::string> mask{"--set", "nodes.src.options.mask=mask.fit"};
  const ProgramResult alone = batch({"f*.fits"}, mask);
  ASSERT_EQ(alone.code, 0) << alone.err;
  dir_.write("f1b.fits", star_frame(5, 90, 70));
  const ProgramResult got = batch({"f*.fits"}, mask);
  EXPECT_EQ(got.code, 1);
  auto lines = lines_by_source(got.out);
  const json bad = json::parse(lines.at("f1b.fits"));
  EXPECT_EQ(bad["outcome"], "failed");
  EXPECT_EQ(bad["errors"][0]["code"], "mask.size");
  const std::string text = bad["errors"][0]["text"];
  for (const char* part : {"mask.fit", "64x48", "90x70", "must be equal"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  lines.erase("f1b.fits");
  EXPECT_EQ(lines, lines_by_source(alone.out));
}

TEST_F(FramesWithPlanes, AMaskThatIsNotThereIsAConfigurationError) {
  const ProgramResult got = batch({"f0.fits"}, {"--set", "nodes.src.options.mask=nomask.fits"});
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("nomask.fits"), std::string::npos) << got.err;
  EXPECT_EQ(got.out, "");
}

TEST_F(FramesWithPlanes, PixelsWithoutAPositiveVarianceCountAsMasked) {
  // The star of f0 near (9.3, 12.1) stands on pixels of variance 0, -1 and NaN; the others do not.
  Scene<float> variance(64, 48, 9);
  Scene<float> mask(64, 48, 0);
  for (int y = 4; y < 22; ++y) {
    for (int x = 2; x < 18; ++x) {
      variance.at(x, y) = x % 3 == 0 ? 0.0F : x % 3 == 1 ? -1.0F : std::numeric_limits<float>::quiet_NaN();
      mask.at(x, y) = 1;
    }
  }
  dir_.write("variance.fit", fits_primary({-32, {64, 48}, big_endian(variance.pixels), {}}));
  dir_.write("even.fit", level_frame(9));
  dir_.write("mask.fit", fits_primary({-32, {64, 48}, big_endian(mask.pixels), {}}));
  const ProgramResult zero = batch({"f0.fits"}, {"--set", "nodes.src.options.variance=variance.fit"});
  EXPECT_EQ(zero.code, 0) << zero.err;
  EXPECT_NE(zero.err.find("288 pixels are not above 0 and count as masked"), std::string::npos) << zero.err;
  const ProgramResult masked =
      batch({"f0.fits"}, {"--set", "nodes.src.options.variance=even.fit", "--set", "nodes.src.options.mask=mask.fit"});
  const auto stars = of_type(records_of(zero.out), "star"), others = of_type(records_of(masked.out), "star");
  EXPECT_EQ(stars.size(), 4U);
  EXPECT_EQ(stars, others);
}

TEST_F(FramesWithPlanes, AGainOfZeroOrLessOnTheCommandLineIsRefusedWithItsPlace) {
  for (const std::string gain : {"0", "-1.5"}) {
    const ProgramResult got = batch({"f0.fits"}, {"--set", "parameters.gain=" + gain});
    EXPECT_EQ(got.code, 2);
    EXPECT_NE(got.err.find(place_in_batch("${gain}")), std::string::npos) << got.err;
    EXPECT_NE(got.err.find("nodes[0].options.gain: " + gain + " is out of range"), std::string::npos) << got.err;
    EXPECT_NE(got.err.find("(parameter \"gain\", --set)"), std::string::npos) << got.err;
    EXPECT_EQ(got.out, "");
  }
}

}  // namespace
}  // namespace starflow::test
