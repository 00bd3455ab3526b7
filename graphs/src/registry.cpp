// SPDX-License-Identifier: MIT
#include <starflow/graph/registry.hpp>

#include "option_value.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

namespace starflow::graph {
namespace {

constexpr const char* kMethodOption = "method";

[[noreturn]] void refuse(const std::string& subject, const std::string& why) {
  throw std::invalid_argument(subject + ": " + why);
}
[[noreturn]] void refuse(const NodeType& type, const std::string& why) {
  refuse("node type " + in_quotes(type.name), why);
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

void check_option(const std::string& subject, const OptionSpec& spec) {
  const auto wrong = [&](const std::string& why) {
    refuse(subject, fmt::format("option {}: {}", in_quotes(spec.name), why));
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

void check_options(const std::string& subject, const std::vector<OptionSpec>& specs) {
  std::set<std::string_view> names;
  for (const auto& spec : specs) {
    check_option(subject, spec);
    if (!names.insert(spec.name).second) refuse(subject, fmt::format("two options are named {}", in_quotes(spec.name)));
  }
  for (const auto& spec : specs) {
    for (auto dot = spec.name.find('.'); dot != std::string::npos; dot = spec.name.find('.', dot + 1)) {
      const auto group = std::string_view(spec.name).substr(0, dot);
      if (!names.contains(group)) continue;
      refuse(subject,
             fmt::format("option {} is a value and holds option {} too", in_quotes(group), in_quotes(spec.name)));
    }
  }
}

OptionSpec* method_option(NodeType& type) {
  const auto at = std::ranges::find(type.options, kMethodOption, &OptionSpec::name);
  return at == type.options.end() || at->choices.empty() ? nullptr : &*at;
}

void check_type(NodeType& type) {
  if (!is_name(type.name))
    refuse(type, "no name for a type: words of letters, digits, '_' and '-', with '.' between them");
  if (std::visit([](auto make) { return make == nullptr; }, type.make)) refuse(type, "has no factory");
  check_ports(type, type.inputs, "input");
  check_ports(type, type.outputs, "output");
  if (type.make.index() == 0 && !type.inputs.empty()) refuse(type, "a source has no inputs");
  if (type.make.index() == 2 && !type.outputs.empty()) refuse(type, "a sink has no outputs");
  const bool still = type.make.index() != 1 || type.serial;
  const auto live = std::ranges::find(type.options, true, &OptionSpec::live);
  if (still && live != type.options.end()) {
    refuse(type, fmt::format("option {} is live, which only nodes without a memory can have", in_quotes(live->name)));
  }
  check_options("node type " + in_quotes(type.name), type.options);
  if (type.takes_methods && method_option(type) == nullptr)
    refuse(type, "takes methods but has no option \"method\" that accepts a text out of choices");
}

/// The options of \p method as the type has them: under its name, and only with it.
std::vector<OptionSpec> options_of(const MethodType& method) {
  std::vector<OptionSpec> specs = method.options;
  for (OptionSpec& spec : specs) {
    spec.name = method.name + "." + spec.name;
    spec.with_option = kMethodOption;
    spec.with_choices = {method.name};
    spec.live = true;  // the method itself may change, too
  }
  return specs;
}

void check_method(const MethodType& method, const std::string& owner) {
  const std::string subject = "method " + in_quotes(method.name);
  if (!is_name(method.name) || !method.name.starts_with(owner + "."))
    refuse(subject, fmt::format("the name of a method is that of its plugin, a dot and a word: \"{}.NAME\"", owner));
  if (method.make == nullptr) refuse(subject, "has no factory");
  check_options(subject, method.options);
}

void give(const MethodType& method, NodeType& type) {
  method_option(type)->choices.push_back(method.name);
  for (OptionSpec& spec : options_of(method)) type.options.push_back(std::move(spec));
}

void take(const MethodType& method, NodeType& type) {
  std::erase(method_option(type)->choices, method.name);
  std::erase_if(type.options, [&](const OptionSpec& spec) {
    return spec.with_option == kMethodOption && spec.with_choices == std::vector{method.name};
  });
}

}  // namespace

void Registry::add(NodeType type) {
  if (const auto taken = owners_.find(type.name); taken != owners_.end()) {
    refuse(type, fmt::format("the name is taken: {} has it already, {} wants it too", in_quotes(taken->second),
                             in_quotes(owner_)));
  }
  check_type(type);
  if (type.takes_methods) {
    for (const auto& [name, method] : methods_) give(method, type);
    check_type(type);  // an option of a method may stand where the type has one
  }
  owners_.emplace(type.name, owner_);
  std::string name = type.name;
  types_.emplace(std::move(name), std::move(type));
}

void Registry::add(MethodType method) {
  check_method(method, owner_);
  if (methods_.contains(method.name)) refuse("method " + in_quotes(method.name), "the plugin adds it twice");
  const std::string subject = "method " + in_quotes(method.name);
  for (const auto& [name, type] : types_) {
    if (!type.takes_methods) continue;
    NodeType with = type;
    give(method, with);
    check_options(subject, with.options);
  }
  for (auto& [name, type] : types_) {
    if (type.takes_methods) give(method, type);
  }
  std::string name = method.name;
  method_owners_.emplace(name, owner_);
  methods_.emplace(std::move(name), std::move(method));
}

const NodeType* Registry::find(std::string_view name) const {
  const auto at = types_.find(name);
  return at == types_.end() ? nullptr : &at->second;
}

std::string_view Registry::owner(std::string_view type) const {
  const auto at = owners_.find(type);
  return at == owners_.end() ? std::string_view() : std::string_view(at->second);
}

std::string_view Registry::method_owner(std::string_view method) const {
  const auto at = method_owners_.find(method);
  return at == method_owners_.end() ? std::string_view() : std::string_view(at->second);
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
  std::erase_if(methods_, [&](const auto& entry) {
    if (method_owners_.at(entry.first) != owner) return false;
    method_owners_.erase(entry.first);
    for (auto& [name, type] : types_) {
      if (type.takes_methods) take(entry.second, type);
    }
    return true;
  });
}

}  // namespace starflow::graph
