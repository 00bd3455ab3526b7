// SPDX-License-Identifier: MIT
/// \file
/// What nodes with a memory hold back until the last frame.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
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
using test::Number;
using test::outcomes;

constexpr std::uint64_t kFrames = 25, kTail = 1000;

/// "a" holds back three sums of what it saw, "b" behind it the number of all that it saw, those three among them. One
/// sink behind both, one behind "a", and one that is behind neither.
struct TwoMemories : FunctionGraph {
  using Seen = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // frame and value
  std::uint64_t sum = 0, count = 0, tails = 0;
  Seen behind_both, behind_first, behind_none;

  explicit TwoMemories(bool pushed = false) {
    const auto source = pushed ? push() : numbers(kFrames);
    const auto a = memory(
        "a", {source},
        [this](Node::Context& c) {
          sum += c.info().frame_id;
          c.out(0, Number{c.info().frame_id, 1});
        },
        [this](Source::Context& c) {
          if (tails == 3) return false;
          c.info.frame_id = kTail + tails++;
          c.out(0, Number{c.info.frame_id, sum});
          return true;
        });
    const auto middle = node("middle", {a}, [](Node::Context& c) {
      test::delay(c.info().frame_id, 50);
      std::atomic<std::uint64_t> parts{0};
      c.parallel()(10, 1, [&](std::size_t, std::size_t) { ++parts; });
      c.out(0, Number{c.info().frame_id, c.in<Number>(0).value * parts});
    });
    const auto b = memory(
        "b", {middle},
        [this](Node::Context& c) {
          ++count;
          c.out(0, c.in<Number>(0));
        },
        [this, done = false](Source::Context& c) mutable {
          if (std::exchange(done, true)) return false;
          c.info.frame_id = 2 * kTail;
          c.out(0, Number{c.info.frame_id, count});
          return true;
        });
    const auto note = [](Seen& seen) {
      return [&seen](Sink::Context& c) {
        EXPECT_EQ(c.outcome(), Outcome::ok);
        const auto* n = c.input(0).as<Number>();
        seen.emplace_back(c.info().frame_id, n == nullptr ? 0 : n->value);
      };
    };
    sink("both", {b}, note(behind_both));
    sink("first", {middle}, note(behind_first));
    sink("none", {source}, note(behind_none));
  }

  void expect_all(std::uint64_t frames) const {
    Seen every;
    for (std::uint64_t i = 0; i < frames; ++i) every.emplace_back(i, 10);
    Seen first = every;
    const std::uint64_t all = frames * (frames - 1) / 2;
    for (std::uint64_t i = 0; i < 3; ++i) first.emplace_back(kTail + i, 10 * all);
    Seen both = first;
    both.emplace_back(2 * kTail, frames + 3);
    EXPECT_EQ(behind_both, both);
    EXPECT_EQ(behind_first, first);
    EXPECT_EQ(behind_none.size(), frames);
  }
};

Frame tiny(std::uint64_t id) {
  FrameInfo info;
  info.frame_id = id;
  return Frame::adopt(cv::Mat(4, 4, CV_8UC1, cv::Scalar(0)), std::move(info));
}

TEST(Flush, SendsWhatNodesHoldBackOnceAndInOrderBehindTheLastFrame) {
  for (const int threads : {1, 4}) {
    TwoMemories g;
    g.run.threads = threads;
    g.run.max_in_flight = 6;
    RunOptions options;
    options.keep = {"b.out"};
    std::vector<std::uint64_t> told;
    options.on_result = [&](const FrameResult& r) { told.push_back(r.info.frame_id); };
    const RunReport report = g.go(options);
    g.expect_all(kFrames);
    EXPECT_TRUE(report.summary.complete);
    EXPECT_EQ(report.summary.frames, kFrames + 4) << "each has an outcome of its own";
    EXPECT_EQ(outcomes(report.summary, Outcome::ok), kFrames + 4);
    ASSERT_EQ(told.size(), kFrames + 4);
    EXPECT_EQ(told.back(), 2 * kTail);
  }
}

TEST(Flush, ComesOnceWithTheFinishOfAPushedGraph) {
  for (const bool by_caller : {false, true}) {
    TwoMemories g(true);
    GraphRunner run(g.spec(), {});
    for (std::uint64_t i = 0; i < kFrames; ++i) {
      if (by_caller) {
        run.process(tiny(i));
      } else {
        EXPECT_TRUE(run.submit(tiny(i)));
      }
    }
    run.finish();
    EXPECT_EQ(run.finish().summary.frames, kFrames + 4);
    g.expect_all(kFrames);
  }
}

TEST(Flush, ComesAfterADrainAndNotAfterAnAbort) {
  for (const bool abort : {false, true}) {
    TwoMemories g(true);
    RunOptions options;
    std::atomic<int> out{0};
    options.on_result = [&](const FrameResult&) { ++out; };
    GraphRunner run(g.spec(), options);
    for (std::uint64_t i = 0; i < 5; ++i) EXPECT_TRUE(run.submit(tiny(i)));
    while (out < 5) std::this_thread::yield();
    abort ? run.abort() : run.drain();
    run.finish();
    EXPECT_EQ(g.tails, abort ? 0U : 3U);
    if (!abort) g.expect_all(5);
  }
}

TEST(Flush, IsOfNodesWithAMemoryAlone) {
  FunctionGraph g;
  int flushed = 0;
  const auto node = g.memory(
      "node", {g.numbers(3)}, test::mixing(1), [&](Source::Context&) { return ++flushed < 0; }, false);
  g.sink("sink", {node}, [](Sink::Context&) {});
  EXPECT_TRUE(g.go().summary.complete);
  EXPECT_EQ(flushed, 0);
}

/// A run of three frames, whose node "weak" throws from its flush and whose node "strong" has a tail.
RunReport weak_flush(std::function<void()> bad, std::vector<std::string>& seen) {
  FunctionGraph g;
  const auto src = g.numbers(3);
  const auto weak = g.memory("weak", {src}, test::mixing(1), [&](Source::Context& c) -> bool {
    c.info.frame_id = kTail;
    bad();
    return false;
  });
  const auto strong = g.memory("strong", {src}, test::mixing(1), [n = 0](Source::Context& c) mutable {
    if (n++ > 0) return false;
    c.info.frame_id = kTail + 1;
    c.out(0, Number{});
    return true;
  });
  g.sink("sink", {{weak, true}, {strong, true}}, [&](Sink::Context& c) {
    if (c.info().frame_id < kTail) return;
    seen.push_back(std::to_string(c.info().frame_id) + " " +
                   std::string(kOutcomeNames[static_cast<std::size_t>(c.outcome())]));
    for (const NodeError& e : c.errors()) seen.push_back(e.node + ": " + e.code);
  });
  return g.go();
}

TEST(Flush, ThatThrowsMakesAFailedFrameAndLeavesTheOthersTheirs) {
  std::vector<std::string> seen;
  const RunReport report = weak_flush([] { throw FrameError("test.bad", "as planned"); }, seen);
  EXPECT_EQ(seen, (std::vector<std::string>{"1000 failed", "weak: test.bad", "1001 ok"}));
  EXPECT_TRUE(report.summary.complete);
}

TEST(Flush, ThatEndsTheRunEndsIt) {
  std::vector<std::string> seen;
  const RunReport report = weak_flush([] { throw RunError("the disk is full"); }, seen);
  EXPECT_EQ(seen, (std::vector<std::string>{"1000 failed", "weak: run_error"})) << "nothing is flushed after that";
  EXPECT_EQ(report.summary.reason, "aborted: node 'weak', frame 1000: the disk is full");
}

TEST(Flush, WhoseMessageNoSinkCanTakeIsAFailedFrame) {
  FunctionGraph g;
  const auto src = g.numbers(2);
  const auto stack = g.memory("stack", {src}, test::mixing(1), [n = 0](Source::Context& c) mutable {
    if (n++ > 0) return false;
    c.out(0, Number{});
    return true;
  });
  const auto needs_frame = g.node("pair", {stack, src}, test::mixing(2));
  std::vector<std::string> errors;
  g.sink("sink", {needs_frame}, [&](Sink::Context& c) {
    for (const NodeError& e : c.errors()) errors.push_back(e.node + ": " + e.code);
  });
  EXPECT_EQ(outcomes(g.go().summary, Outcome::failed), 1U);
  EXPECT_EQ(errors, std::vector<std::string>{"stack: no_taker"});
}

}  // namespace
}  // namespace starflow
