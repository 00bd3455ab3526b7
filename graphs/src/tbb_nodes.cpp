// SPDX-License-Identifier: MIT
#include <starflow/graph/tbb_nodes.hpp>

#include "failure.hpp"
#include "parallel_loop.hpp"

#include <oneapi/tbb/task_arena.h>

#include <stop_token>
#include <string_view>
#include <utility>

namespace starflow::graph {
namespace {

/// A node whose body is \p stage(message, loop). The stage is shared, since TBB copies bodies.
template <class Stage>
ReductionNode node(oneapi::tbb::flow::graph& graph, std::size_t concurrency, const char* name, Stage stage) {
  const auto shared = std::make_shared<const Stage>(std::move(stage));
  return {graph, concurrency, [shared, name](Reduction message) {
            if (!message.error.empty()) return message;
            try {
              // A body that waits for its own loop must not be given another body meanwhile.
              oneapi::tbb::this_task_arena::isolate([&] {
                const ParallelLoop loop{std::stop_token()};
                (*shared)(message, loop);
              });
            } catch (...) {
              message.error = name + (": " + current_failure().text);
            }
            return message;
          }};
}

}  // namespace

ReductionNode make_detect_node(oneapi::tbb::flow::graph& graph,
                               const DetectOptions& options,
                               const BackgroundOptions& background,
                               std::size_t concurrency) {
  const auto stage = std::make_shared<const DetectStage>(background, options);
  return node(graph, concurrency, "detect", [stage](Reduction& r, const ParallelLoop& loop) {
    r.detections = std::make_shared<const DetectionList>((*stage)(*r.frame, loop));
  });
}

ReductionNode make_centroid_node(oneapi::tbb::flow::graph& graph,
                                 const MeasureOptions& options,
                                 std::size_t concurrency,
                                 const std::string& plugin_method) {
  const auto stage = std::make_shared<const CentroidStage>(options, plugin_method);
  return node(graph, concurrency, "centroid", [stage](Reduction& r, const ParallelLoop& loop) {
    if (!r.detections) throw FrameError("centroid.no_detections", "the message has no detections to measure");
    r.stars = std::make_shared<const StarList>((*stage)(*r.frame, *r.detections, loop));
  });
}

ReductionNode make_filter_node(oneapi::tbb::flow::graph& graph, const FilterRules& rules, std::size_t concurrency) {
  const FilterStage stage(rules);
  return node(graph, concurrency, "filter", [stage](Reduction& r, const ParallelLoop&) {
    if (!r.stars) throw FrameError("filter.no_stars", "the message has no stars to filter");
    r.stars = stage(r.stars);
  });
}

}  // namespace starflow::graph
