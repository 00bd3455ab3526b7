// SPDX-License-Identifier: MIT
/// \file
/// Frames and bytes in flight stay within their limits, and the source waits where they are met.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace starflow {
namespace {

using graph::RunReport;
using test::FunctionGraph;
using test::Number;
using test::outcomes;
using namespace std::chrono_literals;

constexpr std::size_t kRow = 1024;  // bytes

// Frames of rows[i] KiB through a node and a slow sink. `alive` counts the bytes between next() and release.
struct Traffic {
  std::vector<int> rows;
  std::atomic<std::size_t> alive_frames{0}, alive_bytes{0};
  std::size_t most_frames = 0, most_bytes = 0;
  std::vector<std::string> refusals;

  RunReport run(std::size_t max_frames, std::size_t max_bytes) {
    std::vector<std::uint8_t> memory(kRow * 64);
    FunctionGraph g;
    g.run.max_in_flight = max_frames;
    g.run.max_bytes_in_flight = max_bytes;
    const auto src = g.source(
        [&, next = std::size_t{0}](Source::Context& c) mutable {
          if (next == rows.size()) return false;
          c.info.frame_id = next;
          const int height = rows[next++];
          const std::size_t bytes = kRow * static_cast<std::size_t>(height);
          most_frames = std::max(most_frames, ++alive_frames);
          alive_bytes += bytes;
          c.out(0,
                Frame::borrow(cv::Mat(height, static_cast<int>(kRow), CV_8UC1, memory.data()), c.info, [this, bytes] {
                  alive_bytes -= bytes;
                  --alive_frames;
                }));
          return true;
        },
        message_type<Frame>);
    const auto node = g.node(
        "node", {src},
        [&](Node::Context& c) {
          const std::size_t bytes = c.in<Frame>(0).bytes();
          // One frame beyond the limit may have been read; it waits outside.
          most_bytes = std::max(most_bytes, bytes);
          c.out(0, Number{c.info().frame_id, bytes});
        },
        true);
    g.sink("sink", {node, src}, [&](Sink::Context& c) {
      if (c.info().frame_id % 5 == 0) std::this_thread::sleep_for(1ms);
      for (const NodeError& e : c.errors()) refusals.push_back(e.code + ": " + e.text);
    });
    return g.go();
  }
};

TEST(Admission, HoldsNoMoreFramesThanAllowedUnderASlowSink) {
  Traffic t;
  t.rows.assign(200, 1);
  const RunReport report = t.run(3, std::size_t{1} << 30U);
  EXPECT_EQ(outcomes(report.summary, Outcome::ok), 200U);
  EXPECT_EQ(report.peak_in_flight, 3U);
  EXPECT_EQ(t.most_frames, 3U) << "a credit is taken before the frame is read";
  EXPECT_EQ(t.alive_frames, 0U);
}

TEST(Admission, HoldsNoMoreBytesThanAllowed) {
  Traffic t;
  for (int i = 0; i < 200; ++i) t.rows.push_back(1 + i % 4);
  const RunReport report = t.run(16, 8 * kRow);
  EXPECT_EQ(outcomes(report.summary, Outcome::ok), 200U);
  EXPECT_LE(report.peak_bytes, 8 * kRow);
  EXPECT_GE(report.peak_bytes, 4 * kRow);
}

TEST(Admission, RefusesAFrameLargerThanTheLimitWithThatReason) {
  Traffic t;
  for (int i = 0; i < 60; ++i) t.rows.push_back(i % 10 == 7 ? 20 : i % 10 == 3 ? 8 : 2);
  const RunReport report = t.run(8, 8 * kRow);
  EXPECT_EQ(outcomes(report.summary, Outcome::ok), 54U);
  EXPECT_EQ(outcomes(report.summary, Outcome::failed), 6U);
  EXPECT_EQ(report.peak_bytes, 8 * kRow) << "as large as the limit is not too large";
  EXPECT_EQ(t.most_bytes, 8 * kRow);
  ASSERT_EQ(t.refusals.size(), 6U);
  EXPECT_EQ(t.refusals.front(), "too_large: holds 20480 bytes, more than run.max_bytes_in_flight = 8192 allows");
  EXPECT_EQ(t.alive_bytes, 0U);
}

TEST(Admission, RefusesASubmittedFrameLargerThanTheLimit) {
  FunctionGraph g;
  g.run.max_bytes_in_flight = 3 * kRow;
  const auto src = g.push();
  std::vector<Outcome> seen;
  g.sink("sink", {src}, [&](Sink::Context& c) { seen.push_back(c.outcome()); });
  graph::GraphRunner run(g.spec(), {});
  for (const int rows : {4, 3}) EXPECT_TRUE(run.submit(Frame::copy(cv::Mat(rows, kRow, CV_8UC1, cv::Scalar(0)), {})));
  const RunReport report = run.finish();
  EXPECT_EQ(seen, (std::vector<Outcome>{Outcome::failed, Outcome::ok}));
  EXPECT_EQ(report.peak_bytes, 3 * kRow);
}

TEST(Admission, TakesFramesOfOneSubmitterInItsOrderAndKeepsTheLimits) {
  FunctionGraph g;
  g.run.max_in_flight = 2;
  g.run.max_bytes_in_flight = 3 * kRow;
  const auto src = g.push();
  std::vector<std::uint64_t> last(3, 0), count(3, 0);
  bool in_order = true;
  g.sink("sink", {src}, [&](Sink::Context& c) {
    const std::uint64_t id = c.info().frame_id, who = id / 1000;
    in_order = in_order && id % 1000 >= last[who];
    last[who] = id % 1000;
    ++count[who];
  });
  graph::GraphRunner run(g.spec(), {});
  std::vector<std::thread> submitters;
  for (std::uint64_t who = 0; who < 3; ++who) {
    submitters.emplace_back([&, who] {
      for (std::uint64_t i = 0; i < 100; ++i) {
        FrameInfo info;
        info.frame_id = 1000 * who + i;
        EXPECT_TRUE(run.submit(Frame::copy(cv::Mat(1 + static_cast<int>(i % 4), kRow, CV_8UC1, cv::Scalar(0)), info)));
      }
    });
  }
  for (std::thread& t : submitters) t.join();
  const RunReport report = run.finish();
  EXPECT_TRUE(in_order);
  EXPECT_EQ(count, (std::vector<std::uint64_t>{100, 100, 100}));
  EXPECT_LE(report.peak_in_flight, 2U);
  EXPECT_LE(report.peak_bytes, 3 * kRow);  // a frame of 4 KiB is larger than the limit and comes in without its pixels
}

}  // namespace
}  // namespace starflow
