// SPDX-License-Identifier: MIT
#include "plugin/star_list_fixture.hpp"
#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include "register.hpp"
#include "score.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

using nlohmann::json;

struct True {
  double x, y, snr;
  bool isolated = true;
};
struct Measured {
  double x, y;
  Flags flags = 0;
};

constexpr double kBound = 0.01;  // px, of every true star
constexpr double kError = 0.02;  // px, reported by every measured star

Truth truths(const std::vector<True>& list) {
  Truth t;
  for (const True& s : list) {
    t.x.push_back(s.x);
    t.y.push_back(s.y);
    t.flux.push_back(1000);
    t.snr.push_back(s.snr);
    t.x_crlb.push_back(kBound);
    t.y_crlb.push_back(kBound);
    t.isolated.push_back(s.isolated);
  }
  return t;
}

StarTable table(const std::vector<Measured>& list) {
  StarTable t;
  t.resize(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    t.x[i] = list[i].x;
    t.y[i] = list[i].y;
    t.x_err[i] = t.y_err[i] = kError;
    t.flags[i] = list[i].flags;
  }
  return t;
}

json score(const std::vector<True>& is, const std::vector<Measured>& found) {
  Score s(10);
  s.add(truths(is), table(found), 1.5);
  return json::parse(s.json());
}

TEST(MatchStars, TakesTheNearestOfTwo) {
  EXPECT_EQ(match_stars(truths({{50, 50, 100}}), table({{51, 50}, {50.1, 50}}), 1.5), (std::vector<std::size_t>{1}));
}

TEST(MatchStars, GivesEachMeasuredStarAwayOnce) {
  EXPECT_EQ(match_stars(truths({{50, 50, 100}, {51, 50, 100}}), table({{50.9, 50}}), 1.5),
            (std::vector<std::size_t>{kNoMatch, 0}));
}

TEST(MatchStars, LooksAcrossTheBordersOfItsCells) {
  EXPECT_EQ(match_stars(truths({{31.9, 47.9, 100}, {100, 100, 9}}), table({{32.1, 48.1}}), 1.5),
            (std::vector<std::size_t>{0, kNoMatch}));
}

TEST(MatchStars, PassesOverPositionsThatAreNotDefined) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(match_stars(truths({{0, 0, 100}}), table({{nan, 0}}), 1.5), (std::vector<std::size_t>{kNoMatch}));
}

TEST(Score, CountsTheFoundTheMissedAndTheFalse) {
  const json s =
      score({{10, 10, 50}, {40, 40, 50}, {70, 70, 50}, {90, 90, 50, false}}, {{10, 10}, {40.5, 40}, {60, 20}});
  EXPECT_EQ(s.at("n_truth"), 4);
  EXPECT_EQ(s.at("n_measured"), 3);
  EXPECT_EQ(s.at("false_detections"), 1);
  EXPECT_EQ(s.at("n_isolated"), 3);
  EXPECT_EQ(s.at("found"), 2);
  EXPECT_NEAR(s.at("completeness").get<double>(), 2.0 / 3, 1e-15);
}

TEST(Score, MeasuresErrorsInPixelsBoundsAndReportedErrors) {
  const json s = score({{10, 10, 50}, {40, 40, 50}}, {{10.03, 10}, {40.01, 40.02}});
  EXPECT_NEAR(s.at("rms_x").get<double>(), std::sqrt((9 + 1) / 2.0) * 0.01, 1e-12);
  EXPECT_NEAR(s.at("rms_y").get<double>(), std::sqrt(4 / 2.0) * 0.01, 1e-12);
  EXPECT_NEAR(s.at("rms_over_crlb").get<double>(), std::sqrt((9 + 1 + 4) / 4.0), 1e-10);
  EXPECT_NEAR(s.at("pull_rms_x").get<double>(), std::sqrt((9 + 1) / 2.0) / 2, 1e-10);
}

TEST(Score, KeepsOutliersInTheirMeanAndCountsThem) {
  const json s = score({{10, 10, 50}, {40, 40, 50}}, {{10.5, 10}, {40, 40}});
  EXPECT_EQ(s.at("outliers"), 1);
  EXPECT_NEAR(s.at("rms_over_crlb_x").get<double>(), 50 / std::sqrt(2), 1e-9);
}

TEST(Score, CallsFlaggedAndMissedStarsFailures) {
  const json s = score({{10, 10, 50}, {40, 40, 50}, {70, 70, 50}},
                       {{10, 10, flag::no_convergence}, {40, 40, flag::forced_position}});
  EXPECT_EQ(s.at("failures"), 2);
  EXPECT_EQ(s.at("flagged_fraction"), 0.5);
  EXPECT_EQ(s.at("rms_x"), 0);
}

TEST(Score, SortsStarsByTheirSignal) {
  const json s = score({{10, 10, 5}, {40, 40, 10}, {70, 70, 99}, {90, 90, 100}}, {{10, 10}, {40, 40}, {70, 70}});
  EXPECT_EQ(s.at("n_isolated"), 3) << "below snr_min";
  const json& bins = s.at("by_snr");
  ASSERT_EQ(bins.size(), 4U);
  EXPECT_EQ(bins[0].at("found"), 1);
  EXPECT_EQ(bins[1].at("found"), 1);
  EXPECT_EQ(bins[2].at("n_isolated"), 1);
  EXPECT_EQ(bins[3].at("completeness"), 0);
  EXPECT_TRUE(bins[3].at("snr_max").is_null());
  EXPECT_TRUE(bins[3].at("rms_x").is_null());
}

TEST(SinkScore, AddsFramesUpAndCountsTheFailed) {
  const auto sink = test::make<Sink>(sink_score_type(), {});
  for (int i = 0; i < 2; ++i) {
    test::SinkContext context;
    context.inputs[0] = test::message(test::star_list(table({{10, 10}})));
    context.inputs[1] = test::message(truths({{10, 11.4, 50}}));
    sink->write(context);
  }
  test::SinkContext failed;
  failed.result = Outcome::failed;
  failed.inputs[1] = test::message(truths({{10, 10, 50}}));
  sink->write(failed);
  sink->close({});
  const json s = json::parse(sink->report());
  EXPECT_EQ(s.at("frames"), 2);
  EXPECT_EQ(s.at("failed_frames"), 1);
  EXPECT_EQ(s.at("found"), 2) << "1.4 px are within half of the FWHM of 3 px";
}

TEST(SinkScore, WritesHowFarOffEachIsolatedStarWasMeasured) {
  const test::TempDir dir;
  const auto sink = test::make<Sink>(sink_score_type(), {{"path", dir / "m.jsonl"}});
  test::StartContext start;
  sink->start(start);
  test::SinkContext context;
  context.inputs[0] = test::message(test::star_list(table({{10.25, 9.5, flag::edge}})));
  context.inputs[1] = test::message(truths({{10, 10, 50}, {40, 40, 30}, {70, 70, 50, false}}));
  sink->write(context);
  RunSummary complete;
  complete.complete = true;
  sink->close(complete);
  std::ifstream in(dir / "m.jsonl");
  std::string first, second, third;
  std::getline(in, first);
  std::getline(in, second);
  EXPECT_FALSE(std::getline(in, third)) << "a star that is not isolated";
  const json found = json::parse(first), missed = json::parse(second);
  EXPECT_EQ(found.at("type"), "match");
  EXPECT_EQ(found.at("snr_true"), 50);
  EXPECT_EQ(found.at("dx"), 0.25);
  EXPECT_EQ(found.at("dy"), -0.5);
  EXPECT_EQ(found.at("x_err"), kError);
  EXPECT_EQ(found.at("x_crlb"), kBound);
  EXPECT_EQ(found.at("flags"), flag::edge);
  EXPECT_EQ(missed.at("snr_true"), 30);
  EXPECT_TRUE(missed.at("id").is_null());
  EXPECT_TRUE(missed.at("dx").is_null());
  const json schema = json::parse(std::ifstream(STARFLOW_SOURCE_DIR "/configs/schema/record.schema.json"));
  std::set<std::string> described, written;
  for (const auto& [name, value] : schema.at("$defs").at("match").at("properties").items()) described.insert(name);
  for (const auto& [name, value] : found.items()) written.insert(name);
  EXPECT_EQ(described, written);
}

TEST(SinkScore, SaysWhereTheMatchesOfARunAreThatDidNotEnd) {
  const test::TempDir dir;
  const auto sink = test::make<Sink>(sink_score_type(), {{"path", dir / "m.jsonl"}});
  test::StartContext start;
  sink->start(start);
  test::SinkContext context;
  context.inputs[0] = test::message(test::star_list(table({{10, 10}})));
  context.inputs[1] = test::message(truths({{10, 10, 50}}));
  sink->write(context);
  sink->close({});
  const json report = json::parse(sink->report());
  EXPECT_EQ(report.at("found"), 1);
  EXPECT_EQ(report.at("incomplete_output"), dir / "m.jsonl.part");
  EXPECT_FALSE(std::filesystem::exists(dir / "m.jsonl"));
}

}  // namespace
}  // namespace starflow
