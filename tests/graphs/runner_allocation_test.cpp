// SPDX-License-Identifier: MIT
/// \file
/// What a running graph asks of the heap, once it is warm: nothing of its own, and nothing a star.

#include "support/allocation_counter.hpp"

#include <starflow/graph/runner.hpp>
#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/stages.hpp>

#include "support/graph_nodes.hpp"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <semaphore>
#include <utility>

namespace starflow {
namespace {

using graph::GraphRunner;
using test::AllocationCounter;
using test::FunctionGraph;

TEST(AllocationCounter, SeesAnAllocation) {
  const AllocationCounter counter;
  const auto one = std::make_unique<int>(3);
  EXPECT_EQ(counter.count(), 1U) << *one;
}

/// Allocations of each of `frames` frames, from its admission to its outcome, on whatever thread. The host submits a
/// frame that it made beforehand, and the bodies send on a message that is there already.
std::map<std::size_t, std::size_t> allocations_of_the_runner(int threads, bool by_caller) {
  FunctionGraph g;
  g.run.threads = threads;
  g.run.max_in_flight = 4;
  const auto same = Message::of(std::make_shared<const test::Number>());
  const auto source = g.push();
  const auto left = g.node("left", {source}, [&](Node::Context& c) { c.send(0, same); });
  const auto right = g.node("right", {source}, [&](Node::Context& c) {
    std::atomic<int> ranges{0};
    c.parallel()(8, 1, [&](std::size_t, std::size_t) { ++ranges; });
    c.send(0, same);
  });
  const auto both = g.node(
      "both", {left, right}, [&](Node::Context& c) { c.send(0, same); }, true);
  std::counting_semaphore<> out{0};
  g.sink("sink", {both}, [&](Sink::Context&) { out.release(); });
  GraphRunner run(g.spec(), {});
  std::map<std::size_t, std::size_t> of_frames;  // how many frames had so many
  for (int i = 0; i < 400; ++i) {
    Frame frame = Frame::adopt(cv::Mat(4, 4, CV_8UC1, cv::Scalar(0)), {});
    const AllocationCounter counter;
    if (by_caller) {
      run.process(std::move(frame));
    } else {
      run.submit(std::move(frame));
      out.acquire();
    }
    if (i >= 200) ++of_frames[counter.count()];
  }
  run.finish();
  return of_frames;
}

// One allocation is the shared frame that is made of the host's, another the hash in the result of process().
TEST(RunningGraph, AllocatesNothingButTheSharedFrameAndItsResult) {
  EXPECT_EQ(allocations_of_the_runner(1, true), (std::map<std::size_t, std::size_t>{{2, 200}}));
  for (const int threads : {1, 2}) {
    const auto of_frames = allocations_of_the_runner(threads, false);
    EXPECT_EQ(of_frames.begin()->first, 1U);
    // A worker of TBB that comes in late makes things of its own then.
    EXPECT_GE(of_frames.begin()->second, 195U) << threads << " threads";
  }
}

/// Stars on a grid, of which the first \p count are there.
std::shared_ptr<const Frame> sky(int count) {
  cv::Mat image(512, 512, CV_32F);
  cv::RNG random(5);
  random.fill(image, cv::RNG::NORMAL, 200.0, 6.0);
  for (int star = 0; star < count; ++star) {
    const float x = 20.3F + 24.0F * static_cast<float>(star % 20), y = 20.6F + 24.0F * static_cast<float>(star / 20);
    for (int row = static_cast<int>(y) - 9; row <= static_cast<int>(y) + 9; ++row) {
      for (int column = static_cast<int>(x) - 9; column <= static_cast<int>(x) + 9; ++column) {
        const float dx = static_cast<float>(column) - x, dy = static_cast<float>(row) - y;
        image.at<float>(row, column) += 1500.0F * std::exp(-(dx * dx + dy * dy) / 4.5F);
      }
    }
  }
  FrameInfo info;
  info.gain = {1.5, Origin::config};
  return std::make_shared<const Frame>(Frame::adopt(std::move(image), std::move(info)));
}

/// Allocations of one call of the body of the node `centroid` for \p stars stars, in a graph that is warm.
std::size_t allocations_of_centroid(int stars, Method method) {
  MeasureOptions options;
  options.method = method;
  const DetectStage find;
  const CentroidStage stage(options);
  const auto frame = sky(stars);
  const DetectionList found = find(*frame, serial_for);
  EXPECT_EQ(found.detections.size(), static_cast<std::size_t>(stars));
  FunctionGraph g;
  std::size_t last = 0, rows = 0;
  const auto node = g.node("centroid", {g.numbers(6)}, [&](Node::Context& c) {
    const AllocationCounter counter;
    StarList list = stage(*frame, found, c.parallel());
    last = counter.count();
    rows = list.stars.size();
    c.out(0, test::Number{});
  });
  g.sink("sink", {node}, [](Sink::Context&) {});
  g.run.threads = 1;  // so that only this body allocates meanwhile
  g.run.max_in_flight = 1;
  EXPECT_TRUE(g.go().summary.complete);
  EXPECT_EQ(rows, static_cast<std::size_t>(stars));
  return last;
}

// The columns of the table that it sends are made for each frame: so many blocks, whatever the number of stars.
TEST(CentroidBody, AllocatesTheColumnsOfItsTableAndNothingAStar) {
  for (const Method method : {Method::windowed, Method::gaussian}) {
    const std::size_t few = allocations_of_centroid(40, method);
    EXPECT_EQ(allocations_of_centroid(400, method), few);
    EXPECT_LT(few, 100U);
  }
}

}  // namespace
}  // namespace starflow
