// SPDX-License-Identifier: MIT
#include "wiring.hpp"

#include "option_value.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace starflow::graph {
namespace {

std::vector<std::string> names(const std::vector<PortSpec>& ports) {
  std::vector<std::string> list;
  for (const auto& p : ports) list.push_back(p.name);
  return list;
}

std::optional<std::size_t> index_of(const std::vector<PortSpec>& ports, std::string_view name) {
  const auto at = std::find_if(ports.begin(), ports.end(), [&](const PortSpec& p) { return p.name == name; });
  if (at == ports.end()) return std::nullopt;
  return static_cast<std::size_t>(at - ports.begin());
}

/// Connects the inputs of one node.
class Connector {
 public:
  Connector(const JsonDoc& doc, std::vector<DraftNode>& nodes, DraftNode& node, Problems& problems)
      : doc_(doc), nodes_(nodes), node_(node), problems_(problems), path_(member_path(node.path, "in")) {}

  void run() {
    node_.inputs.assign(node_.type->inputs.size(), PortRef{kUnconnected, 0});
    tried_.assign(node_.inputs.size(), false);
    if (const JsonMember* in = node_.json->find("in")) read(in->value);
    for (std::size_t i = 0; i < tried_.size(); ++i) {
      const PortSpec& port = node_.type->inputs[i];
      if (tried_[i] || port.optional) continue;
      problems_.add(node_.place, path_,
                    fmt::format("the input {} of {} is not connected: it wants {}", in_quotes(port.name),
                                name_of(node_), port.type),
                    fmt::format("add \"in\": {{\"{}\": \"NODE\"}}", port.name));
    }
  }

 private:
  void fail(std::size_t offset, const std::string& path, std::string text, std::string hint = {}) {
    problems_.add(doc_, offset, path, std::move(text), std::move(hint));
  }

  void read(const JsonValue& in) {
    const auto& ports = node_.type->inputs;
    if (const auto* text = in.as<std::string>()) {
      if (ports.size() == 1) {
        edge(0, *text, in, path_);
      } else if (ports.empty()) {
        fail(in.begin, path_, name_of(node_) + " has no inputs");
      } else {
        tried_.assign(tried_.size(), true);
        fail(in.begin, path_,
             fmt::format("{} has more than one input: say which; it has: {}", name_of(node_), listed(names(ports))),
             fmt::format("write {{\"{}\": {}}}", ports.front().name, in_quotes(*text)));
      }
    } else if (const auto* object = in.as<JsonValue::Object>()) {
      for (const auto& member : *object) read_port(member);
    } else {
      tried_.assign(tried_.size(), true);
      fail(in.begin, path_, fmt::format("wants \"node\", \"node.port\" or an object of inputs, got {}", shown(in)));
    }
  }

  void read_port(const JsonMember& member) {
    const std::string path = member_path(path_, member.key);
    const auto port = index_of(node_.type->inputs, member.key);
    if (!port) {
      const auto known = names(node_.type->inputs);
      fail(member.begin, path,
           fmt::format("{} has no input {}; it has: {}", name_of(node_), in_quotes(member.key), listed(known)),
           did_you_mean(member.key, known));
    } else if (const auto* text = member.value.as<std::string>()) {
      if (!tried_[*port]) edge(*port, *text, member.value, path);
    } else {
      tried_[*port] = true;
      fail(member.value.begin, path, "wants \"node\" or \"node.port\", got " + shown(member.value));
    }
  }

  void edge(std::size_t input, std::string_view ref, const JsonValue& at, const std::string& path) {
    tried_[input] = true;
    const auto dot = ref.find('.');
    const std::string_view id = ref.substr(0, dot);
    const auto from =
        std::find_if(nodes_.begin(), nodes_.end(), [&](const DraftNode& n) { return !n.id.empty() && n.id == id; });
    if (from == nodes_.end()) {
      std::vector<std::string> ids;
      for (const auto& n : nodes_) {
        if (!n.id.empty()) ids.push_back(n.id);
      }
      fail(at.begin, path, fmt::format("there is no node {}; the graph has: {}", in_quotes(id), listed(ids)),
           did_you_mean(id, ids));
      return;
    }
    if (from->type == nullptr) return;  // its type is reported
    const PortSpec& want = node_.type->inputs[input];
    if (!from->enabled) {
      if (want.optional) return;
      fail(at.begin, path,
           fmt::format("the input {} of {} is fed by {}, which is not enabled", in_quotes(want.name), name_of(node_),
                       name_of(*from)),
           "disable both, or feed it from another node");
      return;
    }
    const auto output = dot == std::string_view::npos ? only_output(*from, want, at, path)
                                                      : named_output(*from, ref.substr(dot + 1), want, at, path);
    if (output) node_.inputs[input] = {static_cast<std::size_t>(from - nodes_.begin()), *output};
  }

  std::optional<std::size_t> named_output(const DraftNode& from,
                                          std::string_view name,
                                          const PortSpec& want,
                                          const JsonValue& at,
                                          const std::string& path) {
    const auto& outputs = from.type->outputs;
    const auto port = index_of(outputs, name);
    if (!port) {
      const auto known = names(outputs);
      fail(at.begin, path,
           fmt::format("{} has no output {}; it has: {}", name_of(from), in_quotes(name), listed(known)),
           did_you_mean(name, known));
      return std::nullopt;
    }
    if (outputs[*port].type == want.type) return port;
    fail(at.begin, path,
         fmt::format("the input {} of {} wants {}, but {}.{} is {}", in_quotes(want.name), name_of(node_), want.type,
                     from.id, name, outputs[*port].type));
    return std::nullopt;
  }

  std::optional<std::size_t> only_output(const DraftNode& from,
                                         const PortSpec& want,
                                         const JsonValue& at,
                                         const std::string& path) {
    const auto& outputs = from.type->outputs;
    std::vector<std::size_t> fit;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i].type == want.type) fit.push_back(i);
    }
    if (fit.size() == 1) return fit[0];
    std::vector<std::string> have;
    if (fit.empty()) {
      for (const auto& o : outputs) have.push_back(fmt::format("{} ({})", o.name, o.type));
      fail(at.begin, path,
           fmt::format("the input {} of {} wants {}, but {} has no such output; it has: {}", in_quotes(want.name),
                       name_of(node_), want.type, name_of(from), listed(have)));
    } else {
      for (const auto i : fit) have.push_back(from.id + "." + outputs[i].name);
      fail(at.begin, path,
           fmt::format("{} has more than one output of {}: say which: {}", name_of(from), want.type, listed(have)));
    }
    return std::nullopt;
  }

  const JsonDoc& doc_;
  const std::vector<DraftNode>& nodes_;
  DraftNode& node_;
  Problems& problems_;
  std::string path_;
  std::vector<bool> tried_;
};

/// A cycle among the nodes that are not \p done: every one of them has an input that is not done either.
std::vector<std::size_t> find_cycle(const std::vector<DraftNode>& nodes, const std::vector<bool>& done) {
  std::vector<std::size_t> walk{static_cast<std::size_t>(std::find(done.begin(), done.end(), false) - done.begin())};
  while (true) {
    const auto& inputs = nodes[walk.back()].inputs;
    const auto open = std::find_if(inputs.begin(), inputs.end(),
                                   [&](const PortRef& r) { return r.node != kUnconnected && !done[r.node]; });
    const auto seen = std::find(walk.begin(), walk.end(), open->node);
    if (seen != walk.end()) {
      std::vector<std::size_t> cycle(seen, walk.end());
      std::reverse(cycle.begin(), cycle.end());  // walked against the flow
      std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
      return cycle;
    }
    walk.push_back(open->node);
  }
}

}  // namespace

std::string name_of(const DraftNode& node) {
  return node_text(node.id, node.type == nullptr ? std::string_view() : node.type->name);
}

void connect(const JsonDoc& doc, std::vector<DraftNode>& nodes, Problems& problems) {
  for (auto& node : nodes) {
    if (node.type != nullptr && node.enabled) Connector(doc, nodes, node, problems).run();
  }
}

std::vector<std::size_t> topological_order(const std::vector<DraftNode>& nodes, Problems& problems) {
  std::vector<std::size_t> order;
  std::vector<bool> done(nodes.size(), false);
  const auto ready = [&](std::size_t n) {
    return !done[n] && std::all_of(nodes[n].inputs.begin(), nodes[n].inputs.end(),
                                   [&](const PortRef& r) { return r.node == kUnconnected || done[r.node]; });
  };
  while (order.size() < nodes.size()) {
    std::size_t next = 0;
    while (next < nodes.size() && !ready(next)) ++next;
    if (next < nodes.size()) {
      done[next] = true;
      order.push_back(next);
      continue;
    }
    // Every node of the cycle counts as done then, so that further cycles show too.
    std::string text = "the nodes form a cycle: ";
    const auto cycle = find_cycle(nodes, done);
    for (const auto n : cycle) text += nodes[n].id + " -> ";
    const DraftNode& first = nodes[cycle.front()];
    problems.add(first.place, member_path(first.path, "in"), text + first.id, "frames flow one way");
    for (const auto n : cycle) {
      done[n] = true;
      order.push_back(n);
    }
  }
  return order;
}

void check_sources(const JsonDoc& doc,
                   std::size_t nodes_offset,
                   const std::vector<DraftNode>& nodes,
                   const Registry& registry,
                   Problems& problems) {
  const DraftNode* source = nullptr;
  bool unknown = false;
  for (const auto& node : nodes) {
    unknown = unknown || node.type == nullptr;
    if (node.type == nullptr || !node.enabled || node.type->make.index() != 0) continue;
    if (source != nullptr) {
      problems.add(node.place, node.path,
                   fmt::format("{} is a second source: a graph has one, here {}", name_of(node), name_of(*source)));
    } else {
      source = &node;
    }
  }
  if (source != nullptr || unknown) return;
  std::vector<std::string> known;
  for (const auto& [name, type] : registry.types()) {
    if (type.make.index() == 0) known.push_back(name);
  }
  problems.add(doc, nodes_offset, "nodes", "the graph has no source: one node must be of " + listed(known));
}

}  // namespace starflow::graph
