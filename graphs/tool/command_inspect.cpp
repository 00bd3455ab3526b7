// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "console.hpp"
#include "exit_code.hpp"
#include "host.hpp"
#include "text.hpp"

#include <starflow/core/simd.hpp>
#include <starflow/graph/schema.hpp>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

namespace starflow::tool {
namespace {

std::string join(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& p : parts) text += (text.empty() ? "" : std::string(between)) + p;
  return text;
}

std::string value_text(const OptionValue& value) {
  struct Visit {
    std::string operator()(std::monostate) const { return "none"; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return '"' + v + '"'; }
    std::string operator()(const std::vector<std::string>& v) const {
      return v.empty() ? "[]" : "[\"" + join(v, "\", \"") + "\"]";
    }
    std::string operator()(const std::vector<double>& v) const { return fmt::format("[{}]", fmt::join(v, ", ")); }
  };
  return std::visit(Visit{}, value);
}

std::string form_text(const OptionSpec& o) {
  std::vector<std::string> forms;
  for (const auto& [form, name] : {std::pair{Accepts::boolean, "boolean"},
                                   {Accepts::integer, "integer"},
                                   {Accepts::number, "number"},
                                   {Accepts::text, "text"},
                                   {Accepts::text_list, "list of texts"},
                                   {Accepts::number_list, "list of numbers"}}) {
    if (accepts(o.form, form)) forms.emplace_back(name);
  }
  std::string text = join(forms, " or ");
  if (!o.choices.empty()) text += " (" + join(o.choices, " | ") + ")";
  if (std::isfinite(o.minimum)) text += fmt::format(", {} {}", o.above_minimum ? "above" : "from", o.minimum);
  if (std::isfinite(o.maximum)) text += fmt::format(", to {}", o.maximum);
  return text;
}

void print_ports(std::string_view title, const std::vector<PortSpec>& ports) {
  if (ports.empty()) return;
  fmt::print("{}:\n", title);
  for (const PortSpec& p : ports)
    fmt::print("  {:<14} {:<24} {}{}\n", p.name, p.type, p.doc, p.optional ? " (optional)" : "");
}

int print_type(const graph::Registry& registry, const std::string& name) {
  const NodeType* type = registry.find(name);
  if (type == nullptr) {
    std::vector<std::string> names;
    for (const auto& [known, of_it] : registry.types()) names.push_back(known);
    const std::string hint = graph::did_you_mean(name, names);
    print_error("error: no node type {}; {}`starflow inspect types` lists them\n", graph::in_quotes(name),
                hint.empty() ? "" : hint + " ");
    return ExitCode::bad_config;
  }
  fmt::print("{} ({})\n{}\n", type->name, registry.owner(name), type->doc);
  print_ports("inputs", type->inputs);
  print_ports("outputs", type->outputs);
  if (!type->options.empty()) fmt::print("options:\n");
  for (const OptionSpec& o : type->options) {
    const std::string fallback = o.required ? "required" : "default " + value_text(o.fallback);
    const std::string with =
        o.with_option.empty() ? "" : fmt::format("; with {} {}", o.with_option, fmt::join(o.with_choices, " | "));
    fmt::print("  {:<24} {}; {}{}{}\n  {:<24} {}\n", o.name, form_text(o), fallback,
               o.unit.empty() ? "" : "; " + o.unit, (o.live ? "; live" : "") + with, "", o.doc);
  }
  return ExitCode::all_ok;
}

int print_types(const graph::Registry& registry) {
  for (const auto& [name, type] : registry.types()) fmt::print("{:<18} {}\n", name, type.doc);
  return ExitCode::all_ok;
}

/// The presets that come along, with the first sentence that each says about itself, and the methods of plugins.
int print_methods(const graph::Registry& registry) {
  const auto folder = std::filesystem::path(share_folder()) / "methods";
  std::set<std::filesystem::path> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.path().extension() == ".json") files.insert(entry.path());
  }
  if (files.empty()) {
    print_error("error: no presets in {}\n", folder.string());
    return ExitCode::bad_config;
  }
  for (const auto& file : files) {
    std::ifstream in(file);
    const auto preset = nlohmann::json::parse(in, nullptr, false, true);
    fmt::print("{:<22} {}\n", file.stem().string(),
               preset.is_object() ? preset.value("doc", "") : "not readable as JSON");
  }
  for (const auto& [name, method] : registry.methods()) {
    fmt::print("{:<22} {} (method of the plugin {}; give it as nodes.ID.options.method)\n", name, method.doc,
               registry.method_owner(name));
  }
  return ExitCode::all_ok;
}

int print_plugins(const graph::Registry& registry) {
  for (const graph::PluginRecord& p : registry.plugins()) {
    if (!p.refusal.empty()) {
      fmt::print("refused  {}: {}\n", p.file, p.refusal);
      continue;
    }
    const std::string types = p.types.empty() ? "" : ", types " + join(p.types, ", ");
    const std::string methods = p.methods.empty() ? "" : ", methods " + join(p.methods, ", ");
    fmt::print("loaded   {}: {} {}, {}{}{}\n", p.file, p.name, p.version, p.license, types, methods);
    if (!p.warning.empty()) fmt::print("         warning: {}\n", p.warning);
  }
  return registry.plugins().empty() ? ExitCode::bad_plugin : ExitCode::all_ok;
}

int print_simd() {
  for (const std::string& name : simd_names())
    fmt::print("{}\n", name == simd_in_use() ? fmt::format("{:<10} in use", name) : name);
  return ExitCode::all_ok;
}

}  // namespace

int command_inspect(const InspectArguments& arguments) {
  const bool of_one = arguments.what == "type";
  if (of_one != !arguments.name.empty()) {
    print_error("error: {}\n",
                of_one ? "which one? `starflow inspect type NAME`"
                       : "a name follows `inspect type` only; `starflow inspect type " + arguments.name + "`");
    return ExitCode::bad_config;
  }
  if (arguments.what == "simd") return print_simd();
  const graph::Registry registry = load_registry(arguments.plugin_dirs);
  if (arguments.what == "methods") return print_methods(registry);
  if (of_one) return print_type(registry, arguments.name);
  if (arguments.what == "plugins") return print_plugins(registry);
  return print_types(registry);
}

int command_schema(const std::vector<std::string>& plugin_dirs) {
  const graph::Registry registry = load_registry(plugin_dirs);
  if (registry.plugins().empty()) throw PluginProblem("no plugin was found; give its folder by --plugin-dir");
  fmt::print("{}", graph::schema_json(registry));
  return ExitCode::all_ok;
}

}  // namespace starflow::tool
