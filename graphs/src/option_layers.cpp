// SPDX-License-Identifier: MIT
#include "option_layers.hpp"

#include "option_value.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace starflow::graph {
namespace {

constexpr const char* kDefault = "default";

std::string location(const Diagnostic& d) { return fmt::format("{}:{}:{}", d.file, d.line, d.column); }

std::vector<std::string> quoted(const std::vector<std::string>& words) {
  std::vector<std::string> list;
  for (const auto& word : words) list.push_back(in_quotes(word));
  return list;
}

}  // namespace

bool goes(const OptionSpec& spec, const OptionLayers::Values& values) {
  if (spec.with_option.empty()) return true;
  const auto at = values.find(spec.with_option);
  const auto* text = at == values.end() ? nullptr : std::get_if<std::string>(&at->second.value);
  return text != nullptr && std::ranges::find(spec.with_choices, *text) != spec.with_choices.end();
}

const OptionSpec* OptionLayers::find(std::string_view name) const {
  const auto at = std::find_if(specs_.begin(), specs_.end(), [&](const OptionSpec& s) { return s.name == name; });
  return at == specs_.end() ? nullptr : &*at;
}

bool OptionLayers::is_group(std::string_view name) const { return !keys_of(name).empty(); }

std::vector<std::string> OptionLayers::keys_of(std::string_view group) const {
  std::vector<std::string> keys;
  for (const auto& spec : specs_) {
    std::string_view name = spec.name;
    if (!group.empty()) {
      if (!name.starts_with(group) || name.size() <= group.size() || name[group.size()] != '.') continue;
      name.remove_prefix(group.size() + 1);
    }
    keys.emplace_back(name.substr(0, name.find('.')));
  }
  return keys;
}

std::vector<std::string> OptionLayers::names() const {
  std::vector<std::string> list;
  for (const auto& spec : specs_) list.push_back(spec.name);
  return list;
}

void OptionLayers::add(const OptionLayer& layer, const JsonValue& object) {
  if (object.as<JsonValue::Object>() == nullptr) {
    problems_.add(layer.doc, object.begin, layer.path, "wants an object of options, got " + shown(object) + layer.note);
    return;
  }
  read(layer, object, {}, layer.path);
}

void OptionLayers::read(const OptionLayer& layer,
                        const JsonValue& object,
                        const std::string& group,
                        const std::string& path) {
  for (const auto& member : *object.as<JsonValue::Object>()) {
    const auto& other = layer.other_keys;
    if (group.empty() && std::find(other.begin(), other.end(), member.key) != other.end()) continue;
    const std::string name = group.empty() ? member.key : group + "." + member.key;
    const std::string where = member_path(path, member.key);
    const bool one_word = !member.key.empty() && member.key.find('.') == std::string::npos;
    if (const OptionSpec* spec = find(name); spec != nullptr && one_word) {
      set(layer, *spec, member.value, where);
    } else if (one_word && is_group(name)) {
      if (member.value.as<JsonValue::Object>() != nullptr) {
        read(layer, member.value, name, where);
      } else {
        const std::string keys = listed(keys_of(name));
        problems_.add(layer.doc, member.value.begin, where,
                      fmt::format("wants an object with {}, got {}{}", keys, shown(member.value), layer.note));
      }
    } else {
      auto keys = keys_of(group);
      std::string hint = spec != nullptr ? "write the part before the dot as an object around the rest"
                                         : did_you_mean(member.key, keys);
      if (group.empty()) keys.insert(keys.end(), other.begin(), other.end());
      problems_.add(
          layer.doc, member.begin, where,
          fmt::format("unknown option {} of {}{}; allowed: {}", in_quotes(name), subject_, layer.note, listed(keys)),
          std::move(hint));
    }
  }
}

void OptionLayers::set(const OptionLayer& layer,
                       const OptionSpec& spec,
                       const JsonValue& value,
                       const std::string& path) {
  const auto given = parameters_.apply(layer.doc, value, path, problems_);
  if (given && given->value.is_null()) return;
  tried_.insert(spec.name);
  if (!given) {
    complete_ = false;
    return;
  }
  ResolvedOption option;
  option.place = layer.doc.place(value.begin);
  option.place.path = path;
  option.from = layer.from + location(option.place) + given->note;
  if (Refusal r = convert(given->value, spec, option.value); !r.text.empty()) {
    const std::string where = r.index < 0 ? path : element_path(path, static_cast<std::size_t>(r.index));
    problems_.add(layer.doc, r.offset, where, r.text + given->note + layer.note, std::move(r.hint));
    complete_ = false;
    return;
  }
  put(spec, std::move(option));
}

/// The value in place of the one before, which it remembers.
void OptionLayers::put(const OptionSpec& spec, ResolvedOption option) {
  ResolvedOption& now = values_[spec.name];
  option.replaced = std::move(now.replaced);
  if (!now.from.empty()) option.replaced.push_back({std::move(now.value), std::move(now.from)});
  now = std::move(option);
}

void OptionLayers::add(const SetArgument& argument) {
  const OptionSpec* spec = find(argument.name);
  if (spec == nullptr) {
    problems_.add(
        argument.doc, 0, {},
        fmt::format("unknown option {} of {}; allowed: {}", in_quotes(argument.name), subject_, listed(names())),
        did_you_mean(argument.name, names()));
    return;
  }
  tried_.insert(spec->name);
  ResolvedOption option;
  option.place = argument.doc.place(0);
  option.from = argument.from;
  if (Refusal r = convert_argument(argument.doc, *spec, option.value); !r.text.empty()) {
    problems_.add(argument.doc, 0, {}, std::move(r.text), std::move(r.hint));
    complete_ = false;
    return;
  }
  if (std::holds_alternative<std::monostate>(option.value)) {
    tried_.erase(spec->name);
    values_.erase(spec->name);
    return;
  }
  put(*spec, std::move(option));
}

OptionLayers::Values OptionLayers::finish(const Diagnostic& owner, const std::string& path) {
  for (const auto& spec : specs_) {
    ResolvedOption option{spec.fallback, kDefault, owner};
    std::string where = path;
    for (std::size_t begin = 0, dot = 0; dot != std::string::npos; begin = dot + 1) {
      dot = spec.name.find('.', begin);
      where = member_path(where, std::string_view(spec.name).substr(begin, dot - begin));
    }
    option.place.path = where;
    values_.try_emplace(spec.name, std::move(option));
  }
  for (const OptionSpec* spec : settle(specs_, values_)) {
    complete_ = false;
    const bool other_refused = tried_.contains(spec->with_option) && values_.at(spec->with_option).from == kDefault;
    if (other_refused) continue;  // it is not known what it goes with
    const Diagnostic& place = values_.at(spec->name).place;
    problems_.add(place, place.path, goes_only_with(*spec, subject_));
  }
  for (const auto& spec : specs_) {
    // A value that was refused is reported already.
    const ResolvedOption& option = values_.at(spec.name);
    if (!spec.required || option.from != kDefault || tried_.contains(spec.name) || !goes(spec, values_)) continue;
    complete_ = false;
    problems_.add(owner, option.place.path,
                  fmt::format("the option {} of {} is required: {}", in_quotes(spec.name), subject_, wanted(spec)));
  }
  return std::move(values_);
}

std::string goes_only_with(const OptionSpec& spec, const std::string& subject) {
  return fmt::format("the option {} of {} goes only with {} {}", in_quotes(spec.name), subject,
                     in_quotes(spec.with_option), fmt::join(quoted(spec.with_choices), " or "));
}

std::vector<const OptionSpec*> settle(std::span<const OptionSpec> specs, OptionLayers::Values& values) {
  std::vector<const OptionSpec*> stray;
  for (const auto& spec : specs) {
    ResolvedOption& option = values.at(spec.name);
    if (goes(spec, values)) {
      if (std::holds_alternative<std::monostate>(option.value)) option.value = spec.fallback;
      continue;
    }
    if (option.from != kDefault) stray.push_back(&spec);
    option.value = {};
  }
  return stray;
}

}  // namespace starflow::graph
