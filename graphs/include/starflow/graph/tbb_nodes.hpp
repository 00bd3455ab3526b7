// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Our stages as nodes of a `tbb::flow::graph` that a program has already: plain function_nodes over the code of
/// `detect`, `centroid` and `filter`. Limits, order and outcomes are the program's own then; GraphRunner has them.

#include <starflow/sdk/frame.hpp>
#include <starflow/sdk/stages.hpp>

#include <oneapi/tbb/flow_graph.h>

#include <cstddef>
#include <memory>
#include <string>

namespace starflow::graph {

/// What travels on the edges: a frame and what became of it so far. Copies share everything.
struct Reduction {
  std::shared_ptr<const Frame> frame{};  ///< never null where it is put in
  std::shared_ptr<const DetectionList> detections{};
  std::shared_ptr<const StarList> stars{};
  /// The first failure, "stage: what"; empty = none. Nothing is thrown into the graph, which would end it: the stages
  /// after a failure pass the message on.
  std::string error{};
};

using ReductionNode = oneapi::tbb::flow::function_node<Reduction, Reduction>;

/// Each adds a node to \p graph. \param concurrency  frames at once in this node; unlimited unless said. The loops over
/// a frame's stars run on the threads of the arena too. A node must not outlive the graph.
[[nodiscard]] ReductionNode make_detect_node(oneapi::tbb::flow::graph& graph,
                                             const DetectOptions& options = {},
                                             const BackgroundOptions& background = {},
                                             std::size_t concurrency = oneapi::tbb::flow::unlimited);
/// Fills Reduction::stars. \param plugin_method  name of MeasureOptions::plugin, which must outlive the node
[[nodiscard]] ReductionNode make_centroid_node(oneapi::tbb::flow::graph& graph,
                                               const MeasureOptions& options = {},
                                               std::size_t concurrency = oneapi::tbb::flow::unlimited,
                                               const std::string& plugin_method = {});
[[nodiscard]] ReductionNode make_filter_node(oneapi::tbb::flow::graph& graph,
                                             const FilterRules& rules,
                                             std::size_t concurrency = oneapi::tbb::flow::unlimited);

}  // namespace starflow::graph
