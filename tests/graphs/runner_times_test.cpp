// SPDX-License-Identifier: MIT
/// \file
/// What the report says about the time of each node.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace starflow {
namespace {

using test::FunctionGraph;
using test::Number;

TEST(NodeTimes, CountCallsAndTheSecondsInTheBodiesOfEachNode) {
  FunctionGraph g;
  g.run.threads = 1;
  const auto source = g.numbers(6);
  const auto slow = g.node("slow", {source}, [](Node::Context& c) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (c.info().frame_id == 2) throw FrameError("test", "fails");
    c.out(0, Number{c.info().frame_id, 0});
  });
  g.node("quick", {slow}, [](Node::Context& c) { c.out(0, Number{c.info().frame_id, 0}); });
  graph::GraphRunner runner(g.spec(), {});
  const graph::RunReport report = runner.run();
  ASSERT_EQ(report.times.size(), 3U);
  EXPECT_EQ(report.times[0].id, "source");
  EXPECT_EQ(report.times[0].calls, 7U);  // the last one says that there are no more
  EXPECT_EQ(report.times[1].id, "slow");
  EXPECT_EQ(report.times[1].calls, 6U);
  EXPECT_GE(report.times[1].seconds, 0.06);
  EXPECT_EQ(report.times[2].calls, 5U) << "not called for the frame that failed";
  EXPECT_LT(report.times[2].seconds, report.times[1].seconds);
}

}  // namespace
}  // namespace starflow
