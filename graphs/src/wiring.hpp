// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The edges of a graph: who feeds which input, and in what order nodes can run.

#include "problems.hpp"

#include <starflow/graph/graph_spec.hpp>

#include <string>
#include <vector>

namespace starflow::graph {

/// A node while its file is read.
struct DraftNode {
  std::string id;                  ///< empty = unusable, reported
  const NodeType* type = nullptr;  ///< null = unknown, reported
  const JsonValue* json = nullptr;
  std::string path;  ///< "nodes[1]"
  Diagnostic place;
  std::vector<PortRef> inputs;  ///< index into the draft's nodes; kUnconnected = open
  std::shared_ptr<ResolvedOptions> options;
  bool complete = false;  ///< every known option holds a value
  OnError on_error = OnError::skip_output;
  bool enabled = true;
};

/// `"det" (detect)`, for messages.
[[nodiscard]] std::string name_of(const DraftNode& node);

/// Reads every `in` and fills the inputs. Unknown nodes and ports, other message types and open inputs are problems.
void connect(const JsonDoc& doc, std::vector<DraftNode>& nodes, Problems& problems);

/// \return indices in topological order, ties in the order of the file. Cycles are problems that name their nodes.
[[nodiscard]] std::vector<std::size_t> topological_order(const std::vector<DraftNode>& nodes, Problems& problems);

/// Reports a graph without a source, or with more than one.
void check_sources(const JsonDoc& doc,
                   std::size_t nodes_offset,
                   const std::vector<DraftNode>& nodes,
                   const Registry& registry,
                   Problems& problems);

}  // namespace starflow::graph
