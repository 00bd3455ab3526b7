// SPDX-License-Identifier: MIT
#include <starflow/graph/registry.hpp>

#include "option_value.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

namespace starflow::graph {
namespace {

[[noreturn]] void refuse(const NodeType& type, const std::string& why) {
  throw std::invalid_argument(fmt::format("node type {}: {}", in_quotes(type.name), why));
}

/// Letters, digits, '_', '-' and, between them, '.'.
bool is_name(std::string_view name) {
  bool after_word = false;
  for (const char c : name) {
    const bool word = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    if (!word && (c != '.' || !after_word)) return false;
    after_word = word;
  }
  return after_word;
}

void check_ports(const NodeType& type, const std::vector<PortSpec>& ports, std::string_view kind) {
  std::set<std::string_view> names;
  for (const auto& port : ports) {
    if (!is_name(port.name) || port.name.find('.') != std::string::npos) {
      refuse(type,
             fmt::format("{} is no name for an {} port: letters, digits, '_' and '-'", in_quotes(port.name), kind));
    }
    if (!names.insert(port.name).second)
      refuse(type, fmt::format("two {} ports are named {}", kind, in_quotes(port.name)));
    if (port.type.empty()) refuse(type, fmt::format("{} port {} has no message type", kind, in_quotes(port.name)));
  }
}

void check_option(const NodeType& type, const OptionSpec& spec) {
  const auto wrong = [&](const std::string& why) {
    refuse(type, fmt::format("option {}: {}", in_quotes(spec.name), why));
  };
  if (!is_name(spec.name)) wrong("no name for an option: words of letters, digits, '_' and '-', with '.' between them");
  constexpr unsigned kAll = 63;
  if ((static_cast<unsigned>(spec.form) & kAll) == 0) wrong("accepts no form");
  if (std::isnan(spec.minimum) || std::isnan(spec.maximum) || spec.minimum > spec.maximum) wrong("its range is empty");
  if (!spec.choices.empty() && !accepts(spec.form, Accepts::text) && !accepts(spec.form, Accepts::text_list)) {
    wrong("has choices but accepts no text");
  }
  if (const auto* number = std::get_if<double>(&spec.fallback); number != nullptr && std::isnan(*number)) {
    wrong("its default is not a number; leave it empty for \"not given\"");
  }
  if (const Refusal r = check(spec.fallback, spec); !r.text.empty()) wrong("its default contradicts it: " + r.text);
}

void check_options(const NodeType& type) {
  std::set<std::string_view> names;
  for (const auto& spec : type.options) {
    check_option(type, spec);
    if (!names.insert(spec.name).second) refuse(type, fmt::format("two options are named {}", in_quotes(spec.name)));
  }
  for (const auto& spec : type.options) {
    for (auto dot = spec.name.find('.'); dot != std::string::npos; dot = spec.name.find('.', dot + 1)) {
      const auto group = std::string_view(spec.name).substr(0, dot);
      if (!names.contains(group)) continue;
      refuse(type, fmt::format("option {} is a value and holds option {} too", in_quotes(group), in_quotes(spec.name)));
    }
  }
}

void check_type(const NodeType& type) {
  if (!is_name(type.name))
    refuse(type, "no name for a type: words of letters, digits, '_' and '-', with '.' between them");
  if (std::visit([](auto make) { return make == nullptr; }, type.make)) refuse(type, "has no factory");
  check_ports(type, type.inputs, "input");
  check_ports(type, type.outputs, "output");
  if (type.make.index() == 0 && !type.inputs.empty()) refuse(type, "a source has no inputs");
  if (type.make.index() == 2 && !type.outputs.empty()) refuse(type, "a sink has no outputs");
  check_options(type);
}

}  // namespace

void Registry::add(NodeType type) {
  if (const auto taken = owners_.find(type.name); taken != owners_.end()) {
    refuse(type, fmt::format("the name is taken: {} has it already, {} wants it too", in_quotes(taken->second),
                             in_quotes(owner_)));
  }
  check_type(type);
  owners_.emplace(type.name, owner_);
  std::string name = type.name;
  types_.emplace(std::move(name), std::move(type));
}

const NodeType* Registry::find(std::string_view name) const {
  const auto at = types_.find(name);
  return at == types_.end() ? nullptr : &at->second;
}

std::string_view Registry::owner(std::string_view type) const {
  const auto at = owners_.find(type);
  return at == owners_.end() ? std::string_view() : std::string_view(at->second);
}

void Registry::remove_types_of(std::string_view owner) {
  for (auto at = owners_.begin(); at != owners_.end();) {
    if (at->second == owner) {
      types_.erase(at->first);
      at = owners_.erase(at);
    } else {
      ++at;
    }
  }
}

}  // namespace starflow::graph
