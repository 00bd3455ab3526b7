// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node objects of a graph: made from their options and started, with every problem reported at its place.

#include "journal.hpp"
#include "run_key.hpp"

#include <starflow/graph/diagnostic.hpp>
#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/runner.hpp>
#include <starflow/sdk/node.hpp>

#include <functional>
#include <memory>
#include <optional>
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
  std::unique_ptr<Journal> journal{};  ///< its sinks are those here, in this order; null = none is kept
  std::vector<std::string> outputs{};  ///< that were claimed
};

/// How a run is started.
struct StartPlan {
  bool force = false;   ///< existing outputs may be replaced, and nothing is continued
  std::string trace{};  ///< file that the run itself will write, claimed after those of the nodes; empty = none
  bool resume = false;  ///< goes on with what an earlier run left
  std::optional<Shard> shard{};
};

/// A problem of \p node, at the place of one of its options; \p option empty = at the node's.
[[nodiscard]] Diagnostic at_option(const NodeSpec& node, const std::string& option, const std::string& text);

/// Runs code of the node's type; whatever it throws becomes a problem at its place.
void guarded(const NodeSpec& node, std::vector<Diagnostic>& problems, const std::function<void()>& call);

/// Makes one node of its options, whose known ones must all hold a value, and puts what it refuses in \p problems.
void check_node(const NodeSpec& node, std::vector<Diagnostic>& problems);

/// The node \p node of \p spec, made and started as an addition to those that run: outputs can't be claimed.
/// \throws ConfigError with its problem
[[nodiscard]] std::unique_ptr<Node> start_node(const GraphSpec& spec, const NodeSpec& node, const LogFunction& log);

/// Makes all nodes of \p spec, then starts the source, the nodes and the sinks. Of a run that is complete already there
/// are no sinks.
/// \throws ConfigError with the problems of all nodes; what was started is destroyed then.
[[nodiscard]] Instances start_nodes(const GraphSpec& spec, const StartPlan& plan, const LogFunction& log);

}  // namespace starflow::graph
