// SPDX-License-Identifier: MIT
/// \file
/// Code of others that switches denormals off, as libraries linked with -ffast-math do: the next code sees none of it.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>

namespace starflow {
namespace {

using test::FunctionGraph;
using test::Number;
using test::outcomes;

constexpr unsigned kFlushToZero = 0x8040;  // with denormals-are-zero

/// What the loader of a library linked with -ffast-math leaves behind in its thread.
void switch_denormals_off() { _mm_setcsr(_mm_getcsr() | kFlushToZero); }

bool denormals_hold() {
  volatile double smallest = std::numeric_limits<double>::min();
  return (_mm_getcsr() & kFlushToZero) == 0 && smallest / 4 > 0;
}

TEST(FloatingPointModes, OfRangesInWorkersAreThoseOfTheRun) {
  const oneapi::tbb::global_control four(oneapi::tbb::global_control::max_allowed_parallelism, 4);
  FunctionGraph g;
  g.run.threads = 4;
  g.run.max_in_flight = 4;
  const auto src = g.numbers(200);
  std::atomic<int> spoilt{0}, ranges{0};
  const auto bad = g.node("bad", {src}, [&](Node::Context& c) {
    c.parallel()(16, 1, [&](std::size_t i, std::size_t) {
      if (!denormals_hold()) ++spoilt;
      ++ranges;
      switch_denormals_off();
      if (i == 11) throw FrameError("test.bad", "as planned");
    });
  });
  const auto good = g.node("good", {src}, [&](Node::Context& c) {
    c.parallel()(16, 1, [&](std::size_t, std::size_t) {
      if (!denormals_hold()) ++spoilt;
    });
    test::mixing(1)(c);
  });
  g.sink("sink", {good, {bad, true}}, [&](Sink::Context&) {
    if (!denormals_hold()) ++spoilt;
  });
  EXPECT_TRUE(g.go().summary.complete);
  EXPECT_GT(ranges, 200 * 11);
  EXPECT_EQ(spoilt, 0);
  EXPECT_TRUE(denormals_hold());
}

TEST(FloatingPointModes, ArePutBackAfterEveryKindOfNodeWhichIsNamed) {
  FunctionGraph g;
  std::vector<std::string> log;
  std::atomic<int> spoilt{0};
  const auto src = g.source([n = std::uint64_t{0}](Source::Context& c) mutable {
    switch_denormals_off();
    if (n == 2) return false;
    c.info.frame_id = n;
    c.out(0, Number{n++, 1});
    return true;
  });
  const auto node = g.node("node", {src}, [&](Node::Context& c) {
    if (!denormals_hold()) ++spoilt;
    switch_denormals_off();
    c.parallel()(4, 1, [&](std::size_t, std::size_t) {});
    if (c.info().frame_id == 1) throw FrameError("test.bad", "as planned");
    c.out(0, Number{});
  });
  const auto memory = g.memory(
      "memory", {{node, true}}, [](Node::Context& c) { c.out(0, Number{}); },
      [&](Source::Context&) {
        if (!denormals_hold()) ++spoilt;
        switch_denormals_off();
        return false;
      });
  test::SinkBody sink;
  sink.write = [&](Sink::Context&) {
    if (!denormals_hold()) ++spoilt;
    switch_denormals_off();
  };
  sink.close = [&](const RunSummary&) {
    if (!denormals_hold()) ++spoilt;
    switch_denormals_off();
  };
  g.sink("sink", {memory}, sink);
  graph::RunOptions options;
  options.on_log = [&](LogLevel, std::string_view text) { log.emplace_back(text); };
  EXPECT_EQ(outcomes(g.go(options).summary, Outcome::partial), 1U);
  EXPECT_EQ(spoilt, 0);
  EXPECT_TRUE(denormals_hold());
  for (const char* id : {"source", "node", "memory", "sink"}) {
    EXPECT_NE(std::ranges::find(log, std::string(id) + ": changed the floating-point state; it was put back"),
              log.end())
        << id;
  }
}

}  // namespace
}  // namespace starflow
#endif
