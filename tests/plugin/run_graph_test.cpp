// SPDX-License-Identifier: MIT
// A whole measurement inside a program: frames that it pushes, records that come back.
#include "register.hpp"

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/registry.hpp>
#include <starflow/graph/runner.hpp>
#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

namespace starflow {
namespace {

using graph::FrameResult;
using graph::GraphRunner;
using graph::GraphSpec;
using graph::Overrides;
using graph::RunOptions;

constexpr std::uint64_t kFrames = 12;

/// A fit and a window beside each other, and the records of both.
constexpr const char* kGraph = R"({
  "format": "starflow.graph/1",
  "nodes": [
    {"id": "cam",   "type": "source.push"},
    {"id": "det",   "type": "detect",   "in": {"frame": "cam"}},
    {"id": "fit",   "type": "centroid", "in": {"frame": "cam", "detections": "det"}, "options": {"method": "gaussian"}},
    {"id": "quick", "type": "centroid", "in": {"frame": "cam", "detections": "det"},
     "options": {"method": "windowed"}},
    {"id": "good",  "type": "filter",   "in": {"stars": "fit"}, "options": {"snr_min": 10}},
    {"id": "rec",   "type": "records",  "in": {"stars": "good"}},
    {"id": "rec2",  "type": "records",  "in": {"stars": "quick"}} ] })";

/// 40 stars on a noisy sky; every fifth frame holds none.
Frame sky(std::uint64_t number) {
  cv::Mat image(200, 240, CV_32F);
  cv::RNG random(number + 1);
  random.fill(image, cv::RNG::NORMAL, 300.0, 8.0);
  for (int star = 0; star < 40 && number % 5 != 4; ++star) {
    const double x = random.uniform(10.0, 230.0), y = random.uniform(10.0, 190.0), peak = random.uniform(150.0, 4000.0);
    for (int row = static_cast<int>(y) - 8; row <= static_cast<int>(y) + 8; ++row) {
      for (int column = static_cast<int>(x) - 8; column <= static_cast<int>(x) + 8; ++column) {
        const double r2 = (column - x) * (column - x) + (row - y) * (row - y);
        image.at<float>(row, column) += static_cast<float>(peak * std::exp(-r2 / 4.2));
      }
    }
  }
  cv::Mat counts;
  image.convertTo(counts, CV_16U);
  FrameInfo info;
  info.frame_id = number;
  info.gain = {1.4, Origin::config};
  info.saturation = {60000, Origin::config};
  return Frame::adopt(std::move(counts), std::move(info));
}

class RunGraph : public testing::Test {
 protected:
  RunGraph() {
    register_nodes(registry_);
    graph::register_builtin(registry_);
  }
  [[nodiscard]] GraphSpec spec(const Overrides& set = {}) const {
    return GraphSpec::parse(kGraph, "camera.json", registry_, set);
  }
  /// The records of all frames, by a runner that \p feed gives them to.
  template <class Feed>
  std::string records(const Overrides& set, Feed&& feed) const {
    std::string all;
    RunOptions options;
    options.keep = {"rec.records", "rec2.records"};
    options.on_result = [&](const FrameResult& r) {
      EXPECT_EQ(r.outcome, Outcome::ok);
      for (const char* node : {"rec", "rec2"}) all += r.output(node, "records").as<Records>()->text;
    };
    GraphRunner run(spec(set), options);
    for (std::uint64_t i = 0; i < kFrames; ++i) feed(run, sky(i));
    EXPECT_TRUE(run.finish().summary.complete);
    return all;
  }

  graph::Registry registry_;
};

TEST_F(RunGraph, GivesTheSameBytesInlineAndByAnyNumberOfThreads) {
  const oneapi::tbb::global_control eight(oneapi::tbb::global_control::max_allowed_parallelism, 8);
  const std::string alone = records({}, [](GraphRunner& run, Frame frame) { run.process(std::move(frame)); });
  ASSERT_GT(alone.size(), 100'000U);
  for (const char* threads : {"1", "2", "8"}) {
    for (const char* in_flight : {"1", "2", "16"}) {
      const std::string got = records({{"run.threads", threads}, {"run.max_in_flight", in_flight}},
                                      [](GraphRunner& run, Frame frame) { EXPECT_TRUE(run.submit(std::move(frame))); });
      EXPECT_TRUE(got == alone) << threads << " threads, " << in_flight << " frames in flight";
    }
  }
}

}  // namespace
}  // namespace starflow
