// SPDX-License-Identifier: MIT
/// \file
/// What the report gathers from lines of records, and that no line can do more than be counted.

#include "support/temp_dir.hpp"

#include "field_map.hpp"
#include "record.hpp"
#include "record_file.hpp"
#include "results.hpp"
#include "worst_frames.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::report {
namespace {

std::string frame_line(int id, const std::string& more = "", const std::string& outcome = "ok") {
  return R"({"type":"frame","frame_id":)" + std::to_string(id) + R"(,"source":"f)" + std::to_string(id) +
         R"(.fits","outcome":")" + outcome + R"(","errors":[],"width":1200,"height":1200,"coords":"frame")" + more +
         "}\n";
}

std::string star_line(int frame, double x, double y, double ellipticity = 0.1, const std::string& more = "") {
  return R"({"type":"star","frame_id":)" + std::to_string(frame) + R"(,"id":0,"x":)" + std::to_string(x) + R"(,"y":)" +
         std::to_string(y) + R"(,"x_err":0.01,"y_err":0.01,"snr":100,"fwhm":3,"theta":0,"ellipticity":)" +
         std::to_string(ellipticity) + R"(,"flags":0)" + more + "}\n";
}

Results results_of(const std::string& text) {
  const test::TempDir dir;
  return read_results({dir.write("r.jsonl", text)});
}

bool parses(std::string_view line) {
  Record record;
  return parse_record(line, record);
}

TEST(ReportRecord, ReadsWhatTheReportNeeds) {
  Record r;
  ASSERT_TRUE(parse_record(
      R"({"type":"frame","frame_id":7,"source":"a\u00e9","errors":[{"node":"src","code":"c","text":"t"}],)"
      R"("rejected":{"hot_pixel":3},"fwhm":2.5,"background":null,"field_shape":{"fwhm":9,"ln_fwhm":[1,2]},"complete":true})",
      r));
  EXPECT_EQ(r[Text::type], "frame");
  EXPECT_EQ(r[Text::source], "a\u00e9");
  EXPECT_EQ(r[Field::frame_id], 7);
  EXPECT_EQ(r[Field::fwhm], 2.5) << "not that of the nested object";
  EXPECT_TRUE(std::isnan(r[Field::background]));
  ASSERT_EQ(r.errors.size(), 1U);
  EXPECT_EQ(r.errors[0].code, "c");
  EXPECT_EQ(r.rejected.at("hot_pixel"), 3);
  EXPECT_TRUE(r.complete);
}

TEST(ReportRecord, ForgetsTheLineBefore) {
  Record r;
  ASSERT_TRUE(parse_record(R"({"type":"star","x":1,"errors":[{"code":"c"}]})", r));
  ASSERT_TRUE(parse_record("{}", r));
  EXPECT_TRUE(std::isnan(r[Field::x]));
  EXPECT_EQ(r[Text::type], "");
  EXPECT_TRUE(r.errors.empty());
}

TEST(ReportRecord, RefusesWhatIsNoObject) {
  for (const char* line :
       {"", "7", "[1]", "\"x\"", "{\"a\":1", "{\"a\":1}}", "SIMPLE  =", "{\"a\":\"\xFF\"}", "{'a':1}"})
    EXPECT_FALSE(parses(line)) << line;
}

TEST(ReportRecord, PassesOverMembersOfAnotherType) {
  Record r;
  ASSERT_TRUE(parse_record(R"({"x":"12","source":5,"errors":"none","rejected":[1],"frame_id":[3],"flags":1e300})", r));
  EXPECT_TRUE(std::isnan(r[Field::x]));
  EXPECT_EQ(r[Text::source], "");
  EXPECT_TRUE(std::isnan(r[Field::frame_id]));
}

TEST(ReportRecord, CutsLongTextsWhereACharacterBegins) {
  Record r;
  std::string name;
  for (int i = 0; i < 5000; ++i) name += "\u00e9";
  ASSERT_TRUE(parse_record("{\"source\":\"x" + name + "\"}", r));
  EXPECT_EQ(r[Text::source].size(), 1999U + 3);
  EXPECT_TRUE(r[Text::source].ends_with("\u00e9..."));
}

TEST(ReportRecord, SurvivesDeepNesting) {
  const std::string deep(100'000, '[');
  EXPECT_FALSE(parses("{\"errors\":" + deep + "}"));
  EXPECT_TRUE(parses("{\"errors\":" + deep + std::string(100'000, ']') + "}"));
}

TEST(ReportResults, CountsOutcomesStarsFlagsAndWhatWasLeftOut) {
  const Results r = results_of(frame_line(0, R"(,"n_stars":2,"rejected":{"hot_pixel":3})") + star_line(0, 10, 10) +
                               star_line(0, 20, 20, 0.1, R"(,"flags":17)") + frame_line(1, "", "failed") +
                               frame_line(2, R"(,"n_stars":0,"rejected":{"hot_pixel":1,"edge":2})"));
  EXPECT_EQ(r.frames, 3U);
  EXPECT_EQ(r.outcomes[0], 2U);
  EXPECT_EQ(r.outcomes[2], 1U);
  EXPECT_EQ(r.stars, 2U);
  EXPECT_EQ(r.clean_stars, 1U);
  EXPECT_EQ(r.flags[0], 1U);
  EXPECT_EQ(r.flags[4], 1U);
  EXPECT_EQ(r.rejected.at("hot_pixel"), 4);
  EXPECT_EQ(r.rows[2].left_out, 3);
  EXPECT_TRUE(std::isnan(r.rows[1].stars));
}

TEST(ReportResults, GivesEachFrameTheMedianEllipticityOfItsGoodStars) {
  std::string text = frame_line(0) + star_line(0, 10, 10, 0.1) + star_line(0, 20, 10, 0.2) + star_line(0, 30, 10, 0.4);
  text += star_line(0, 40, 10, 0.9, R"(,"flags":16)");  // at the edge
  text += star_line(0, 50, 10, 0.9, R"(,"snr":15)");
  text += frame_line(1) + star_line(1, 10, 10, 0.3) + frame_line(2);
  const Results r = results_of(text);
  EXPECT_EQ(r.rows[0].ellipticity, 0.2);
  EXPECT_EQ(r.rows[1].ellipticity, 0.3);
  EXPECT_TRUE(std::isnan(r.rows[2].ellipticity));
}

TEST(ReportResults, PlacesStarsOfTheSensorInTheirFrame) {
  const std::string frame =
      frame_line(0, R"(,"coords":"sensor","roi_x":1000,"roi_y":2000,"binning_x":2,"binning_y":2)");
  std::string text = frame;
  for (int i = 0; i < 20; ++i) text += star_line(0, 1000 + 2350, 2000 + 1250);  // of 2400 x 2400 pixels of the sensor
  const FieldMap map = results_of(text).field;
  EXPECT_EQ(map.cell(11, 6).stars, 20U);
}

TEST(ReportResults, GroupsErrorsByNodeAndCode) {
  const std::string error = R"(,"errors":[{"node":"src","code":"fits.truncated","text":"is cut"}])";
  std::string text;
  for (int i = 0; i < 9; ++i) text += frame_line(i, error, "failed");
  const Results r = results_of(text + frame_line(9, R"(,"errors":[{"node":"x","code":"c","text":"t"}])", "failed"));
  ASSERT_EQ(r.errors.size(), 2U);
  const ErrorGroup& g = r.errors.at({"src", "fits.truncated"});
  EXPECT_EQ(g.count, 9U);
  EXPECT_EQ(g.text, "is cut");
  EXPECT_EQ(g.source, "f0.fits");
  EXPECT_EQ(g.frames, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(r.rows[9].error, "c");
}

TEST(ReportResults, CountsFurtherErrorsWhereThereAreTooManyKinds) {
  std::string text;
  for (int i = 0; i < 600; ++i)
    text += frame_line(i, R"(,"errors":[{"node":"src","code":"c)" + std::to_string(i) + R"(","text":"t"}])", "failed");
  const Results r = results_of(text);
  EXPECT_EQ(r.errors.size() + r.errors_beyond, 600U);
  EXPECT_LE(r.errors.size(), 500U);
}

TEST(ReportResults, ListsTheFirstOfVeryManyFramesAndCountsAll) {
  std::string text;
  for (int i = 0; i < 100'010; ++i) text += "{\"type\":\"frame\",\"frame_id\":1,\"outcome\":\"ok\"}\n";
  const Results r = results_of(text);
  EXPECT_EQ(r.frames, 100'010U);
  EXPECT_EQ(r.rows.size(), 100'000U);
}

TEST(ReportResults, SurvivesACutLastLine) {
  const Results r = results_of(frame_line(0) + R"({"type":"star","frame_id":0,"x":1)");
  EXPECT_TRUE(r.files[0].unfinished_line);
  EXPECT_EQ(r.files[0].damaged_lines, 0U);
  EXPECT_FALSE(r.files[0].has_run);
}

TEST(ReportResults, CountsDamagedLinesAndNamesTheFirst) {
  const Results r = results_of(frame_line(0) + "\n\nrubbish\n" + frame_line(1) + std::string(10, '\0') + "\n");
  EXPECT_EQ(r.files[0].damaged_lines, 2U);
  EXPECT_EQ(r.files[0].first_damaged, 4U);
  EXPECT_EQ(r.frames, 2U);
}

TEST(ReportResults, PassesOverALineThatIsLongerThanMemoryShouldBe) {
  std::string line = "{\"x\":\"";
  line.resize(9'000'000, 'a');
  const Results r = results_of(frame_line(0) + line + "\"}\n" + frame_line(1));
  EXPECT_EQ(r.files[0].damaged_lines, 1U);
  EXPECT_EQ(r.frames, 2U);
}

TEST(ReportResults, ReadsLinesOfWindows) {
  std::string line = frame_line(0);
  line.insert(line.size() - 1, "\r");
  EXPECT_EQ(results_of(line + line).frames, 2U);
}

TEST(ReportResults, RefusesFilesThatAreNoRecords) {
  EXPECT_THROW(static_cast<void>(results_of("SIMPLE  =                    T\n")), InputError);
  EXPECT_THROW(static_cast<void>(results_of("")), InputError);
  EXPECT_THROW(static_cast<void>(results_of("\n\n")), InputError);
  EXPECT_THROW(static_cast<void>(results_of("{\"type\":\"star\"}\n")), InputError);
  EXPECT_THROW(static_cast<void>(read_results({"/nowhere/at.all"})), InputError);
  EXPECT_THROW(static_cast<void>(read_results({"/"})), InputError);
}

TEST(ReportResults, AddsMatchesUpToPulls) {
  std::string text = frame_line(0);
  const auto match = [](const std::string& rest) {
    return R"({"type":"match","frame_id":0,"snr_true":50,)" + rest + "}\n";
  };
  text += match(R"("id":1,"snr":50,"dx":0.02,"dy":-0.01,"x_err":0.01,"y_err":0.01,"flags":0)");
  text += match(R"("id":2,"snr":50,"dx":5,"dy":5,"x_err":0.01,"y_err":0.01,"flags":16)");
  text += match(R"("id":null,"snr":null,"dx":null,"dy":null,"x_err":null,"y_err":null,"flags":0)");
  const TruthCounts t = results_of(text).truth;
  EXPECT_EQ(t.stars, 3U);
  EXPECT_EQ(t.found, 2U);
  EXPECT_EQ(t.flagged, 1U);
  EXPECT_EQ(t.pull_count, 2U);
  EXPECT_NEAR(t.pull_sum, 1, 1e-12);
  EXPECT_NEAR(t.pull_square, 5, 1e-12);
  EXPECT_EQ(t.pulls[32], 1U);  // 2 to 2.25
  EXPECT_EQ(t.pulls[20], 1U);  // -1 to -0.75
}

TEST(ReportTime, IsReadAsUtc) {
  EXPECT_EQ(seconds_of("1970-01-02T00:00:01"), 86401);
  EXPECT_EQ(seconds_of("2026-11-23T14:15:11.500"), 1795443311.5);
  EXPECT_EQ(time_text(1795443311.5), "2026-11-23 14:15:11");
  for (const char* text : {"", "yesterday", "2026-13-01T00:00:00", "2026-02-30T00:00:00"})
    EXPECT_TRUE(std::isnan(seconds_of(text))) << text;
}

TEST(ReportSample, GivesTheMedianOfMoreThanItKeeps) {
  Sample s(1000);
  for (int i = 0; i < 100'000; ++i) s.add((i * 7919) % 100'000);
  EXPECT_EQ(s.count(), 100'000U);
  EXPECT_EQ(s.kept().size(), 1000U);
  EXPECT_NEAR(s.median(), 50'000, 4 * 100'000 * 0.5 / std::sqrt(1000.0));  // 4 sigma of the median of 1000 even values
}

TEST(ReportFieldMap, AveragesDirectionsAsVectors) {
  FieldMap map;
  map.set_frame(100, 100);
  for (int i = 0; i < 10; ++i) map.add(0.01, 0.01, 3, 0.2, 30);
  for (int i = 0; i < 10; ++i) map.add(0.99, 0.99, 3, 0.2, i % 2 == 0 ? 0 : 90);
  map.add(1.5, 0.5, 3, 0.2, 0);
  EXPECT_NEAR(map.cell(0, 0).ellipticity(), 0.2, 1e-12);
  EXPECT_NEAR(map.cell(0, 0).theta_deg(), 30, 1e-9);
  EXPECT_NEAR(map.cell(11, 11).ellipticity(), 0, 1e-12);
  EXPECT_EQ(map.stars(), 20U);
}

TEST(ReportFieldMap, MergesCellsOfFewStars) {
  FieldMap map;
  map.set_frame(300, 200);
  for (int row = 0; row < 4; ++row) {
    for (int column = 0; column < 6; ++column) map.add((column + 0.5) / 6, (row + 0.5) / 4, 3, 0.1, 45);
  }
  const FieldMap few = map.readable();
  EXPECT_EQ(few.columns(), 3);
  EXPECT_EQ(few.rows(), 2);
  EXPECT_EQ(few.cell(0, 0).stars, 4U);
  EXPECT_NEAR(few.cell(2, 1).ellipticity(), 0.1, 1e-12);
}

std::vector<FrameRow> even_rows(std::size_t n) {
  std::vector<FrameRow> rows(n);
  for (std::size_t i = 0; i < n; ++i) {
    rows[i].stars = 100;
    rows[i].fwhm = 3 + 0.001 * static_cast<double>(i % 7);
    rows[i].background = 200;
    rows[i].noise = 10;
  }
  return rows;
}

TEST(ReportWorstFrames, NamesTheFrameThatStandsOut) {
  std::vector<FrameRow> rows = even_rows(50);
  rows[17].fwhm = 5;
  const auto worst = worst_frames(rows, 5);
  ASSERT_EQ(worst.size(), 5U);
  EXPECT_EQ(worst[0].row, 17U);
  EXPECT_EQ(worst[0].why, "FWHM 5 px, median 3.003");
  EXPECT_GT(worst[0].sigma, 10);
  EXPECT_LT(worst[1].sigma, 3);
}

TEST(ReportWorstFrames, ShowsMoreThanOneKind) {
  std::vector<FrameRow> rows = even_rows(200);
  for (std::size_t i = 0; i < 40; ++i) rows[i].stars = 5;
  rows[100].noise = 12;
  const auto worst = worst_frames(rows, 6);
  EXPECT_TRUE(std::ranges::any_of(worst, [](const WorstFrame& w) { return w.row == 100; }));
}

TEST(ReportWorstFrames, LeavesOutWhatWasNotMeasured) {
  std::vector<FrameRow> rows = even_rows(3);
  rows[1].stars = rows[1].fwhm = rows[1].background = rows[1].noise = std::nan("");
  for (const WorstFrame& w : worst_frames(rows, 10)) EXPECT_NE(w.row, 1U);
}

}  // namespace
}  // namespace starflow::report
