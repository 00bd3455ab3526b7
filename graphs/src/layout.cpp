// SPDX-License-Identifier: MIT
#include "frame_context.hpp"

#include <starflow/graph/diagnostic.hpp>
#include <starflow/sdk/messages.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace starflow::graph {
namespace {

bool is_source(const NodeType& type) { return type.make.index() == 0; }
bool is_node(const NodeType& type) { return type.make.index() == 1; }

[[noreturn]] void refuse(Diagnostic place, std::string text) {
  place.text = std::move(text);
  throw ConfigError({std::move(place)});
}

// A spec that GraphSpec made passes; one made by hand may not.
void check(const GraphSpec& spec) {
  Diagnostic file;
  file.file = spec.file;
  std::size_t sources = 0;
  for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
    const NodeSpec& n = spec.nodes[i];
    if (n.type == nullptr || n.options == nullptr) refuse(n.place, "node '" + n.id + "' has no type or no options");
    if (n.inputs.size() != n.type->inputs.size()) refuse(n.place, "node '" + n.id + "' has an unnamed input");
    if (is_source(*n.type)) ++sources;
    for (std::size_t p = 0; p < n.inputs.size(); ++p) {
      const PortRef& ref = n.inputs[p];
      const PortSpec& port = n.type->inputs[p];
      if (ref.node == kUnconnected && port.optional) continue;
      if (ref.node >= i || ref.port >= spec.nodes[ref.node].type->outputs.size() ||
          spec.nodes[ref.node].type->outputs[ref.port].type != port.type) {
        refuse(n.place, "input '" + port.name + "' of node '" + n.id + "' needs " + std::string(port.type) +
                            " from an earlier node");
      }
    }
  }
  if (sources != 1) {
    refuse(file, "a graph needs exactly one source; this one has " + std::to_string(sources));
  }
}

bool makes_stars(const NodeType& type) {
  return std::any_of(type.outputs.begin(), type.outputs.end(),
                     [](const PortSpec& p) { return p.type == message_type<StarList>; });
}

}  // namespace

Layout::Layout(const GraphSpec& spec, const std::vector<std::string>& keep) {
  check(spec);
  std::vector<bool> waited_for(spec.nodes.size(), false);
  for (const NodeSpec& n : spec.nodes) {
    if (is_source(*n.type)) source = nodes.size();
    Node node{n.id, n.type, slots.size(), {}, {}, std::vector<bool>(nodes.size(), false)};
    for (const PortSpec& port : n.type->outputs) {
      slots.emplace_back().counts_stars = port.type == message_type<StarList>;
    }
    for (std::size_t p = 0; p < n.inputs.size(); ++p) {
      const PortRef& ref = n.inputs[p];
      if (ref.node == kUnconnected) {
        node.inputs.push_back(kUnconnected);
        continue;
      }
      const std::size_t slot = nodes[ref.node].first_slot + ref.port;
      node.inputs.push_back(slot);
      ++slots[slot].readers;
      if (!n.type->inputs[p].optional) slots[slot].needed_by = n.id;
      if (makes_stars(*n.type)) slots[slot].counts_stars = false;
      if (std::find(node.upstream.begin(), node.upstream.end(), ref.node) == node.upstream.end()) {
        node.upstream.push_back(ref.node);
      }
      node.behind[ref.node] = true;
      for (std::size_t i = 0; i < ref.node; ++i) node.behind[i] = node.behind[i] || nodes[ref.node].behind[i];
    }
    nodes.push_back(std::move(node));
  }
  // A node without a connected input still sees every frame.
  for (Node& node : nodes) {
    if (!is_node(*node.type)) continue;
    if (node.upstream.empty()) node.upstream.push_back(source);
    for (const std::size_t u : node.upstream) waited_for[u] = true;
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].type->make.index() != 2 && !waited_for[i]) last.push_back(i);
  }
  for (const std::string& name : keep) {
    bool found = false;
    for (const Node& n : nodes) {
      for (std::size_t p = 0; p < n.type->outputs.size(); ++p) {
        if (n.id + "." + n.type->outputs[p].name != name) continue;
        found = true;
        kept.push_back(n.first_slot + p);
        kept_names.push_back(name);
        ++slots[n.first_slot + p].readers;
      }
    }
    Diagnostic file;
    file.file = spec.file;
    if (!found) refuse(file, "the host wants to keep '" + name + "', but no node has that output (NODE.PORT is asked)");
  }
}

}  // namespace starflow::graph
