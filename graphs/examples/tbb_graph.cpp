// SPDX-License-Identifier: MIT
/// \file
/// Our stages in a TBB graph of one's own: frames of a simulated star are found, measured and told in their order.

#include <starflow/graph/tbb_nodes.hpp>

#include <oneapi/tbb/flow_graph.h>
#include <opencv2/core.hpp>

#include <cmath>
#include <cstdio>
#include <memory>
#include <utility>

namespace flow = oneapi::tbb::flow;
using starflow::graph::Reduction;

/// A star that moves by a quarter of a pixel a frame, on a noisy sky.
std::shared_ptr<const starflow::Frame> frame_of_camera(std::uint64_t number) {
  cv::Mat image(96, 96, CV_32F);
  cv::RNG noise(number);
  noise.fill(image, cv::RNG::NORMAL, 100.0, 5.0);
  const float x = 40.0F + 0.25F * static_cast<float>(number), y = 50.0F;
  for (int row = 0; row < image.rows; ++row) {
    for (int column = 0; column < image.cols; ++column) {
      const float dx = static_cast<float>(column) - x, dy = static_cast<float>(row) - y;
      image.at<float>(row, column) += 2000.0F * std::exp(-(dx * dx + dy * dy) / 5.0F);
    }
  }
  starflow::FrameInfo info;
  info.frame_id = number;
  info.gain = {1.5, starflow::Origin::config};  // e-/ADU
  return std::make_shared<const starflow::Frame>(starflow::Frame::adopt(std::move(image), info));
}

int main() {
  constexpr std::uint64_t kFrames = 20;
  flow::graph graph;
  flow::limiter_node<Reduction> gate(graph, 4);  // a bound of one's own: frames inside at once
  auto detect = starflow::graph::make_detect_node(graph);
  starflow::MeasureOptions options;
  options.method = starflow::Method::moffat;
  options.outline = starflow::Outline::circular;
  auto centroid = starflow::graph::make_centroid_node(graph, options);
  flow::sequencer_node<Reduction> order(graph, [](const Reduction& r) { return r.frame->info().frame_id; });
  std::uint64_t told = 0, wrong = 0;
  flow::function_node<Reduction, flow::continue_msg> tell(graph, flow::serial, [&](const Reduction& r) {
    if (!r.error.empty() || !r.stars || r.stars->stars.size() != 1 || r.frame->info().frame_id != told) {
      std::printf("frame %llu: %s\n", static_cast<unsigned long long>(r.frame->info().frame_id), r.error.c_str());
      ++wrong;
    } else {
      std::printf("frame %llu: x %.3f +- %.3f px\n", static_cast<unsigned long long>(told), r.stars->stars.x[0],
                  r.stars->stars.x_err[0]);
    }
    ++told;
    return flow::continue_msg();
  });
  flow::queue_node<Reduction> in(graph);
  flow::make_edge(in, gate);
  flow::make_edge(gate, detect);
  flow::make_edge(detect, centroid);
  flow::make_edge(centroid, order);
  flow::make_edge(order, tell);
  flow::make_edge(tell, gate.decrementer());
  for (std::uint64_t i = 0; i < kFrames; ++i) in.try_put({frame_of_camera(i)});
  graph.wait_for_all();
  return told == kFrames && wrong == 0 ? 0 : 1;
}
