// SPDX-License-Identifier: MIT
/// \file
/// Order, re-entrancy and results that do not depend on threads.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace starflow {
namespace {

using graph::FrameResult;
using graph::RunOptions;
using test::FunctionGraph;
using test::mix;
using test::Number;
using test::outcomes;

TEST(SerialNode, SeesEveryFrameInOrderOneAtATime) {
  constexpr std::uint64_t kFrames = 5000;
  FunctionGraph g;
  g.run.max_in_flight = 16;
  const auto shuffle = g.node("shuffle", {g.numbers(kFrames)}, [](Node::Context& c) {
    test::delay(mix(c.info().frame_id, 3), 100);
    test::mixing(1)(c);
  });
  std::vector<std::uint64_t> first, second;
  std::atomic<int> inside{0};
  bool alone = true;
  const auto serial = [&](std::vector<std::uint64_t>& seen) {
    return [&](Node::Context& c) {
      if (&seen == &first && inside++ != 0) alone = false;
      seen.push_back(c.info().frame_id);
      if (&seen == &first) --inside;
      test::mixing(2)(c);
    };
  };
  const auto a = g.node("a", {shuffle}, serial(first), true);
  const auto between = g.node("between", {a, shuffle}, [](Node::Context& c) {
    test::delay(mix(c.info().frame_id, 4), 50);
    test::mixing(1)(c);
  });
  const auto b = g.node("b", {between}, serial(second), true);
  g.sink("sink", {b}, [](Sink::Context&) {});
  EXPECT_EQ(outcomes(g.go().summary, Outcome::ok), kFrames);
  std::vector<std::uint64_t> expected(kFrames);
  for (std::uint64_t i = 0; i < kFrames; ++i) expected[i] = i;
  EXPECT_EQ(first, expected);
  EXPECT_EQ(second, expected);
  EXPECT_TRUE(alone);
}

// A running sum over frames, a parallel loop that depends on its cuts, and failures.
std::vector<std::uint64_t> results(int threads, std::size_t in_flight) {
  FunctionGraph g;
  g.run.threads = threads;
  g.run.max_in_flight = in_flight;
  const auto src = g.numbers(300);
  const auto loop = g.node("loop", {src}, [](Node::Context& c) {
    const auto& n = c.in<Number>(0);
    std::vector<std::uint64_t> parts(8, 0);
    c.parallel()(509, 64, [&](std::size_t begin, std::size_t end) {
      std::uint64_t x = begin;
      for (std::size_t i = begin; i < end; ++i) x = mix(x, n.value + i);
      parts[begin / 64] = mix(x, end);
    });
    std::uint64_t all = 0;
    for (const std::uint64_t p : parts) all = mix(all, p);
    if (n.frame % 37 == 5) throw FrameError("test.bad", "bad");
    c.out(0, Number{n.frame, all});
  });
  std::uint64_t memory = 0;
  const auto track = g.node(
      "track", {loop},
      [&](Node::Context& c) {
        memory = mix(memory, c.in<Number>(0).value);
        c.out(0, Number{c.info().frame_id, memory});
      },
      true);
  std::vector<std::uint64_t> seen;
  g.sink("sink", {track, loop}, [&](Sink::Context& c) {
    seen.push_back(c.info().frame_id);
    for (const std::size_t port : {0U, 1U}) {
      const auto* n = c.input(port).as<Number>();
      seen.push_back(n == nullptr ? 0 : n->value);
    }
    for (const NodeError& e : c.errors()) seen.push_back(e.text.size());
  });
  EXPECT_TRUE(g.go().summary.complete);
  return seen;
}

TEST(Results, AreTheSameForAnyNumberOfThreadsAndFramesInFlight) {
  // So that eight threads run on a machine of two CPUs, too.
  const oneapi::tbb::global_control eight(oneapi::tbb::global_control::max_allowed_parallelism, 8);
  const auto expected = results(1, 1);
  ASSERT_GT(expected.size(), 900U);
  for (const int threads : {1, 2, 8}) {
    for (const std::size_t in_flight : {1U, 2U, 16U}) {
      EXPECT_EQ(results(threads, in_flight), expected) << threads << " threads, " << in_flight << " frames in flight";
    }
  }
}

TEST(ParallelLoop, CoversTheRangeOnceCutAtMultiplesOfTheGrain) {
  FunctionGraph g;
  std::vector<std::pair<std::size_t, std::size_t>> cuts(11);
  bool empty_called = false;
  const auto node = g.node("node", {g.numbers(1)}, [&](Node::Context& c) {
    c.parallel()(103, 10, [&](std::size_t begin, std::size_t end) { cuts[begin / 10] = {begin, end}; });
    c.parallel()(0, 10, [&](std::size_t, std::size_t) { empty_called = true; });
    test::mixing(1)(c);
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  EXPECT_EQ(outcomes(g.go().summary, Outcome::ok), 1U);
  for (std::size_t i = 0; i < 11; ++i) EXPECT_EQ(cuts[i], (std::pair{10 * i, std::min(10 * i + 10, std::size_t{103})}));
  EXPECT_FALSE(empty_called);
}

TEST(ParallelLoop, PassesOnTheExceptionOfItsLowestRangeAndLeavesTheGraphWhole) {
  constexpr std::uint64_t kFrames = 300;
  FunctionGraph g;
  const auto node = g.node("node", {g.numbers(kFrames)}, [](Node::Context& c) {
    const bool bad = c.info().frame_id % 3 == 0;
    c.parallel()(64, 1, [&](std::size_t begin, std::size_t) {
      if (bad && begin >= 20) throw FrameError("test.range", std::to_string(begin));
    });
    test::mixing(1)(c);
  });
  std::uint64_t wrong = 0;
  g.sink("sink", {node}, [&](Sink::Context& c) {
    const bool bad = c.info().frame_id % 3 == 0;
    if (bad != (c.outcome() == Outcome::failed)) ++wrong;
    if (bad && (c.errors().at(0).code != "test.range" || c.errors().at(0).text != "20")) ++wrong;
  });
  EXPECT_EQ(outcomes(g.go().summary, Outcome::failed), kFrames / 3);
  EXPECT_EQ(wrong, 0U);
}

void enter(int& depth, std::atomic<int>& deepest) {
  const int now = ++depth;
  int before = deepest;
  while (now > before && !deepest.compare_exchange_weak(before, now)) {
  }
}

// Without isolation a thread that waits for its inner loop would be given another range of an outer loop.
TEST(Body, IsNeverEnteredAgainOnAThreadThatWaitsInIt) {
  const oneapi::tbb::global_control four(oneapi::tbb::global_control::max_allowed_parallelism, 4);
  thread_local int bodies = 0, ranges = 0;
  std::atomic<int> deepest_body{0}, deepest_range{0};
  FunctionGraph g;
  g.run.threads = 4;
  g.run.max_in_flight = 16;
  const auto node = g.node("node", {g.numbers(400)}, [&](Node::Context& c) {
    enter(bodies, deepest_body);
    c.parallel()(4, 1, [&](std::size_t, std::size_t) {
      enter(ranges, deepest_range);
      c.parallel()(8, 1, [&](std::size_t i, std::size_t) { test::delay(4 * i + 1, 30); });
      --ranges;
    });
    --bodies;
    test::mixing(1)(c);
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  EXPECT_EQ(outcomes(g.go().summary, Outcome::ok), 400U);
  EXPECT_EQ(deepest_body, 1);
  EXPECT_EQ(deepest_range, 1);
}

// As OpenCV does: its parallel loops run on the same TBB. Without isolation of the bodies such a wait is given another
// body of the graph, a third of the time on four threads.
TEST(Body, IsNeverEnteredAgainWhereItUsesTbbItself) {
  const oneapi::tbb::global_control four(oneapi::tbb::global_control::max_allowed_parallelism, 4);
  thread_local int bodies = 0;
  std::atomic<int> deepest{0};
  FunctionGraph g;
  g.run.threads = 4;
  g.run.max_in_flight = 16;
  const auto src = g.numbers(400);
  const auto body = [&](Node::Context& c) {
    enter(bodies, deepest);
    oneapi::tbb::parallel_for(0, 3, [&](int i) { test::delay(static_cast<std::uint64_t>(4 * i + 1), 150); });
    --bodies;
    test::mixing(1)(c);
  };
  std::vector<FunctionGraph::In> branches;
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) branches.emplace_back(g.node(id, {src}, body));
  g.sink("sink", {g.node("join", branches, body)}, [](Sink::Context&) {});
  EXPECT_EQ(outcomes(g.go().summary, Outcome::ok), 400U);
  EXPECT_EQ(deepest, 1);
}

}  // namespace
}  // namespace starflow
