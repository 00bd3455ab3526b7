// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Makes a GraphSpec of a document.

#include "overrides.hpp"
#include "parameters.hpp"
#include "problems.hpp"
#include "wiring.hpp"

#include <starflow/graph/graph_spec.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace starflow::graph {

class GraphReader {
 public:
  GraphReader(const JsonDoc& doc, const Registry& registry, const Overrides& overrides)
      : doc_(doc), registry_(registry), set_(read_overrides(overrides, problems_)) {}

  /// \throws ConfigError with every problem
  GraphSpec read();

 private:
  void read_keys(GraphSpec& spec);
  std::vector<DraftNode> read_nodes();
  void read_node(DraftNode& node);
  void read_id(DraftNode& node);
  void read_type(DraftNode& node);
  void read_on_error(DraftNode& node);
  void read_enabled(DraftNode& node, const Parameters& parameters);
  void check_policy(const GraphSpec& spec);
  void read_options(DraftNode& node, const Parameters& parameters);
  /// Options that contradict each other in the nodes of a graph that has other problems: all are reported at once.
  void try_nodes(const std::vector<DraftNode>& nodes);
  void check_ids(std::vector<DraftNode>& nodes);
  void check_set(const std::vector<DraftNode>& nodes);
  /// The preset's document; null where it can't be read, which is reported.
  const JsonDoc* preset(const DraftNode& node, const JsonMember& member, const Parameters& parameters);
  void fail(std::size_t offset, std::string path, std::string text, std::string hint = {}) {
    problems_.add(doc_, offset, std::move(path), std::move(text), std::move(hint));
  }
  /// The text of an optional member; empty where it is missing or no text, which is reported.
  std::string text_of(const JsonValue& object, const std::string& key, const std::string& path);
  void check_keys(const JsonValue& object, const std::string& path, const std::vector<std::string>& allowed);

  const JsonDoc& doc_;
  const Registry& registry_;
  Problems problems_;
  std::vector<SetArgument> set_;
  std::map<std::string, std::unique_ptr<JsonDoc>> presets_;
};

}  // namespace starflow::graph
