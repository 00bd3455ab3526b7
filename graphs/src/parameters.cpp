// SPDX-License-Identifier: MIT
#include "parameters.hpp"

#include "option_value.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace starflow::graph {
namespace {

const std::vector<std::string> kTypes = {"boolean", "integer", "number", "string", "strings"};
const std::vector<std::string> kKeys = {"type", "default", "minimum", "maximum", "enum", "doc", "unit"};

std::optional<Accepts> form_named(std::string_view name) {
  if (name == "boolean") return Accepts::boolean;
  if (name == "integer") return Accepts::integer;
  if (name == "number") return Accepts::number;
  if (name == "string") return Accepts::text;
  if (name == "strings") return Accepts::text_list;
  return std::nullopt;
}

/// Reads the members of one declaration.
class Declaration {
 public:
  Declaration(const JsonDoc& doc, const JsonMember& member, Problems& problems)
      : doc_(doc), member_(member), problems_(problems), path_(member_path("parameters", member.key)) {}

  bool read(OptionSpec& spec) {
    spec.name = member_.key;
    const auto* object = member_.value.as<JsonValue::Object>();
    if (object == nullptr) {
      return fail(member_.value, {}, "a parameter is an object such as {\"type\": \"number\", \"default\": 1}");
    }
    for (const auto& m : *object) {
      if (std::find(kKeys.begin(), kKeys.end(), m.key) != kKeys.end()) continue;
      good_ = false;
      problems_.add(doc_, m.begin, member_path(path_, m.key),
                    fmt::format("unknown key {}; allowed: {}", in_quotes(m.key), listed(kKeys)),
                    did_you_mean(m.key, kKeys));
    }
    read_type(spec);
    limit("minimum", spec.minimum);
    limit("maximum", spec.maximum);
    read_enum(spec);
    word("doc", spec.doc);
    word("unit", spec.unit);
    if (good_ && spec.minimum > spec.maximum) fail(member_.value, {}, "its minimum is above its maximum");
    if (good_) read_default(spec);
    return good_;
  }

 private:
  bool fail(const JsonValue& at, const std::string& key, std::string text, std::string hint = {}) {
    problems_.add(doc_, at.begin, key.empty() ? path_ : member_path(path_, key), std::move(text), std::move(hint));
    return good_ = false;
  }

  void read_type(OptionSpec& spec) {
    const JsonMember* type = member_.value.find("type");
    if (type == nullptr) {
      fail(member_.value, {}, "has no type; allowed: " + listed(kTypes));
      return;
    }
    unsigned forms = 0;
    const auto one = [&](const JsonValue& v) {
      const auto* name = v.as<std::string>();
      const auto form = name != nullptr ? form_named(*name) : std::nullopt;
      if (form) {
        forms |= static_cast<unsigned>(*form);
      } else {
        fail(v, "type", fmt::format("{} is no type; allowed: {}, or a list of them", shown(v), listed(kTypes)),
             name != nullptr ? did_you_mean(*name, kTypes) : "");
      }
    };
    if (const auto* list = type->value.as<JsonValue::List>(); list != nullptr && !list->empty()) {
      for (const auto& v : *list) one(v);
    } else {
      one(type->value);
    }
    spec.form = static_cast<Accepts>(forms);
  }

  void limit(const std::string& key, double& out) {
    const JsonMember* m = member_.value.find(key);
    if (m == nullptr) return;
    if (const auto* i = m->value.as<std::int64_t>()) {
      out = static_cast<double>(*i);
    } else if (const auto* d = m->value.as<double>()) {
      out = *d;
    } else {
      fail(m->value, key, "wants a number, got " + shown(m->value));
    }
  }

  void word(const std::string& key, std::string& out) {
    const JsonMember* m = member_.value.find(key);
    if (m == nullptr) return;
    if (const auto* s = m->value.as<std::string>()) {
      out = *s;
    } else {
      fail(m->value, key, "wants a text, got " + shown(m->value));
    }
  }

  void read_enum(OptionSpec& spec) {
    const JsonMember* m = member_.value.find("enum");
    if (m == nullptr) return;
    OptionSpec texts;
    texts.form = Accepts::text_list;
    OptionValue value;
    if (const Refusal r = convert(m->value, texts, value); !r.text.empty()) {
      fail(m->value, "enum", r.text);
    } else {
      spec.choices = std::get<std::vector<std::string>>(value);
    }
  }

  void read_default(OptionSpec& spec) {
    const JsonMember* m = member_.value.find("default");
    if (m == nullptr || m->value.is_null()) {
      spec.required = m == nullptr;
      return;
    }
    Refusal r = convert(m->value, spec, spec.fallback);
    if (!r.text.empty()) fail(m->value, "default", std::move(r.text), std::move(r.hint));
  }

  const JsonDoc& doc_;
  const JsonMember& member_;
  Problems& problems_;
  std::string path_;
  bool good_ = true;
};

}  // namespace

Parameters::Parameters(const JsonDoc& doc,
                       const JsonValue* object,
                       const std::vector<SetArgument>& set_arguments,
                       Problems& problems) {
  const auto* members = object != nullptr ? object->as<JsonValue::Object>() : nullptr;
  if (object != nullptr && members == nullptr) {
    problems.add(doc, object->begin, "parameters", "wants an object of parameters, got " + shown(*object));
  }
  if (members != nullptr) {
    for (const auto& member : *members) declare(doc, member, problems);
  }
  for (const auto& argument : set_arguments) {
    if (argument.target == SetArgument::Target::parameter) set(argument, problems);
  }
  if (members == nullptr) return;
  for (const auto& member : *members) {
    Parameter& p = parameters_.at(member.key);
    if (!p.broken && p.spec.required && p.from.empty()) {
      p.broken = true;
      problems.add(doc, member.begin, member_path("parameters", member.key), "has no default and is not given",
                   fmt::format("give it by --set parameters.{}=VALUE", member.key));
    }
  }
}

void Parameters::declare(const JsonDoc& doc, const JsonMember& member, Problems& problems) {
  Parameter p;
  p.broken = !Declaration(doc, member, problems).read(p.spec);
  p.value = p.spec.fallback;
  if (!p.spec.required) p.from = "default";
  parameters_.try_emplace(member.key, std::move(p));
}

void Parameters::set(const SetArgument& argument, Problems& problems) {
  const auto at = parameters_.find(argument.name);
  if (at == parameters_.end()) {
    problems.add(argument.doc, 0, {},
                 fmt::format("the graph has no parameter {}; it has: {}", in_quotes(argument.name), listed(names())),
                 did_you_mean(argument.name, names()));
    return;
  }
  Parameter& p = at->second;
  if (p.broken) return;
  Refusal r = convert_argument(argument.doc, p.spec, p.value);
  if (!r.text.empty()) {
    p.broken = true;
    problems.add(argument.doc, 0, {}, std::move(r.text), std::move(r.hint));
  }
  p.from = argument.from;
}

std::vector<ParameterSpec> Parameters::list() const {
  std::vector<ParameterSpec> all;
  for (const auto& [name, p] : parameters_) {
    ParameterSpec& one = all.emplace_back();
    one.name = name;
    one.doc = p.spec.doc;
    one.resolved.value = p.value;
    one.resolved.from = p.from;
    if (p.from != "default" && !p.spec.required) one.resolved.replaced.push_back({p.spec.fallback, "default"});
  }
  return all;
}

std::vector<std::string> Parameters::names() const {
  std::vector<std::string> list;
  for (const auto& [name, parameter] : parameters_) list.push_back(name);
  return list;
}

const Parameters::Parameter* Parameters::find(std::string_view name, const Fail& fail) const {
  const auto at = parameters_.find(name);
  if (at != parameters_.end()) return &at->second;
  fail(fmt::format("unknown parameter {}; the graph has: {}", in_quotes(name), listed(names())),
       did_you_mean(name, names()));
  return nullptr;
}

std::optional<JsonValue> Parameters::text(const JsonValue& value, std::string& note, const Fail& fail) const {
  const std::string& in = *value.as<std::string>();
  std::string out;
  std::size_t at = 0;
  for (std::size_t begin = in.find("${"); begin != std::string::npos; begin = in.find("${", at)) {
    const std::size_t end = in.find('}', begin);
    if (end == std::string::npos) {
      fail("\"${\" has no closing brace", {});
      return std::nullopt;
    }
    const std::string_view name = std::string_view(in).substr(begin + 2, end - begin - 2);
    const Parameter* p = find(name, fail);
    if (p == nullptr || p->broken) return std::nullopt;
    note += fmt::format("{}parameter {}, {}", note.empty() ? "" : "; ", in_quotes(name), p->from);
    if (begin == 0 && end + 1 == in.size()) return to_json(p->value, value);
    const JsonValue part = to_json(p->value, value);
    if (part.is_null() || part.as<JsonValue::List>() != nullptr) {
      fail(fmt::format("the parameter {} is {}: it can't stand inside a text", in_quotes(name),
                       part.is_null() ? "not given" : "a list"),
           {});
      return std::nullopt;
    }
    out.append(in, at, begin - at);
    out += part.as<std::string>() != nullptr ? *part.as<std::string>() : shown(part);
    at = end + 1;
  }
  out.append(in, at);
  return JsonValue{std::move(out), value.begin, value.end};
}

std::optional<Substituted> Parameters::apply(const JsonDoc& doc,
                                             const JsonValue& value,
                                             const std::string& path,
                                             Problems& problems) const {
  Substituted out{value, {}};
  const auto substitute = [&](JsonValue& v, const std::string& where) {
    if (v.as<std::string>() == nullptr) return true;
    auto made = text(v, out.note, [&](std::string text, std::string hint) {
      problems.add(doc, v.begin, where, std::move(text), std::move(hint));
    });
    if (made) v = std::move(*made);
    return made.has_value();
  };
  bool good = substitute(out.value, path);
  // A list that a parameter gave is a value already: its texts are not read again.
  if (auto* list = std::get_if<JsonValue::List>(&out.value.data); list != nullptr && out.note.empty()) {
    for (std::size_t i = 0; i < list->size(); ++i) good = substitute((*list)[i], element_path(path, i)) && good;
  }
  if (!good) return std::nullopt;
  if (!out.note.empty()) out.note = " (" + out.note + ")";
  return out;
}

}  // namespace starflow::graph
