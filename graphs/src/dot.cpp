// SPDX-License-Identifier: MIT
#include <starflow/graph/explain.hpp>

#include "option_value.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <string_view>

namespace starflow::graph {
namespace {

constexpr std::size_t kLongestValue = 32;  // characters of an option in the picture

/// A text between quotes of the language.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// A text between tags.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// No more of a value than a picture has room for; never cut inside a UTF-8 character.
std::string brief(const OptionValue& value) {
  std::string text = written(value);
  if (text.size() <= kLongestValue) return text;
  std::size_t end = kLongestValue;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

std::string_view fill_of(const NodeType& type) {
  constexpr std::string_view kFills[] = {"#e3f0e3", "#e6eefa", "#f7ecdc"};  // source, node, sink
  return kFills[type.make.index()];
}

std::string label(const NodeSpec& node) {
  std::string rows = fmt::format(R"(<tr><td><b>{}</b></td></tr><tr><td><font color="#555555">{}</font></td></tr>)",
                                 escaped(node.id), escaped(node.type->name));
  for (const auto& [name, option] : node.options->values) {
    if (option.from.empty() || option.from == "default") continue;
    rows += fmt::format(R"(<tr><td align="left"><font point-size="10">{} = {}</font></td></tr>)", escaped(name),
                        escaped(brief(option.value)));
  }
  return fmt::format(R"(<<table border="0" cellspacing="0" cellpadding="1">{}</table>>)", rows);
}

/// "starflow.frame/1" is told as "frame".
std::string_view short_type(std::string_view type) {
  const std::size_t slash = type.rfind('/');
  type = type.substr(0, slash);
  const std::size_t dot = type.rfind('.');
  return dot == std::string_view::npos ? type : type.substr(dot + 1);
}

}  // namespace

std::string to_dot(const GraphSpec& spec) {
  std::string out = fmt::format("digraph {} {{\n", quoted(spec.name));
  out += "  rankdir=LR; ranksep=0.5; fontname=\"Helvetica\";\n";
  out += "  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=12, color=\"#777777\"];\n";
  out += "  edge [fontname=\"Helvetica\", fontsize=10, color=\"#777777\", fontcolor=\"#555555\"];\n";
  for (const NodeSpec& node : spec.nodes) {
    out += fmt::format("  {} [label={}, fillcolor=\"{}\"];\n", quoted(node.id), label(node), fill_of(*node.type));
  }
  for (const NodeSpec& node : spec.nodes) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const PortRef& ref = node.inputs[i];
      if (ref.node == kUnconnected) continue;
      const PortSpec& in = node.type->inputs[i];
      out += fmt::format("  {} -> {} [label={}{}];\n", quoted(spec.nodes[ref.node].id), quoted(node.id),
                         quoted(short_type(in.type)), in.optional ? ", style=dashed" : "");
    }
  }
  return out + "}\n";
}

}  // namespace starflow::graph
