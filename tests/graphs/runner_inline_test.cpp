// SPDX-License-Identifier: MIT
/// \file
/// Frames that a host takes through the graph itself: the same results without a thread.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
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

Frame tiny(std::uint64_t id, int side = 4) {
  FrameInfo info;
  info.frame_id = id;
  return Frame::adopt(cv::Mat(side, side, CV_8UC1, cv::Scalar(static_cast<double>(id % 251))), std::move(info));
}

/// Branches, a loop that depends on its cuts, a memory over frames, failures, and a node that does without one branch.
/// What leaves it is written into `seen` by its sink.
struct Branching : FunctionGraph {
  static constexpr std::uint64_t kFrames = 300;
  std::uint64_t memory = 0;
  std::vector<std::uint64_t> seen;

  Branching() {
    const auto source = push();
    const auto loop = node("loop", {source}, [](Node::Context& c) {
      const std::uint64_t value = c.in<Frame>(0).image().at<std::uint8_t>(1, 1);
      std::vector<std::uint64_t> parts(8, 0);
      c.parallel()(509, 64, [&](std::size_t begin, std::size_t end) {
        std::uint64_t x = begin;
        for (std::size_t i = begin; i < end; ++i) x = mix(x, value + i);
        parts[begin / 64] = mix(x, end);
        if (c.info().frame_id % 41 == 7 && begin >= 128) throw FrameError("test.range", std::to_string(begin));
      });
      std::uint64_t all = 0;
      for (const std::uint64_t p : parts) all = mix(all, p);
      c.out(0, Number{c.info().frame_id, all});
    });
    const auto weak = node("weak", {source}, [](Node::Context& c) {
      if (c.info().frame_id % 37 == 5) throw std::runtime_error("as planned");
      c.out(0, Number{c.info().frame_id, 3});
    });
    const auto both = node("both", {loop, {weak, true}}, test::mixing(4));
    const auto track = node(
        "track", {both},
        [this](Node::Context& c) {
          memory = mix(memory, c.in<Number>(0).value);
          c.out(0, Number{c.info().frame_id, memory});
        },
        true);
    sink("sink", {track, weak}, [this](Sink::Context& c) {
      seen.push_back(c.info().frame_id);
      seen.push_back(static_cast<std::uint64_t>(c.outcome()));
      for (const std::size_t port : {0U, 1U}) {
        const auto* n = c.input(port).as<Number>();
        seen.push_back(n == nullptr ? 0 : n->value);
      }
      for (const NodeError& e : c.errors()) seen.push_back(std::hash<std::string>()(e.node + e.code + e.text));
    });
  }
};

TEST(Inline, GivesWhatAnyNumberOfThreadsGives) {
  // So that eight threads run on a machine of two CPUs, too.
  const oneapi::tbb::global_control eight(oneapi::tbb::global_control::max_allowed_parallelism, 8);
  Branching alone;
  {
    GraphRunner run(alone.spec(), {});
    for (std::uint64_t i = 0; i < Branching::kFrames; ++i) run.process(tiny(i));
    EXPECT_EQ(run.finish().summary.frames, Branching::kFrames);
  }
  ASSERT_GT(alone.seen.size(), 4 * Branching::kFrames);
  for (const int threads : {1, 2, 8}) {
    for (const std::size_t in_flight : {1U, 2U, 16U}) {
      Branching g;
      g.run.threads = threads;
      g.run.max_in_flight = in_flight;
      GraphRunner run(g.spec(), {});
      for (std::uint64_t i = 0; i < Branching::kFrames; ++i) EXPECT_TRUE(run.submit(tiny(i)));
      run.finish();
      EXPECT_EQ(g.seen, alone.seen) << threads << " threads, " << in_flight << " frames in flight";
    }
  }
}

std::ptrdiff_t threads_of_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

TEST(Inline, WorksInTheCallingThreadAndStartsNone) {
  FunctionGraph g;
  g.run.threads = 4;
  std::set<std::thread::id> at_work;
  const auto node = g.node("node", {g.push()}, [&](Node::Context& c) {
    c.parallel()(64, 1, [&](std::size_t, std::size_t) { at_work.insert(std::this_thread::get_id()); });
    c.out(0, Number{c.info().frame_id, 1});
  });
  g.sink("sink", {node}, [&](Sink::Context&) { at_work.insert(std::this_thread::get_id()); });
  const auto before = threads_of_process();
  GraphRunner run(g.spec(), {});
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(run.process(tiny(i)).outcome, Outcome::ok);
  EXPECT_EQ(threads_of_process(), before);
  run.finish();
  EXPECT_EQ(at_work, std::set{std::this_thread::get_id()});
}

TEST(Inline, ReturnsWhatBecameOfTheFrameAndTellsTheCallbackTheSame) {
  FunctionGraph g;
  g.run.max_bytes_in_flight = 16;
  const auto node = g.node("node", {g.push()}, [](Node::Context& c) {
    if (c.info().frame_id == 1) throw FrameError("test.bad", "as planned");
    c.out(0, Number{c.info().frame_id, 11});
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  RunOptions options;
  options.keep = {"node.out"};
  std::vector<std::pair<std::uint64_t, Outcome>> told;
  options.on_result = [&](const FrameResult& r) { told.emplace_back(r.info.frame_id, r.outcome); };
  GraphRunner run(g.spec(), options);
  const FrameResult good = run.process(tiny(0));
  EXPECT_EQ(good.outcome, Outcome::ok);
  EXPECT_EQ(good.info.width, 4);
  EXPECT_EQ(good.config_hash, "0123456789abcdef");
  EXPECT_EQ(good.output("node", "out").as<Number>()->value, 11U);
  const FrameResult bad = run.process(tiny(1));
  EXPECT_EQ(bad.outcome, Outcome::failed);
  ASSERT_EQ(bad.errors.size(), 1U);
  EXPECT_EQ(bad.errors[0].code, "test.bad");
  EXPECT_FALSE(bad.output("node", "out"));
  const FrameResult large = run.process(tiny(2, 5));
  EXPECT_EQ(large.outcome, Outcome::failed);
  EXPECT_EQ(large.errors.at(0).code, "too_large");
  const RunReport report = run.finish();
  EXPECT_EQ(run.process(tiny(3)).outcome, Outcome::rejected);
  EXPECT_EQ(told, (std::vector<std::pair<std::uint64_t, Outcome>>{
                      {0, Outcome::ok}, {1, Outcome::failed}, {2, Outcome::failed}}));
  EXPECT_EQ(report.summary.frames, 3U);
  EXPECT_EQ(report.peak_in_flight, 1U);
  EXPECT_TRUE(report.summary.complete);
}

TEST(Inline, TakesTurnsWhereSeveralThreadsCall) {
  FunctionGraph g;
  std::atomic<int> inside{0};
  bool alone = true;
  const auto node = g.node("node", {g.push()}, [&](Node::Context& c) {
    if (inside++ != 0) alone = false;
    test::delay(c.info().frame_id, 20);
    --inside;
    c.out(0, Number{c.info().frame_id, 1});
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  GraphRunner run(g.spec(), {});
  std::vector<std::thread> hosts;
  for (std::uint64_t t = 0; t < 3; ++t) {
    hosts.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 200; ++i) EXPECT_EQ(run.process(tiny(200 * t + i)).info.frame_id, 200 * t + i);
    });
  }
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(outcomes(run.finish().summary, Outcome::ok), 600U);
  EXPECT_TRUE(alone);
}

TEST(Inline, IsCancelledByAnAbortOfAnotherThread) {
  FunctionGraph g;
  std::atomic<bool> begun{false};
  const auto node = g.node("node", {g.push()}, [&](Node::Context& c) {
    begun = true;
    c.parallel()(std::size_t{1} << 40U, 1, [](std::size_t, std::size_t) { std::this_thread::yield(); });
    c.out(0, Number{c.info().frame_id, 1});
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  GraphRunner run(g.spec(), {});
  std::thread other([&] {
    while (!begun) std::this_thread::yield();
    run.abort();
  });
  EXPECT_EQ(run.process(tiny(0)).outcome, Outcome::cancelled);
  other.join();
  EXPECT_EQ(run.process(tiny(1)).outcome, Outcome::rejected);
  const RunReport report = run.finish();
  EXPECT_TRUE(report.aborted);
  EXPECT_EQ(report.summary.frames, 2U);
}

TEST(Inline, RefusesWhatCouldWaitForItself) {
  FunctionGraph g;
  GraphRunner* runner = nullptr;
  std::vector<std::string> refusals;
  const auto try_it = [&] {
    try {
      runner->process(tiny(9));
    } catch (const std::logic_error& e) {
      refusals.emplace_back(e.what());
    }
  };
  const auto node = g.node("node", {g.push()}, [&](Node::Context& c) {
    try_it();
    c.out(0, Number{c.info().frame_id, 1});
  });
  g.sink("sink", {node}, [&](Sink::Context&) { try_it(); });
  RunOptions options;
  options.on_result = [&](const FrameResult&) { try_it(); };
  GraphRunner run(g.spec(), options);
  runner = &run;
  EXPECT_EQ(run.process(tiny(0)).outcome, Outcome::ok);
  ASSERT_EQ(refusals.size(), 3U);
  EXPECT_NE(refusals[0].find("process() was called from a callback, a node or a sink"), std::string::npos);
}

TEST(Inline, IsNotMixedWithThreads) {
  FunctionGraph g;
  g.sink("sink", {g.push()}, [](Sink::Context&) {});
  GraphRunner by_caller(g.spec(), {});
  EXPECT_EQ(by_caller.process(tiny(0)).outcome, Outcome::ok);
  EXPECT_THROW((void)by_caller.submit(tiny(1)), std::logic_error);
  EXPECT_EQ(by_caller.finish().summary.frames, 1U);
  GraphRunner by_threads(g.spec(), {});
  EXPECT_TRUE(by_threads.submit(tiny(0)));
  EXPECT_THROW((void)by_threads.process(tiny(1)), std::logic_error);
  EXPECT_EQ(by_threads.finish().summary.frames, 1U);
  FunctionGraph pulled;
  pulled.sink("sink", {pulled.numbers(1)}, [](Sink::Context&) {});
  GraphRunner run(pulled.spec(), {});
  EXPECT_THROW((void)run.process(tiny(0)), std::logic_error);
}

}  // namespace
}  // namespace starflow
