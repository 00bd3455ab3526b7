// SPDX-License-Identifier: MIT
#include "run_key.hpp"

#include "option_layers.hpp"
#include "option_value.hpp"
#include "text.hpp"

#include <starflow/core/simd.hpp>
#include <starflow/graph/registry.hpp>

#include <fmt/format.h>
#include <sys/stat.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <utility>

namespace starflow::graph {
namespace {

using nlohmann::json;

constexpr std::size_t kMarkDigits = 8;

using Settings = std::map<std::string, std::string>;

void add_options(const NodeSpec& node, const std::set<std::string>& outputs, Settings& all) {
  const bool sink = node.type->make.index() == 2;
  for (const OptionSpec& option : node.type->options) {
    if ((option.result_neutral && !sink) || !node.options->values.contains(option.name) ||
        !goes(option, node.options->values)) {
      continue;
    }
    const OptionValue& value = node.options->at(option.name);
    const auto* text = std::get_if<std::string>(&value);
    if (sink && text != nullptr && outputs.contains(*text)) continue;
    all["nodes." + node.id + ".options." + option.name] = written(value);
  }
}

/// The versions of those that brought the node's type and method.
void add_plugins(const NodeSpec& node, Settings& all) {
  const Registry* registry = node.options->registry;
  if (registry == nullptr) return;
  const auto add = [&](std::string_view owner) {
    const auto plugin = std::ranges::find(registry->plugins(), owner, &PluginRecord::name);
    if (plugin != registry->plugins().end()) all["plugin " + plugin->name] = plugin->version;
  };
  add(registry->owner(node.type->name));
  const auto method = node.options->values.find("method");
  if (!node.type->takes_methods || method == node.options->values.end()) return;
  const auto* name = std::get_if<std::string>(&method->second.value);
  if (name != nullptr && registry->methods().contains(*name)) add(registry->method_owner(*name));
}

Settings settings_of(const GraphSpec& spec, const std::set<std::string>& outputs) {
  Settings all;
  all["run.max_bytes_in_flight"] = std::to_string(spec.run.max_bytes_in_flight);  // a larger frame fails
  for (const NodeSpec& node : spec.nodes) {
    const std::string path = "nodes." + node.id;
    all[path + ".type"] = node.type->name;
    all[path + ".on_error"] = kOnErrorNames[static_cast<std::size_t>(node.on_error)];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i].node == kUnconnected) continue;
      const NodeSpec& from = spec.nodes[node.inputs[i].node];
      all[path + ".in." + node.type->inputs[i].name] = from.id + "." + from.type->outputs[node.inputs[i].port].name;
    }
    add_options(node, outputs, all);
    add_plugins(node, all);
  }
  return all;
}

std::string setting(const Settings& all, const std::string& name) {
  const auto found = all.find(name);
  return found == all.end() ? "not there" : found->second;
}

std::string changed_setting(const Settings& then, const Settings& now) {
  std::set<std::string> names;
  for (const auto& [name, value] : then) names.insert(name);
  for (const auto& [name, value] : now) names.insert(name);
  for (const std::string& name : names) {
    const std::string was = setting(then, name), is = setting(now, name);
    if (was != is) return fmt::format("{} is {} and was {}", name, is, was);
  }
  return {};
}

std::string changed_input(const std::string& then, const std::string& now, const std::vector<std::string>& paths) {
  if (then == now) return {};
  if (then.size() != now.size()) {
    return fmt::format("the input is {} files and was {}", now.size() / kMarkDigits, then.size() / kMarkDigits);
  }
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(then, now).in1 - then.begin()) / kMarkDigits;
  return at < paths.size() ? "the input " + in_quotes(paths[at]) + " was changed, or another one stood in its place"
                           : "the input files are others, or were changed meanwhile";
}

std::string shard_text(const json& key) {
  return fmt::format("{}/{}", key.at("shard").at(0).get<std::uint64_t>(), key.at("shard").at(1).get<std::uint64_t>());
}

}  // namespace

void InputMarks::add(const std::string& path) {
  struct stat status {};
  std::uint64_t words[3] = {};  // a file that is not there has none
  if (::stat(path.c_str(), &status) == 0) {
    words[0] = static_cast<std::uint64_t>(status.st_size);
    words[1] = static_cast<std::uint64_t>(status.st_mtim.tv_sec);
    words[2] = static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
  }
  std::uint32_t hash = 0x811c9dc5U;  // FNV-1a, 32 bits
  const auto mix = [&](unsigned char byte) { hash = (hash ^ byte) * 0x01000193U; };
  for (const char c : path) mix(static_cast<unsigned char>(c));
  for (const std::uint64_t word : words) {
    for (unsigned shift = 0; shift < 64; shift += 8) mix(static_cast<unsigned char>(word >> shift));
  }
  marks_ += fmt::format("{:08x}", hash);
  paths_.push_back(path);
}

json run_key(const GraphSpec& spec, const Shard& shard, const InputMarks& inputs, const std::vector<SinkFiles>& sinks) {
  std::set<std::string> outputs;
  json list = json::array();
  for (const SinkFiles& sink : sinks) {
    outputs.insert(sink.files.begin(), sink.files.end());
    list.push_back({{"node", sink.node}, {"type", sink.type}, {"files", sink.files}});
  }
  const json key = {{"version", STARFLOW_VERSION},
                    {"simd", simd_in_use()},
                    {"shard", {shard.index, shard.count}},
                    {"config_hash", spec.config_hash},
                    {"settings", settings_of(spec, outputs)},
                    {"inputs", inputs.marks()},
                    {"sinks", std::move(list)}};
  // As it will be read back, also where a name is no UTF-8.
  return json::parse(key.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string difference(const json& then, const json& now, const std::vector<std::string>& paths, bool of_shards) {
  const auto text = [](const json& key, const char* name) { return key.at(name).get<std::string>(); };
  if (text(then, "version") != text(now, "version"))
    return fmt::format("this is starflow {} and it was {}", text(now, "version"), text(then, "version"));
  if (std::string setting = changed_setting(then.at("settings"), now.at("settings")); !setting.empty()) return setting;
  if (text(then, "config_hash") != text(now, "config_hash")) return "the configuration is another one";
  if (std::string input = changed_input(text(then, "inputs"), text(now, "inputs"), paths); !input.empty()) return input;
  if (of_shards) return {};
  if (then.at("shard") != now.at("shard"))
    return fmt::format("this is shard {} and it was {}", shard_text(now), shard_text(then));
  if (text(then, "simd") != text(now, "simd")) {
    return fmt::format("this runs on {0} and it was {1}, where rounding differs (--simd {1} holds it to that)",
                       text(now, "simd"), text(then, "simd"));
  }
  if (then.at("sinks") != now.at("sinks")) return "the outputs have other names";
  return {};
}

}  // namespace starflow::graph
