// SPDX-License-Identifier: MIT
#include "config_hash.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <vector>

namespace starflow::graph {
namespace {

/// A text with its length in front can't be mistaken for another one.
std::string exact(std::string_view text) { return fmt::format("{}:{}", text.size(), text); }

std::string canonical(const OptionValue& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return "-";
        } else if constexpr (std::is_same_v<T, std::string>) {
          return exact(v);
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          std::string text = "[";
          for (const auto& s : v) text += exact(s) + ",";
          return text + "]";
        } else if constexpr (std::is_same_v<T, std::vector<double>>) {
          std::string text = "[";
          for (const double d : v) text += number_text(d) + ",";
          return text + "]";
        } else {
          return fmt::format("{}", v);
        }
      },
      value);
}

std::string canonical(const GraphSpec& spec, const NodeSpec& node) {
  std::string text = fmt::format("node {} {}\n", exact(node.id), exact(node.type->name));
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i].node == kUnconnected) continue;
    const NodeSpec& from = spec.nodes[node.inputs[i].node];
    text += fmt::format("in {} {} {}\n", node.type->inputs[i].name, exact(from.id),
                        from.type->outputs[node.inputs[i].port].name);
  }
  for (const auto& option : node.type->options) {
    if (option.result_neutral) continue;
    // The options of a plugin's method count where it is used: its mere presence changes nothing.
    if (!option.with_option.empty() && !node.options->has(option.name)) continue;
    text += fmt::format("option {} {}\n", option.name, canonical(node.options->at(option.name)));
  }
  return text;
}

}  // namespace

std::string config_hash(const GraphSpec& spec) {
  std::vector<std::string> parts;
  for (const auto& node : spec.nodes) parts.push_back(canonical(spec, node));
  std::sort(parts.begin(), parts.end());
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const auto& part : parts) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace starflow::graph
