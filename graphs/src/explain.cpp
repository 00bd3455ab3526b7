// SPDX-License-Identifier: MIT
#include <starflow/graph/explain.hpp>

#include "option_layers.hpp"
#include "option_value.hpp"
#include "run_spec.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace starflow::graph {
namespace {

/// A value of the graph and what is known about it.
struct Entry {
  std::string path;
  const ResolvedOption* value;
  const OptionSpec* spec;  ///< null for parameters
  std::string doc;
};

void add_options(const std::string& path,
                 const std::vector<OptionSpec>& specs,
                 const ResolvedOptions& options,
                 std::vector<Entry>& entries) {
  for (const OptionSpec& spec : specs) {
    const auto found = options.values.find(spec.name);
    if (found == options.values.end()) continue;
    if (goes(spec, options.values)) entries.push_back({path + spec.name, &found->second, &spec, spec.doc});
  }
}

std::vector<Entry> entries_of(const GraphSpec& spec) {
  std::vector<Entry> entries;
  for (const ParameterSpec& p : spec.parameters) {
    entries.push_back({"parameters." + p.name, &p.resolved, nullptr, p.doc});
  }
  if (spec.run_options) add_options("run.", run_options(), *spec.run_options, entries);
  for (const NodeSpec& node : spec.nodes) {
    add_options("nodes." + node.id + ".options.", node.type->options, *node.options, entries);
  }
  return entries;
}

bool lies_under(std::string_view path, std::string_view front) {
  return front.empty() || path == front || (path.starts_with(front) && path[front.size()] == '.');
}

std::string history(const Entry& e) {
  std::string text;
  const auto line = [&](const OptionValue& value, const std::string& from, const char* mark) {
    text += fmt::format("  {} {:<24} {}\n", mark, written(value), from);
  };
  const auto& replaced = e.value->replaced;
  const bool default_told = e.value->from == "default" || (!replaced.empty() && replaced.front().from == "default");
  if (e.spec != nullptr && !default_told) line(e.spec->fallback, "default", " ");
  for (const auto& earlier : replaced) line(earlier.value, earlier.from, " ");
  line(e.value->value, e.value->from, "*");
  if (e.spec != nullptr) text += "  allowed: " + wanted(*e.spec) + "\n";
  if (!e.doc.empty()) text += "  " + e.doc + "\n";
  return text;
}

/// Why nothing of \p path has a value, where options are there that go with another value only; else empty.
std::string why_none(const GraphSpec& spec, std::string_view path) {
  for (const NodeSpec& node : spec.nodes) {
    for (const OptionSpec& option : node.type->options) {
      if (!lies_under("nodes." + node.id + ".options." + option.name, path) || goes(option, node.options->values))
        continue;
      return goes_only_with(option, node_text(node.id, node.type->name));
    }
  }
  return {};
}

[[noreturn]] void refuse(const GraphSpec& spec, std::string_view path, const std::vector<Entry>& entries) {
  std::vector<std::string> known;
  for (const Entry& e : entries) known.push_back(e.path);
  Diagnostic d;
  d.file = spec.file;
  d.text = why_none(spec, path);
  if (!d.text.empty()) throw ConfigError({d});
  d.text = fmt::format("there is no value {}; paths are parameters.NAME, nodes.ID.options.NAME and run.NAME",
                       in_quotes(path));
  d.hint = did_you_mean(path, known);
  throw ConfigError({d});
}

}  // namespace

std::string explain(const GraphSpec& spec, std::string_view path) {
  const std::vector<Entry> all = entries_of(spec);
  std::vector<Entry> chosen;
  std::ranges::copy_if(all, std::back_inserter(chosen), [&](const Entry& e) { return lies_under(e.path, path); });
  if (chosen.empty()) refuse(spec, path, all);
  std::string text;
  for (const Entry& e : chosen) {
    text += fmt::format("{} = {}  ({})\n", e.path, written(e.value->value), e.value->from);
  }
  if (chosen.size() == 1 && chosen.front().path == path) text += history(chosen.front());
  return text;
}

}  // namespace starflow::graph
