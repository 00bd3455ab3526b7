// SPDX-License-Identifier: MIT
/// \file
/// sink.csv and sink.fits: what was measured comes back, bit for bit, from the files they write.

#include "plugin/star_list_fixture.hpp"
#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include "register.hpp"
#include "table_file.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

namespace starflow {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

RunSummary complete() {
  RunSummary s;
  s.complete = true;
  return s;
}

/// A sink, where its tables are, and how they are opened.
struct Format {
  const char* name;
  NodeType (*type)();
  const char* stars;
  const char* frames;
  const char* stars_hdu;
  const char* frames_hdu;
};
void PrintTo(const Format& format, std::ostream* out) { *out << format.name; }

const Format kFormats[] = {{"Csv", sink_csv_type, "t.csv", "t_frames.csv", "", ""},
                           {"Ecsv", sink_csv_type, "t.ecsv", "t_frames.ecsv", "", ""},
                           {"Fits", sink_fits_type, "t.fits", "t.fits", "STARS", "FRAMES"}};

class SinkTables : public ::testing::TestWithParam<Format> {
 protected:
  std::unique_ptr<Sink> started(test::OptionMap options = {}) {
    options["path"] = dir_ / GetParam().stars;
    auto sink = test::make<Sink>(GetParam().type(), options);
    sink->start(start_);
    return sink;
  }

  /// The named cells of every row.
  static std::vector<std::vector<Cell>> rows(const std::string& path,
                                             const char* hdu,
                                             const std::vector<std::string>& names) {
    const auto table = open_table(path, {hdu, {}});
    table->select(names);
    std::vector<std::vector<Cell>> all;
    for (std::vector<Cell> cells; table->next(cells);) all.push_back(cells);
    return all;
  }
  std::vector<std::vector<Cell>> stars(const std::vector<std::string>& names) const {
    return rows(dir_ / GetParam().stars, GetParam().stars_hdu, names);
  }
  std::vector<std::vector<Cell>> frames(const std::vector<std::string>& names) const {
    return rows(dir_ / GetParam().frames, GetParam().frames_hdu, names);
  }

  static bool is_fits() { return GetParam().frames_hdu[0] != '\0'; }

  test::TempDir dir_;
  test::StartContext start_;
};

void write_frame(Sink& sink, StarTable stars, std::uint64_t frame_id, FrameInfo info = {}) {
  test::SinkContext context;
  context.frame = std::move(info);
  context.frame.frame_id = frame_id;
  context.inputs[0] = test::message(test::star_list(std::move(stars), context.frame));
  sink.write(context);
}

void write_failure(Sink& sink, std::uint64_t frame_id) {
  test::SinkContext context;
  context.frame.frame_id = frame_id;
  context.frame.source = "night, \"one\".fits";
  context.result = Outcome::failed;
  context.failures = {{"src", "fits.truncated", "ends early, \"sadly\""}};
  sink.write(context);
}

double real(const Cell& cell) {
  if (const auto* i = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*i);
  return std::get<double>(cell);
}

/// Null in FITS, nothing between two commas in CSV.
bool is_null(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text != nullptr ? text->empty() : std::holds_alternative<std::nullptr_t>(cell);
}

TEST_P(SinkTables, GiveBackEveryNumberBitForBit) {
  const StarTable measured = test::distinct_stars(30);
  const auto sink = started();
  write_frame(*sink, measured, 41);
  sink->close(complete());
  for_each_column(measured, [&]<class Value>(auto name, auto, auto, const std::vector<Value>& column) {
    if (!std::is_arithmetic_v<Value> && is_fits()) return;  // our reader takes numbers only; astropy reads them, too
    const auto got = stars({"frame_id", std::string(name)});
    ASSERT_EQ(got.size(), 30U) << name;
    for (std::size_t row = 0; row < 30; ++row) {
      EXPECT_EQ(std::get<std::int64_t>(got[row][0]), 41);
      if constexpr (std::is_arithmetic_v<Value>) {
        EXPECT_EQ(real(got[row][1]), static_cast<double>(column[row])) << name;
      } else {
        EXPECT_FALSE(std::get<std::string>(got[row][1]).empty()) << name;
      }
    }
  });
}

TEST_P(SinkTables, LeaveEmptyWhatIsNotDefined) {
  StarTable measured = test::distinct_stars(1);
  measured.fwhm[0] = std::numeric_limits<double>::quiet_NaN();
  const auto sink = started();
  write_frame(*sink, measured, 0);
  sink->close(complete());
  const auto got = stars({"fwhm", "x"});
  EXPECT_TRUE(is_null(got.at(0)[0]));
  EXPECT_FALSE(is_null(got.at(0)[1]));
}

TEST_P(SinkTables, TellAnEmptySkyFromAFailure) {
  const auto sink = started();
  write_frame(*sink, test::distinct_stars(2), 0);
  write_failure(*sink, 1);
  write_frame(*sink, {}, 2);
  sink->close(complete());
  EXPECT_EQ(stars({"x"}).size(), 2U);
  const auto got = frames({"frame_id", "n_stars", "background"});
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(real(got[0][1]), 2);
  EXPECT_TRUE(is_null(got[1][1]));
  EXPECT_TRUE(is_null(got[1][2]));
  EXPECT_EQ(real(got[2][1]), 0);
  if (is_fits()) return;
  const auto words = frames({"outcome", "source", "errors"});
  EXPECT_EQ(std::get<std::string>(words[1][0]), "failed");
  EXPECT_EQ(std::get<std::string>(words[1][1]), "night, \"one\".fits");
  EXPECT_EQ(std::get<std::string>(words[1][2]), "src: fits.truncated: ends early, \"sadly\"");
  EXPECT_EQ(std::get<std::string>(words[2][0]), "ok");
}

TEST_P(SinkTables, HaveTheColumnsThatWereChosenUnderTheirNewNames) {
  const StarTable measured = test::distinct_stars(3);
  using Texts = std::vector<std::string>;
  const auto sink = started({{"columns", Texts{"y", "x", "flux"}}, {"rename", Texts{"x=X_IMAGE", "y=Y_IMAGE"}}});
  write_frame(*sink, measured, 7);
  sink->close(complete());
  const auto table = open_table(dir_ / GetParam().stars, {GetParam().stars_hdu, {}});
  EXPECT_EQ(table->columns(), (Texts{"frame_id", "Y_IMAGE", "X_IMAGE", "flux"}));
  EXPECT_EQ(real(stars({"X_IMAGE"}).at(2)[0]), measured.x[2]);
}

/// Two stars, the second without a track.
StarList tracked(const FrameInfo& info) {
  StarList list = test::star_list(test::distinct_stars(2), info);
  list.tracks.resize(2);
  list.tracks.track_id[0] = 41;
  list.tracks.x_ref[0] = 100.25;
  list.tracks.y_residual[0] = -0.5;
  return list;
}

TEST_P(SinkTables, HaveTheTracksWhereTheyAreAskedFor) {
  const auto sink = started({{"columns", std::vector<std::string>{"*", "track_id", "x_ref", "y_residual"}},
                             {"origin", std::string("fits1")}});
  test::SinkContext context;
  context.inputs[0] = test::message(tracked(context.frame));
  sink->write(context);
  write_frame(*sink, test::distinct_stars(1), 1);  // of a graph in which nobody followed the stars
  sink->close(complete());
  const auto got = stars({"track_id", "x_ref", "y_residual", "fwhm"});
  EXPECT_EQ(real(got.at(0)[0]), 41);
  EXPECT_EQ(real(got[0][1]), 101.25);
  EXPECT_EQ(real(got[0][2]), -0.5);
  EXPECT_FALSE(is_null(got[0][3]));
  for (const std::size_t row : {1U, 2U}) {
    for (const std::size_t k : {0U, 1U, 2U}) EXPECT_TRUE(is_null(got.at(row)[k])) << row << ' ' << k;
  }
}

TEST_P(SinkTables, CountPixelsAsAskedFor) {
  StarTable measured = test::distinct_stars(1);
  measured.x = {10};
  measured.x_err = {0.5};
  FrameInfo info;
  info.roi_x = 100;
  info.binning_x = 2;
  const auto sink = started({{"coords", std::string("sensor")}, {"origin", std::string("fits1")}});
  write_frame(*sink, measured, 0, info);
  sink->close(complete());
  const auto got = stars({"x", "x_err"});
  EXPECT_EQ(real(got.at(0)[0]), 10 * 2 + 0.5 + 100 + 1);
  EXPECT_EQ(real(got.at(0)[1]), 1.0);
}

TEST_P(SinkTables, OfARunWithoutFramesAreEmpty) {
  started()->close(complete());
  EXPECT_EQ(stars({"x"}).size(), 0U);
  EXPECT_EQ(frames({"frame_id"}).size(), 0U);
}

TEST_P(SinkTables, HaveTheirNamesOnlyWhenTheRunIsComplete) {
  const std::string stars_path = dir_ / GetParam().stars, frames_path = dir_ / GetParam().frames;
  auto sink = started();
  write_frame(*sink, test::distinct_stars(2), 0);
  EXPECT_FALSE(fs::exists(stars_path) || fs::exists(frames_path));
  RunSummary stopped;
  stopped.reason = "interrupted";
  sink->close(stopped);
  EXPECT_FALSE(fs::exists(stars_path) || fs::exists(frames_path));
  EXPECT_EQ(json::parse(sink->report()).at("incomplete_output"), stars_path + ".part");
  EXPECT_EQ(rows(stars_path + ".part", GetParam().stars_hdu, {"x"}).size(), 2U) << "what was measured can be read";
  sink.reset();
  start_ = {};
  sink = started();
  ASSERT_FALSE(start_.logged.empty()) << "it replaces an unfinished file";
  sink->close(complete());
  EXPECT_TRUE(fs::exists(stars_path) && fs::exists(frames_path));
  EXPECT_FALSE(fs::exists(stars_path + ".part"));
}

TEST_P(SinkTables, OfARunThatIsRefusedLeaveNothing) {
  started().reset();
  EXPECT_TRUE(fs::is_empty(dir_.path()));
}

TEST_P(SinkTables, AreNotWrittenOverOthersUnlessForced) {
  dir_.write(GetParam().frames, "mine");
  EXPECT_THROW(started(), OptionError);
  EXPECT_EQ(read(dir_ / GetParam().frames), "mine");
}

INSTANTIATE_TEST_SUITE_P(Formats, SinkTables, ::testing::ValuesIn(kFormats), [](const auto& p) {
  return p.param.name;
});

struct Wrong {
  std::vector<std::string> columns, rename;
  const char* option;
  const char* part;  ///< of the message
};

TEST(StarColumns, RefuseNamesThatCantBe) {
  const Wrong kWrong[] = {
      {{"x", "x"}, {}, "columns", "two columns are called \"x\""},
      {{"x"}, {"y=Y"}, "rename", "\"y\" is not among the columns"},
      {{"x"}, {"x"}, "rename", "COLUMN=NAME"},
      {{"x"}, {"x="}, "rename", "no name for a column"},
      {{"x"}, {"x=a b"}, "rename", "no name for a column"},
      {{"x"}, {"x=frame_id"}, "rename", "two columns are called \"frame_id\""},
      {{"x", "y"}, {"x=y"}, "rename", "two columns are called \"y\""},
      {{"x", "y"}, {"x=a", "x=b"}, "rename", "stands twice"},
      {{"x"}, {"nonsense=a"}, "rename", "there is no column \"nonsense\""},
  };
  for (const Wrong& wrong : kWrong) {
    try {
      (void)test::make<Sink>(sink_csv_type(), {{"columns", wrong.columns}, {"rename", wrong.rename}});
      ADD_FAILURE() << wrong.part;
    } catch (const OptionError& e) {
      EXPECT_EQ(e.option(), wrong.option);
      EXPECT_NE(std::string(e.what()).find(wrong.part), std::string::npos) << e.what();
    }
  }
}

TEST(StarColumns, CanChangePlaces) {
  const auto sink = test::make<Sink>(sink_csv_type(), {{"columns", std::vector<std::string>{"x", "y"}},
                                                       {"rename", std::vector<std::string>{"x=y", "y=x"}}});
  EXPECT_NE(sink, nullptr);
}

TEST(StarColumns, AreThoseOfTheJsonLinesToo) {
  const test::TempDir dir;
  const auto sink = test::make<Sink>(sink_jsonl_type(), {{"path", dir / "t.jsonl"},
                                                         {"columns", std::vector<std::string>{"x", "source"}},
                                                         {"rename", std::vector<std::string>{"x=X"}}});
  test::StartContext start;
  sink->start(start);
  FrameInfo info;
  info.source = "a.fits";
  write_frame(*sink, test::distinct_stars(1), 3, info);
  sink->close(complete());
  std::istringstream lines(read(dir / "t.jsonl"));
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  json star = json::parse(line);
  EXPECT_TRUE(star.at("X").is_number());
  star.erase("X");
  EXPECT_EQ(star, (json{{"type", "star"}, {"frame_id", 3}, {"source", "a.fits"}}));
}

TEST(StarColumns, OfTracksStandInJsonLinesWhereStarsHaveThem) {
  const test::TempDir dir;
  const auto sink = test::make<Sink>(sink_jsonl_type(), {{"path", dir / "t.jsonl"}});
  test::StartContext start;
  sink->start(start);
  test::SinkContext context;
  StarList list = tracked(context.frame);
  FrameRegistration registration;
  registration.reference = "a.fits";
  registration.done = true;
  registration.stars = 2;
  registration.rms_px = 0.25;
  list.registration = std::make_shared<const FrameRegistration>(registration);
  context.inputs[0] = test::message(std::move(list));
  sink->write(context);
  write_frame(*sink, test::distinct_stars(1), 1);
  sink->close(complete());
  std::istringstream lines(read(dir / "t.jsonl"));
  std::vector<json> records;
  for (std::string line; std::getline(lines, line);) records.push_back(json::parse(line));
  EXPECT_EQ(
      records.at(0).at("registration"),
      (json{{"reference", "a.fits"}, {"stars", 2}, {"rms", 0.25}, {"to_reference", {1.0, 0.0, 0.0, 0.0, 1.0, 0.0}}}));
  EXPECT_EQ(records.at(1).at("track_id"), 41);
  EXPECT_EQ(records.at(1).at("y_residual"), -0.5);
  EXPECT_TRUE(records.at(2).at("track_id").is_null());
  EXPECT_FALSE(records.at(3).contains("registration"));
  EXPECT_FALSE(records.at(4).contains("track_id"));
}

TEST(SinkCsv, WritesTheFlagsInWords) {
  const test::TempDir dir;
  StarTable stars = test::distinct_stars(1);
  stars.flags = {flag::saturated | flag::edge};
  const auto sink =
      test::make<Sink>(sink_csv_type(), {{"path", dir / "t.csv"}, {"columns", std::vector<std::string>{"flag_names"}}});
  test::StartContext start;
  sink->start(start);
  write_frame(*sink, stars, 0);
  sink->close(complete());
  EXPECT_EQ(read(dir / "t.csv"), "frame_id,flag_names\n0,saturated;edge\n");
}

TEST(SinkCsv, WritesNoTableOfFramesBesideAPipe) {
  const auto sink = test::make<Sink>(sink_csv_type(), {{"path", std::string("/dev/null")}});
  test::StartContext start;
  start.force_outputs = true;
  sink->start(start);
  write_failure(*sink, 0);
  sink->close(complete());
  EXPECT_FALSE(fs::exists("/dev/null_frames"));
}

TEST(SinkFits, RefusesWhatNoTableCanHold) {
  for (const char* name : {"flag_names", "source"}) {
    EXPECT_THROW((void)test::make<Sink>(sink_fits_type(), {{"columns", std::vector<std::string>{name}}}), OptionError);
  }
  test::StartContext start;
  start.force_outputs = true;
  EXPECT_THROW(test::make<Sink>(sink_fits_type(), {{"path", std::string("/dev/null")}})->start(start), OptionError);
}

}  // namespace
}  // namespace starflow
