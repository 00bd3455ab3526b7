// SPDX-License-Identifier: MIT
#include <starflow/graph/schema.hpp>

#include "run_spec.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace starflow::graph {
namespace {

using Json = nlohmann::ordered_json;

Json parameter_text() { return {{"type", "string"}, {"pattern", R"(\$\{[^}]+\})"}}; }

Json plain(const OptionValue& value) {
  return std::visit(
      [](const auto& v) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>) {
          return nullptr;
        } else {
          return v;
        }
      },
      value);
}

void add_range(Json& schema, const OptionSpec& spec) {
  if (std::isfinite(spec.minimum)) schema[spec.above_minimum ? "exclusiveMinimum" : "minimum"] = spec.minimum;
  if (std::isfinite(spec.maximum)) schema["maximum"] = spec.maximum;
}

/// The forms that \p spec accepts, each a schema.
std::vector<Json> forms(const OptionSpec& spec) {
  const auto allows = [&](Accepts one) { return accepts(spec.form, one); };
  std::vector<Json> list;
  if (allows(Accepts::boolean)) list.push_back({{"type", "boolean"}});
  if (allows(Accepts::number) || allows(Accepts::integer)) {
    list.push_back({{"type", allows(Accepts::number) ? "number" : "integer"}});
    add_range(list.back(), spec);
  }
  Json text = {{"type", "string"}};
  if (!spec.choices.empty()) text["enum"] = spec.choices;
  if (allows(Accepts::text) || allows(Accepts::text_list)) list.push_back(text);
  // An element may name a parameter too.
  if (allows(Accepts::text_list)) {
    list.push_back({{"type", "array"}, {"items", {{"anyOf", {text, parameter_text()}}}}});
  }
  if (allows(Accepts::number_list)) {
    Json number = {{"type", "number"}};
    add_range(number, spec);
    list.push_back({{"type", "array"}, {"items", {{"anyOf", {number, parameter_text()}}}}});
  }
  list.push_back({{"type", "null"}});  // as if it were not there
  list.push_back(parameter_text());
  return list;
}

Json option_schema(const OptionSpec& spec) {
  Json schema = Json::object();
  if (!spec.doc.empty() || !spec.unit.empty()) {
    schema["description"] = spec.unit.empty() ? spec.doc : spec.doc + (spec.doc.empty() ? "[" : " [") + spec.unit + "]";
  }
  if (!std::holds_alternative<std::monostate>(spec.fallback)) schema["default"] = plain(spec.fallback);
  schema["anyOf"] = forms(spec);
  return schema;
}

/// An object of options; names with dots become members of nested objects. Required options may stand in a preset, so
/// none is required here.
Json options_schema(const std::vector<OptionSpec>& specs) {
  const auto empty = [] {
    return Json{{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  };
  Json schema = empty();
  for (const auto& spec : specs) {
    Json* object = &schema;
    std::string_view name = spec.name;
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
      Json& properties = (*object)["properties"];
      const std::string group(name.substr(0, dot));
      if (!properties.contains(group)) properties[group] = empty();
      object = &properties[group];
      name.remove_prefix(dot + 1);
    }
    (*object)["properties"][std::string(name)] = option_schema(spec);
  }
  return schema;
}

Json reference() { return {{"type", "string"}, {"pattern", "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)?$"}}; }

Json inputs_schema(const NodeType& type) {
  Json object = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  Json required = Json::array();
  for (const auto& port : type.inputs) {
    Json ref = reference();
    ref["description"] = std::string(port.type) + (port.doc.empty() ? "" : ": " + port.doc);
    object["properties"][port.name] = std::move(ref);
    if (!port.optional) required.push_back(port.name);
  }
  if (!required.empty()) object["required"] = required;
  if (type.inputs.size() != 1) return object;
  return {{"anyOf", {reference(), object}}};
}

/// "If the type is NAME, its inputs and options are these."
Json rule_of(const NodeType& type) {
  Json then = {{"properties", {{"in", inputs_schema(type)}, {"options", options_schema(type.options)}}}};
  for (const auto& port : type.inputs) {
    if (port.optional) continue;
    then["required"] = Json::array({"in"});
    break;
  }
  return {{"if", {{"properties", {{"type", {{"const", type.name}}}}}}}, {"then", then}};
}

Json node_schema(const Registry& registry) {
  Json types = Json::array(), rules = Json::array();
  for (const auto& [name, type] : registry.types()) {
    types.push_back({{"const", name}, {"description", type.doc}});
    rules.push_back(rule_of(type));
  }
  Json node = {
      {"type", "object"},
      {"required", {"id", "type"}},
      {"additionalProperties", false},
      {"properties",
       {{"id", {{"type", "string"}, {"pattern", "^[A-Za-z0-9_-]+$"}}},
        {"type", Json::object()},
        {"in", true},
        {"options", {{"type", "object"}}},
        {"preset", {{"type", "string"}, {"description", "JSON file of options, relative to this file."}}},
        {"on_error",
         {{"enum", std::vector<std::string>(std::begin(kOnErrorNames), std::end(kOnErrorNames))},
          {"default", std::string(kOnErrorNames[0])}}},
        {"enabled",
         {{"anyOf", Json::array({{{"type", "boolean"}}, {{"type", "null"}}, parameter_text()})}, {"default", true}}},
        {"doc", {{"type", "string"}}}}}};
  if (!types.empty()) {
    node["properties"]["type"]["oneOf"] = types;
    node["allOf"] = rules;
  }
  return node;
}

Json parameters_schema() {
  const Json type = {{"enum", {"string", "number", "integer", "boolean", "strings"}}};
  const Json properties = {{"type", {{"anyOf", {type, {{"type", "array"}, {"items", type}, {"minItems", 1}}}}}},
                           {"default", true},
                           {"minimum", {{"type", "number"}}},
                           {"maximum", {{"type", "number"}}},
                           {"enum", {{"type", "array"}, {"items", {{"type", "string"}}}}},
                           {"doc", {{"type", "string"}}},
                           {"unit", {{"type", "string"}}}};
  Json one = {{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
  one["required"] = Json::array({"type"});
  return {{"type", "object"}, {"additionalProperties", one}};
}

}  // namespace

std::string schema_json(const Registry& registry) {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "starflow graph"},
                 {"type", "object"},
                 {"required", {"format", "nodes"}},
                 {"additionalProperties", false}};
  schema["properties"] = {{"$schema", {{"type", "string"}}},
                          {"format", {{"const", "starflow.graph/1"}}},
                          {"name", {{"type", "string"}}},
                          {"doc", {{"type", "string"}}},
                          {"parameters", parameters_schema()},
                          {"run", options_schema(run_options())},
                          {"nodes", {{"type", "array"}, {"minItems", 1}, {"items", node_schema(registry)}}}};
  return schema.dump(2) + '\n';
}

}  // namespace starflow::graph
