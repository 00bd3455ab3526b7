// SPDX-License-Identifier: MIT
/// \file
/// What a run tells about itself: quantiles, the trace, stalls.

#include "duration_histogram.hpp"

#include <starflow/graph/diagnostic.hpp>
#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>
#include <support/program.hpp>
#include <support/temp_dir.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <semaphore>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace starflow {
namespace {

using graph::DurationHistogram;
using graph::GraphRunner;
using graph::Percentiles;
using graph::RunOptions;
using test::FunctionGraph;
using test::Number;
using Json = nlohmann::json;

TEST(DurationHistogram, GivesQuantilesNoMoreThanAnEighthTooLarge) {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> all;
  DurationHistogram histogram;
  for (int i = 0; i < 10'000; ++i) {
    all.push_back(random() >> (random() % 50 + 14));  // over all sizes
    histogram.add(all.back());
  }
  std::ranges::sort(all);
  const auto exact = [&](double part) {
    return 1e-9 * static_cast<double>(all[static_cast<std::size_t>(part * 1e4) - 1]);
  };
  const Percentiles p = histogram.percentiles();
  EXPECT_GE(p.p50, exact(0.5));
  EXPECT_LE(p.p50, exact(0.5) * 1.125);
  EXPECT_GE(p.p95, exact(0.95));
  EXPECT_LE(p.p95, exact(0.95) * 1.125);
  EXPECT_GE(p.p99, exact(0.99));
  EXPECT_LE(p.p99, exact(0.99) * 1.125);
  EXPECT_DOUBLE_EQ(p.max, exact(1));
}

TEST(DurationHistogram, HoldsTheLongestAndTheShortest) {
  DurationHistogram histogram;
  EXPECT_EQ(histogram.percentiles().p99, 0);
  histogram.add(0);
  EXPECT_EQ(histogram.percentiles().p99, 0);
  histogram.add(~std::uint64_t{0});
  EXPECT_GT(histogram.percentiles().p99, 1.8e10);
}

/// Two branches and a sink, of which one node fails at every tenth frame.
struct Diamond : FunctionGraph {
  static constexpr std::uint64_t kFrames = 60;
  Diamond() {
    run.max_in_flight = 3;
    const auto source = numbers(kFrames);
    const auto a = node("a", {source}, [](Node::Context& c) {
      test::delay(c.info().frame_id, 200);
      if (c.info().frame_id % 10 == 3) throw FrameError("test", "as planned");
      c.out(0, c.in<Number>(0));
    });
    const auto b = node("b", {source}, test::mixing(2));
    const auto both = node("both", {In(a, true), In(b)}, [](Node::Context& c) { c.out(0, c.in<Number>(1)); });
    sink("out", {both}, [](Sink::Context&) {});
  }
};

TEST(NodeTimes, CountErrorsAndOrderTheirQuantiles) {
  const auto report = Diamond().go();
  std::map<std::string, graph::NodeTime> times;
  for (const auto& t : report.times) times[t.id] = t;
  EXPECT_EQ(times.at("a").errors, 6U);
  EXPECT_EQ(times.at("b").errors, 0U);
  EXPECT_EQ(times.at("out").calls, Diamond::kFrames);
  for (const auto& [id, t] : times) {
    EXPECT_LE(t.body.p50, t.body.p95) << id;
    EXPECT_LE(t.body.p99, t.body.max) << id;
    EXPECT_LE(t.body.p50 * static_cast<double>(t.calls) / 2, t.seconds * 1.125) << id;  // half take at least the median
    EXPECT_EQ(t.wait.max > 0, id != "source") << id;
  }
}

TEST(Trace, HoldsEverySliceNestedWithItsArrowsAndCounters) {
  const test::TempDir dir;
  RunOptions options;
  options.trace = dir / "trace.json";
  const auto report = Diamond().go(options);
  std::ifstream in(options.trace);
  const Json events = Json::parse(in).at("traceEvents");
  std::map<std::string, std::uint64_t> slices;
  std::map<std::uint64_t, std::string> arrows;  // of each frame, in the order of the file
  std::map<std::uint64_t, std::vector<std::pair<double, double>>> threads;
  double most = 0;
  for (const Json& e : events) {
    const std::string ph = e.at("ph");
    if (ph == "X") {
      ++slices[e.at("name")];
      threads[e.at("tid")].emplace_back(e.at("ts"), e.at("dur"));
      EXPECT_EQ(e.at("args").at("seq"), e.at("args").at("frame_id"));
    }
    if (ph == "s" || ph == "t" || ph == "f") arrows[e.at("id")] += ph;
    if (ph == "C") most = std::max(most, e.at("args").at("frames").get<double>());
  }
  for (const auto& t : report.times) EXPECT_EQ(slices[t.id], t.id == "source" ? t.calls - 1 : t.calls) << t.id;
  ASSERT_EQ(arrows.size(), Diamond::kFrames);
  for (const auto& [seq, text] : arrows) EXPECT_EQ(text, "stttf") << seq;
  EXPECT_EQ(most, static_cast<double>(report.peak_in_flight));
  for (auto& [tid, spans] : threads) {
    std::ranges::sort(spans);
    for (std::size_t i = 1; i < spans.size(); ++i) {
      const double end = spans[i - 1].first + spans[i - 1].second;
      // A body is not entered inside another: the next begins after it. 2 ns for the three decimals.
      EXPECT_GE(spans[i].first, end - 0.002) << tid;
    }
  }
}

TEST(Trace, KeepsNothingWhereItIsNotAskedFor) {
  const test::TempDir dir;
  EXPECT_TRUE(Diamond().go().summary.complete);
  EXPECT_TRUE(std::filesystem::is_empty(dir / ""));
}

/// \return what a run of a source and a sink, which writes \p output, that is traced to \p trace is refused for; empty
/// =
///         nothing. \p frames counts those that the sink was given.
std::string refused(const std::string& trace, bool force, const std::string& output, int& frames) {
  FunctionGraph g;
  test::SinkBody sink;
  sink.start = [&](StartContext& c) {
    if (!output.empty()) c.claim_output("path", output);
  };
  sink.write = [&](Sink::Context&) { ++frames; };
  g.sink("out", {g.numbers(3)}, sink);
  RunOptions options;
  options.trace = trace;
  options.force = force;
  try {
    GraphRunner(g.spec(), options).run();
  } catch (const graph::ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Trace, ReplacesAnExistingFileOnlyByForce) {
  const test::TempDir dir;
  const std::string file = dir.write("t.json", "precious");
  int frames = 0;
  EXPECT_EQ(
      refused(file, false, "", frames),
      file + ": error: the trace: '" + file + "' exists; choose another name or allow it to be replaced (--force)\n");
  EXPECT_EQ(frames, 0) << "it is known before the run";
  EXPECT_EQ(test::file_text(file), "precious");
  EXPECT_EQ(refused(file, true, "", frames), "");
  EXPECT_EQ(frames, 3);
  EXPECT_TRUE(Json::accept(test::file_text(file)));
}

TEST(Trace, IsNoOutputOfASinkEvenByForce) {
  const test::TempDir dir;
  int frames = 0;
  const std::string file = dir / "a";
  EXPECT_NE(refused(file, true, file, frames).find("is also written by node 'out'"), std::string::npos);
  EXPECT_EQ(frames, 0);
  EXPECT_TRUE(std::filesystem::is_empty(dir / "")) << "a run that is refused leaves nothing";
}

TEST(Trace, ThatHasNoPlaceIsRefusedBeforeTheRun) {
  int frames = 0;
  EXPECT_NE(refused("/nonexistent/trace.json", false, "", frames)
                .find("the trace: the folder /nonexistent for '/nonexistent/trace.json' does not exist"),
            std::string::npos);
  EXPECT_EQ(frames, 0);
}

TEST(Trace, ThatCannotBeWrittenAbortsTheRunAfterItsFrames) {
  RunOptions options;
  options.trace = "/dev/full";
  const auto report = Diamond().go(options);
  EXPECT_EQ(report.summary.frames, Diamond::kFrames);
  EXPECT_TRUE(report.aborted);
  EXPECT_EQ(report.summary.reason, "aborted: the trace: can't write /dev/full: No space left on device");
}

TEST(Watchdog, NamesTheFrameAndTheNodeThatHoldIt) {
  FunctionGraph g;
  g.run.stall_ms = 40;
  const auto source = g.numbers(3);
  std::counting_semaphore<> told{0};
  g.node("hold", {source}, [&](Node::Context& c) {
    if (c.info().frame_id == 1) told.acquire();  // until the warning has come
    c.out(0, c.in<Number>(0));
  });
  std::vector<std::string> logged;
  RunOptions options;
  options.on_log = [&](LogLevel level, std::string_view text) {
    EXPECT_EQ(level, LogLevel::warning);
    logged.emplace_back(text);
    told.release();
  };
  EXPECT_TRUE(g.go(options).summary.complete);
  ASSERT_EQ(logged.size(), 1U) << "once a stall";
  EXPECT_NE(logged[0].find("node 'hold' has had frame 1 for "), std::string::npos) << logged[0];
  EXPECT_EQ(logged[0].rfind("no frame has come out for ", 0), 0U);
}

TEST(Watchdog, IsSilentWhereFramesComeOut) {
  FunctionGraph g;
  g.run.stall_ms = 2000;
  const auto source = g.numbers(500);
  g.node("quick", {source}, test::mixing(1));
  std::vector<std::string> logged;
  RunOptions options;
  options.on_log = [&](LogLevel, std::string_view text) { logged.emplace_back(text); };
  EXPECT_TRUE(g.go(options).summary.complete);
  EXPECT_TRUE(logged.empty());
}

}  // namespace
}  // namespace starflow
