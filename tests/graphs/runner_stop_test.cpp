// SPDX-License-Identifier: MIT
/// \file
/// Drain and abort, at any moment and from any thread.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace starflow {
namespace {

using graph::FrameResult;
using graph::GraphRunner;
using graph::RunOptions;
using graph::RunReport;
using test::FunctionGraph;
using test::mix;
using test::Number;
using test::outcomes;
using namespace std::chrono_literals;

Frame tiny(std::uint64_t id) {
  FrameInfo info;
  info.frame_id = id;
  return Frame::adopt(cv::Mat(4, 4, CV_8UC1, cv::Scalar(0)), std::move(info));
}

std::uint64_t total(const RunSummary& s) {
  std::uint64_t sum = 0;
  for (const std::uint64_t n : s.outcomes) sum += n;
  return sum;
}

TEST(Drain, FinishesWhatWasAdmittedAndCallsTheRunInterrupted) {
  FunctionGraph g;
  g.run.max_in_flight = 3;
  std::atomic<GraphRunner*> runner{nullptr};
  std::atomic<std::uint64_t> processed{0};
  const auto node = g.node("node", {g.numbers(100000)}, [&](Node::Context& c) {
    if (c.info().frame_id == 50) runner.load()->drain();
    EXPECT_FALSE(c.stop().stop_requested());
    ++processed;
    test::mixing(1)(c);
  });
  RunSummary closed;
  test::SinkBody sink;
  sink.close = [&](const RunSummary& s) { closed = s; };
  g.sink("sink", {node}, sink);
  GraphRunner run(g.spec(), {});
  runner = &run;
  const RunReport report = run.run();
  EXPECT_FALSE(report.aborted);
  EXPECT_FALSE(closed.complete);
  EXPECT_EQ(closed.reason, "interrupted");
  EXPECT_EQ(outcomes(report.summary, Outcome::ok), processed.load());
  EXPECT_EQ(report.summary.frames, processed.load());
  EXPECT_GT(report.summary.frames, 50U);
  EXPECT_LE(report.summary.frames, 55U);  // 3 were in flight at most, and one was being read
}

TEST(Abort, StopsBodiesThroughTheTokenAndGivesEveryFrameAnOutcome) {
  FunctionGraph g;
  g.run.max_in_flight = 8;
  std::latch inside(1);
  std::atomic<bool> counted{false};
  const auto slow = g.node("slow", {g.numbers(1000)}, [&](Node::Context& c) {
    if (!counted.exchange(true)) inside.count_down();
    while (!c.stop().stop_requested()) std::this_thread::sleep_for(100us);
    throw FrameError("cancelled", "asked to stop");
  });
  std::uint64_t written = 0;
  g.sink("sink", {slow}, [&](Sink::Context& c) {
    ++written;
    EXPECT_EQ(c.outcome(), Outcome::cancelled);
  });
  GraphRunner run(g.spec(), {});
  auto report = std::async(std::launch::async, [&] { return run.run(); });
  inside.wait();
  const auto t0 = std::chrono::steady_clock::now();
  run.abort();
  EXPECT_LT(std::chrono::steady_clock::now() - t0, 1s);
  ASSERT_EQ(report.wait_for(5s), std::future_status::ready);
  const RunReport r = report.get();
  EXPECT_TRUE(r.aborted);
  EXPECT_EQ(r.summary.reason, "aborted");
  EXPECT_EQ(outcomes(r.summary, Outcome::cancelled), r.summary.frames);
  EXPECT_EQ(written, r.summary.frames);
  EXPECT_LE(r.summary.frames, 9U);
}

TEST(Abort, EndsAParallelLoopThatDoesNotPoll) {
  FunctionGraph g;
  std::latch inside(1);
  std::atomic<std::size_t> ranges{0};
  const auto node = g.node("loop", {g.numbers(1)}, [&](Node::Context& c) {
    c.parallel()(100000, 1, [&](std::size_t, std::size_t) {
      if (ranges++ == 0) inside.count_down();
      std::this_thread::sleep_for(1ms);
    });
    test::mixing(1)(c);
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  GraphRunner run(g.spec(), {});
  auto report = std::async(std::launch::async, [&] { return run.run(); });
  inside.wait();
  run.abort();
  ASSERT_EQ(report.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(outcomes(report.get().summary, Outcome::cancelled), 1U);
  EXPECT_LT(ranges, 1000U);
}

TEST(Abort, WakesASourceThatWaits) {
  FunctionGraph g;
  std::latch inside(1);
  const auto src = g.source([&](Source::Context& c) -> bool {
    inside.count_down();
    while (!c.stop().stop_requested()) std::this_thread::sleep_for(100us);
    throw FrameError("cancelled", "asked to stop");
  });
  g.sink("sink", {src}, [](Sink::Context&) {});
  GraphRunner run(g.spec(), {});
  auto report = std::async(std::launch::async, [&] { return run.run(); });
  inside.wait();
  run.abort();
  ASSERT_EQ(report.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(outcomes(report.get().summary, Outcome::cancelled), 1U);
}

// Stops a run of 40 frames after a delay that sweeps over its whole length; every frame that went in must come out.
TEST(Stop, LosesNoOutcomeAtAnyMoment) {
  for (std::uint64_t round = 0; round < 400; ++round) {
    FunctionGraph g;
    g.run.max_in_flight = 1 + round % 5;
    std::atomic<std::uint64_t> made{0};
    const auto src = g.source([&](Source::Context& c) {
      if (made == 40) return false;
      c.info.frame_id = made++;
      c.out(0, Number{c.info.frame_id, 1});
      return true;
    });
    const auto a = g.node("a", {src}, [](Node::Context& c) {
      test::delay(c.info().frame_id, 20);
      test::mixing(1)(c);
    });
    const auto b = g.node("b", {src, a}, test::mixing(2), true);
    std::uint64_t written = 0, results = 0, closed = 0;
    test::SinkBody sink;
    sink.write = [&](Sink::Context& c) { EXPECT_EQ(c.info().frame_id, written++); };
    sink.close = [&](const RunSummary&) { ++closed; };
    g.sink("sink", {b}, sink);
    RunOptions options;
    options.on_result = [&](const FrameResult&) { ++results; };
    GraphRunner run(g.spec(), options);
    std::thread stopper([&] {
      test::delay(4 * round + 1, 1500);
      round % 2 == 0 ? run.drain() : run.abort();
      run.drain();
    });
    const RunReport report = run.run();
    stopper.join();
    ASSERT_EQ(report.summary.frames, made.load());
    ASSERT_EQ(total(report.summary), made.load());
    ASSERT_EQ(written, made.load());
    ASSERT_EQ(results, made.load());
    ASSERT_EQ(closed, 1U);
    ASSERT_EQ(report.summary.complete, report.summary.reason.empty());
    if (round % 2 == 0) {
      ASSERT_EQ(outcomes(report.summary, Outcome::ok), made.load());
    }
  }
}

// Three threads submit into a graph that takes one frame at a time, so that most of them are blocked when it stops.
TEST(Stop, WakesBlockedSubmittersAndCountsTheirFramesAsRejected) {
  for (std::uint64_t round = 0; round < 200; ++round) {
    FunctionGraph g;
    g.run.max_in_flight = 1;
    const auto node = g.node("node", {g.push()}, [](Node::Context& c) {
      std::this_thread::sleep_for(50us);
      c.out(0, Number{c.info().frame_id, 1});
    });
    std::uint64_t written = 0;
    g.sink("sink", {node}, [&](Sink::Context&) { ++written; });
    GraphRunner run(g.spec(), {});
    std::atomic<std::uint64_t> accepted{0}, refused{0};
    std::vector<std::thread> submitters;
    for (std::uint64_t s = 0; s < 3; ++s) {
      submitters.emplace_back([&, s] {
        for (std::uint64_t i = 0; i < 10; ++i) (run.submit(tiny(10 * s + i)) ? accepted : refused).fetch_add(1);
      });
    }
    test::delay(4 * round + 1, 1000);
    if (round % 3 == 0) run.drain();
    if (round % 3 == 1) run.abort();
    const RunReport report = run.finish();  // with round % 3 == 2 it turns newcomers away itself
    for (std::thread& t : submitters) t.join();
    ASSERT_EQ(accepted + refused, 30U);
    ASSERT_EQ(written, accepted.load());
    ASSERT_EQ(report.summary.frames - outcomes(report.summary, Outcome::rejected), accepted.load());
    ASSERT_LE(outcomes(report.summary, Outcome::rejected), refused.load());  // some came after the report
    ASSERT_EQ(report.summary.complete, round % 3 == 2);
  }
}

TEST(Runner, AbortsAndClosesItsSinksWhenItIsDestroyed) {
  for (const bool used : {false, true}) {
    FunctionGraph g;
    int closed = 0;
    RunSummary last;
    test::SinkBody sink;
    sink.close = [&](const RunSummary& s) {
      ++closed;
      last = s;
    };
    const auto node = g.node("node", {g.push()}, [](Node::Context& c) {
      while (!c.stop().stop_requested()) std::this_thread::sleep_for(100us);
    });
    g.sink("sink", {node}, sink);
    {
      GraphRunner run(g.spec(), {});
      EXPECT_TRUE(!used || run.submit(tiny(0)));
    }
    EXPECT_EQ(closed, 1);
    EXPECT_FALSE(last.complete);
    EXPECT_EQ(last.reason, "aborted");
    EXPECT_EQ(outcomes(last, Outcome::cancelled), used ? 1U : 0U);
  }
}

}  // namespace
}  // namespace starflow
