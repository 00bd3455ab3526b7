// SPDX-License-Identifier: MIT
#include "fits_keywords.hpp"

#include "fits_time.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace starflow::test {
namespace {

using Cards = std::vector<std::pair<std::string, std::string>>;

FrameInfo info_of(const Cards& cards) {
  FitsHeader header;
  for (const auto& [key, value] : cards) header.add(key, value, "");
  FrameInfo info;
  apply_keywords(header, info);
  return info;
}

bool notes_mention(const FrameInfo& info, const std::string& text) {
  for (const std::string& note : info.notes) {
    if (note.find(text) != std::string::npos) return true;
  }
  return false;
}

struct GainCase {
  std::string name;
  Cards cards;
  double gain;       // NaN = unknown
  std::string note;  // "" = none
};
void PrintTo(const GainCase& c, std::ostream* out) { *out << c.name; }

class GainRule : public testing::TestWithParam<GainCase> {};

TEST_P(GainRule, Holds) {
  const FrameInfo info = info_of(GetParam().cards);
  if (std::isnan(GetParam().gain)) {
    EXPECT_TRUE(std::isnan(info.gain.value)) << info.gain.value;
  } else {
    EXPECT_EQ(info.gain.value, GetParam().gain);
    EXPECT_EQ(info.gain.origin, Origin::metadata);
  }
  if (GetParam().note.empty()) {
    EXPECT_TRUE(info.notes.empty()) << info.notes.front();
  } else {
    EXPECT_TRUE(notes_mention(info, GetParam().note));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    GainRule,
    testing::Values(
        GainCase{"None", {}, NAN, ""},
        GainCase{"Egain", {{"EGAIN", "2.5"}}, 2.5, ""},
        GainCase{"EgainBeforeGain", {{"GAIN", "120"}, {"EGAIN", "2.5"}}, 2.5, ""},
        GainCase{"GainWithoutUnit", {{"GAIN", "1.5"}}, 1.5, ""},
        GainCase{"GainWithBlankUnit", {{"GAIN", "1.5"}, {"BUNIT", "'        '"}}, 1.5, ""},
        GainCase{"GainInAdu", {{"GAIN", "1.5"}, {"BUNIT", "'adu     '"}}, 1.5, ""},
        GainCase{"GainInCounts", {{"GAIN", "1.5"}, {"BUNIT", "'COUNTS  '"}}, 1.5, ""},
        GainCase{"GainInElectrons",
                 {{"GAIN", "1.5"}, {"BUNIT", "'electron'"}},
                 NAN,
                 "GAIN = 1.5 ignored: BUNIT is electron"},
        GainCase{"GainInJansky", {{"GAIN", "3.7"}, {"BUNIT", "'MJy/sr'"}}, NAN, "GAIN = 3.7 ignored"},
        GainCase{"EgainInElectrons", {{"EGAIN", "1.5"}, {"BUNIT", "'electron'"}}, 1.5, "although BUNIT is electron"},
        GainCase{"ZeroEgainThenGain", {{"EGAIN", "0"}, {"GAIN", "2"}}, 2, "EGAIN = 0 ignored"},
        GainCase{"Negative", {{"GAIN", "-1"}}, NAN, "GAIN = -1 ignored: a gain is above 0"},
        GainCase{"Text", {{"GAIN", "'high'"}}, NAN, "GAIN = high ignored"},
        GainCase{"NotFinite", {{"GAIN", "'NaN'"}}, NAN, "GAIN = NaN ignored"},
        GainCase{"NumberInQuotes", {{"GAIN", "'1.5'"}}, 1.5, ""},
        GainCase{"FortranExponent", {{"EGAIN", "1.5D+00"}}, 1.5, ""}),
    [](const auto& one) { return one.param.name; });

TEST(FitsKeywords, TakeReadNoiseAndSaturation) {
  const FrameInfo info = info_of({{"RDNOISE", "0"}, {"SATURATE", "4095"}});
  EXPECT_EQ(info.read_noise.value, 0);
  EXPECT_EQ(info.saturation.value, 4095);
  EXPECT_EQ(info.saturation.origin, Origin::metadata);
  EXPECT_EQ(info_of({{"READNOIS", "8.5"}}).read_noise.value, 8.5);
}

TEST(FitsKeywords, LeaveOutWhatMakesNoSense) {
  const FrameInfo info =
      info_of({{"RDNOISE", "-3"}, {"SATURATE", "0"}, {"EXPTIME", "-1"}, {"XBINNING", "0"}, {"XORGSUBF", "'left'"}});
  EXPECT_TRUE(std::isnan(info.read_noise.value));
  EXPECT_TRUE(std::isnan(info.saturation.value));
  EXPECT_TRUE(std::isnan(info.exposure_s));
  EXPECT_EQ(info.binning_x, 1);
  EXPECT_EQ(info.roi_x, 0);
  EXPECT_EQ(info.notes.size(), 5U);
}

TEST(FitsKeywords, GiveTheMiddleOfTheExposure) {
  EXPECT_EQ(info_of({{"DATE-OBS", "'2022-10-30T23:59:31.25'"}, {"EXPTIME", "120"}}).t_mid, "2022-10-31T00:00:31.250Z");
  EXPECT_EQ(info_of({{"DATE-OBS", "'2022-10-30'"}, {"TIME-OBS", "'01:02:03'"}, {"EXPTIME", "0"}}).t_mid,
            "2022-10-30T01:02:03.000Z");
  EXPECT_EQ(info_of({{"DATE-OBS", "'2022-10-30'"}, {"MJD-OBS", "59882.5"}, {"EXPTIME", "2"}}).t_mid,
            "2022-10-30T12:00:01.000Z");
  EXPECT_EQ(info_of({{"DATE-AVG", "'2022-10-30T01:00:00'"}}).t_mid, "2022-10-30T01:00:00.000Z");
}

TEST(FitsKeywords, SayWhyATimeIsLeftOut) {
  EXPECT_TRUE(notes_mention(info_of({{"DATE-OBS", "'29/11/51'"}, {"EXPTIME", "1"}}), "has no time of day"));
  EXPECT_TRUE(notes_mention(info_of({{"DATE-OBS", "'2022-10-30T01:00:00'"}}), "no EXPTIME"));
  const FrameInfo barycentric =
      info_of({{"DATE-OBS", "'2022-10-30T01:00:00'"}, {"EXPTIME", "1"}, {"TIMESYS", "'TDB'"}});
  EXPECT_TRUE(notes_mention(barycentric, "TIMESYS is TDB"));
  EXPECT_EQ(barycentric.t_mid, "");
}

TEST(FitsKeywords, ReadTheUnitOfAnExposure) {
  FitsHeader header;
  header.add("EXPOSURE", "0.5", "[d] time on source");
  FrameInfo info;
  apply_keywords(header, info);
  EXPECT_EQ(info.exposure_s, 43200);
  EXPECT_TRUE(notes_mention(info, "EXPOSURE is in d"));
}

TEST(FitsKeywords, ShiftTheMosaicByItsOffset) {
  EXPECT_EQ(info_of({{"BAYERPAT", "'RGGB'"}}).mosaic, "RGGB");
  EXPECT_EQ(info_of({{"BAYERPAT", "'bggr'"}}).mosaic, "BGGR");
  EXPECT_EQ(info_of({{"BAYERPAT", "'RGGB'"}, {"XBAYROFF", "1"}}).mosaic, "GRBG");
  EXPECT_EQ(info_of({{"BAYERPAT", "'RGGB'"}, {"YBAYROFF", "1"}}).mosaic, "GBRG");
  EXPECT_EQ(info_of({{"COLORTYP", "'GRBG'"}, {"XBAYROFF", "1"}, {"YBAYROFF", "-1"}}).mosaic, "GBRG");
  EXPECT_EQ(info_of({{"BAYERPAT", "'RGGB'"}, {"XBAYROFF", "2"}}).mosaic, "RGGB");
  // From the bottom up, an even number of rows begins with the second row of the pattern.
  EXPECT_EQ(info_of({{"BAYERPAT", "'RGGB'"}, {"ROWORDER", "'BOTTOM-UP'"}, {"NAXIS2", "8"}}).mosaic, "GBRG");
  EXPECT_EQ(info_of({{"BAYERPAT", "'RGGB'"}, {"ROWORDER", "'BOTTOM-UP'"}, {"NAXIS2", "7"}}).mosaic, "RGGB");
  EXPECT_EQ(info_of({{"BAYERPAT", "'RGGB'"}, {"ROWORDER", "'TOP-DOWN'"}, {"NAXIS2", "8"}}).mosaic, "RGGB");
  const FrameInfo other = info_of({{"BAYERPAT", "'CMYG'"}});
  EXPECT_EQ(other.mosaic, "");
  EXPECT_TRUE(notes_mention(other, "BAYERPAT = CMYG ignored"));
}

TEST(FitsKeywords, CountTheOriginOfASubframeInSensorPixels) {
  const FrameInfo info =
      info_of({{"XORGSUBF", "10"}, {"YORGSUBF", "20"}, {"XBINNING", "2"}, {"YBINNING", "3"}, {"BUNIT", "'DN'"}});
  EXPECT_EQ(info.roi_x, 20);
  EXPECT_EQ(info.roi_y, 60);
  EXPECT_EQ(info.binning_x, 2);
  EXPECT_EQ(info.binning_y, 3);
  EXPECT_EQ(info.unit, "DN");
}

TEST(FitsTime, ReadsZones) {
  EXPECT_EQ(to_iso(parse_time("2017-12-19T18:33:43.317-0700").value()), "2017-12-20T01:33:43.317Z");
  EXPECT_EQ(to_iso(parse_time("2017-12-19T18:33:43+05:30").value()), "2017-12-19T13:03:43.000Z");
  EXPECT_EQ(to_iso(parse_time("2016-12-31T23:59:60Z").value()), "2017-01-01T00:00:00.000Z");
}

TEST(FitsTime, RefusesOtherForms) {
  for (const char* text :
       {"", "2022", "2022-10-30", "2022-13-30T00:00:00", "2022-02-30T00:00:00", "2022-10-30T24:00:00",
        "2022-10-30T00:00:00x", "2022-10-30T00:00", "30/10/22", "2022-10-30T00:00:00+1"}) {
    EXPECT_FALSE(parse_time(text).has_value()) << text;
  }
  EXPECT_FALSE(time_of_mjd(NAN).has_value());
  EXPECT_FALSE(time_of_mjd(1e9).has_value());
}

}  // namespace
}  // namespace starflow::test
