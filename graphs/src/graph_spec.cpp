// SPDX-License-Identifier: MIT
#include <starflow/graph/graph_spec.hpp>

#include "graph_reader.hpp"
#include "text.hpp"

#include <stdexcept>
#include <string>

namespace starflow::graph {

const OptionValue& ResolvedOptions::at(std::string_view name) const {
  const auto found = values.find(name);
  if (found == values.end()) throw std::logic_error("no option is named \"" + std::string(name) + '"');
  return found->second.value;
}

const MethodType* ResolvedOptions::method(std::string_view name) const {
  if (registry == nullptr) return nullptr;
  const auto found = registry->methods().find(name);
  return found == registry->methods().end() ? nullptr : &found->second;
}

GraphSpec GraphSpec::load(const std::string& path, const Registry& registry, const Overrides& overrides) {
  const JsonDoc doc = JsonDoc::load(path);
  GraphSpec spec = GraphReader(doc, registry, overrides).read();
  spec.files.push_back(path);
  return spec;
}

GraphSpec GraphSpec::parse(std::string_view text,
                           const std::string& file,
                           const Registry& registry,
                           const Overrides& overrides) {
  const JsonDoc doc = JsonDoc::parse(std::string(text), file);
  return GraphReader(doc, registry, overrides).read();
}

std::vector<Diagnostic> GraphSpec::unread() const {
  std::vector<bool> read(nodes.size(), false);
  for (const NodeSpec& node : nodes) {
    for (const PortRef& from : node.inputs) {
      if (from.node != kUnconnected) read[from.node] = true;
    }
  }
  std::vector<Diagnostic> found;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (read[i] || nodes[i].type->outputs.empty()) continue;
    Diagnostic& d = found.emplace_back(nodes[i].place);
    d.text = "nobody reads what " + in_quotes(nodes[i].id) + " (" + nodes[i].type->name + ") sends";
    d.hint = "connect it to a sink or another node, or leave it out: \"enabled\": false";
  }
  return found;
}

}  // namespace starflow::graph
