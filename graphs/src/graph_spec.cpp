// SPDX-License-Identifier: MIT
#include <starflow/graph/graph_spec.hpp>

#include "graph_reader.hpp"

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

}  // namespace starflow::graph
