// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node objects of a graph: made from their options and started, with every problem reported at its place.

#include <starflow/graph/graph_spec.hpp>
#include <starflow/sdk/node.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::graph {

using LogFunction = std::function<void(LogLevel, std::string_view)>;

/// The objects, at the index of their node in the spec; null in the other two lists.
struct Instances {
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<Sink>> sinks;
};

/// Makes one node of its options, whose known ones must all hold a value, and puts what it refuses in \p problems.
void check_node(const NodeSpec& node, std::vector<Diagnostic>& problems);

/// The node \p node of \p spec, made and started as an addition to those that run: outputs can't be claimed.
/// \throws ConfigError with its problem
[[nodiscard]] std::unique_ptr<Node> start_node(const GraphSpec& spec, const NodeSpec& node, const LogFunction& log);

/// Makes all nodes of \p spec, then starts the source, the nodes and the sinks.
/// \param trace  file that the run itself will write, claimed after those of the nodes; empty = none
/// \throws ConfigError with the problems of all nodes; what was started is destroyed then.
[[nodiscard]] Instances start_nodes(const GraphSpec& spec,
                                    bool force,
                                    const std::string& trace,
                                    const LogFunction& log);

}  // namespace starflow::graph
