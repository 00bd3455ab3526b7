// SPDX-License-Identifier: MIT
// Our stages as nodes of a TBB graph of one's own.
#include <starflow/graph/tbb_nodes.hpp>

#include <gtest/gtest.h>
#include <oneapi/tbb/flow_graph.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace starflow::graph {
namespace {

namespace flow = oneapi::tbb::flow;

std::shared_ptr<const Frame> sky(std::uint64_t number, bool with_gain = true) {
  cv::Mat image(128, 128, CV_32F);
  cv::RNG noise(number + 1);
  noise.fill(image, cv::RNG::NORMAL, 100.0, 5.0);
  for (const cv::Point2f star : {cv::Point2f(40.3F, 50.6F), cv::Point2f(90.1F, 30.8F), cv::Point2f(70.5F, 100.2F)}) {
    for (int row = 0; row < image.rows; ++row) {
      for (int column = 0; column < image.cols; ++column) {
        const float dx = static_cast<float>(column) - star.x, dy = static_cast<float>(row) - star.y;
        image.at<float>(row, column) += 2000.0F * std::exp(-(dx * dx + dy * dy) / 5.0F);
      }
    }
  }
  FrameInfo info;
  info.frame_id = number;
  if (with_gain) info.gain = {1.5, Origin::config};
  return std::make_shared<const Frame>(Frame::adopt(std::move(image), info));
}

/// What comes out of \p last for the frames that are put into \p first.
std::map<std::uint64_t, Reduction> run(flow::graph& graph,
                                       ReductionNode& first,
                                       ReductionNode& last,
                                       const std::vector<Reduction>& messages) {
  std::map<std::uint64_t, Reduction> out;
  flow::function_node<Reduction, flow::continue_msg> end(graph, flow::serial, [&](const Reduction& r) {
    out[r.frame->info().frame_id] = r;
    return flow::continue_msg();
  });
  flow::make_edge(last, end);
  for (const Reduction& m : messages) first.try_put(m);
  graph.wait_for_all();
  return out;
}

TEST(TbbNodes, GiveTheRowsThatTheSameStagesGiveByThemselves) {
  flow::graph graph;
  auto detect = make_detect_node(graph);
  auto centroid = make_centroid_node(graph);
  flow::make_edge(detect, centroid);
  std::vector<Reduction> frames;
  for (std::uint64_t i = 0; i < 16; ++i) frames.push_back({sky(i)});
  const auto got = run(graph, detect, centroid, frames);
  ASSERT_EQ(got.size(), frames.size());
  const DetectStage find;
  const CentroidStage measure_stars;
  for (const auto& [number, r] : got) {
    ASSERT_EQ(r.error, "");
    const DetectionList found = find(*r.frame, serial_for);
    const StarList alone = measure_stars(*r.frame, found, serial_for);
    ASSERT_EQ(r.stars->stars.size(), 3U);
    EXPECT_EQ(r.stars->stars.x, alone.stars.x);  // the same bytes
    EXPECT_EQ(r.stars->stars.y_err, alone.stars.y_err);
    EXPECT_EQ(r.stars->fwhm_px, alone.fwhm_px);
  }
}

TEST(TbbNodes, CarryAFailureToTheEndAndLeaveTheOtherFramesAlone) {
  flow::graph graph;
  auto detect = make_detect_node(graph);
  MeasureOptions options;
  options.noise = NoiseFrom::model;
  auto centroid = make_centroid_node(graph, options);
  auto filter = make_filter_node(graph, {});
  flow::make_edge(detect, centroid);
  flow::make_edge(centroid, filter);
  const auto got = run(graph, detect, filter, {{sky(0)}, {sky(1, false)}, {sky(2)}});
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got.at(0).error, "");
  EXPECT_EQ(got.at(1).error.rfind("centroid: has no gain", 0), 0U) << got.at(1).error;
  EXPECT_EQ(got.at(1).stars, nullptr);
  EXPECT_EQ(got.at(2).stars->stars.size(), 3U);
}

TEST(TbbNodes, SayWhatAMessageLacks) {
  flow::graph graph;
  auto centroid = make_centroid_node(graph);
  const auto got = run(graph, centroid, centroid, {{sky(0)}});
  EXPECT_EQ(got.at(0).error, "centroid: the message has no detections to measure");
}

TEST(TbbNodes, FilterAsTheNodeDoes) {
  flow::graph graph;
  auto detect = make_detect_node(graph);
  auto centroid = make_centroid_node(graph);
  FilterRules rules;
  rules.brightest = 1;
  auto filter = make_filter_node(graph, rules);
  flow::make_edge(detect, centroid);
  flow::make_edge(centroid, filter);
  const auto got = run(graph, detect, filter, {{sky(0)}});
  EXPECT_EQ(got.at(0).stars->stars.size(), 1U);
  EXPECT_EQ(got.at(0).stars->rejected.at("beyond_brightest"), 2U);
}

}  // namespace
}  // namespace starflow::graph
