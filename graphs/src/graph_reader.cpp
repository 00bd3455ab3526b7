// SPDX-License-Identifier: MIT
#include "graph_reader.hpp"

#include "config_hash.hpp"
#include "instances.hpp"
#include "option_layers.hpp"
#include "option_value.hpp"
#include "run_spec.hpp"
#include "text.hpp"

#include <starflow/graph/builtin.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <utility>

namespace starflow::graph {
namespace {

constexpr std::string_view kFormat = "starflow.graph/1";
constexpr std::size_t kMostNodes = 4096;  // far above any graph that somebody wrote
const std::vector<std::string> kKeys = {"$schema", "format", "name", "doc", "parameters", "run", "nodes"};
const std::vector<std::string> kNodeKeys = {"id", "type", "in", "options", "preset", "on_error", "enabled", "doc"};

const JsonValue* value_of(const JsonValue& object, std::string_view key) {
  const JsonMember* member = object.find(key);
  return member == nullptr ? nullptr : &member->value;
}

/// Names of the JSON files beside \p path, for "did you mean".
std::vector<std::string> neighbours(const std::filesystem::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path.parent_path(), error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".json") names.push_back(at->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

GraphSpec GraphReader::read() {
  problems_.add_all(doc_);
  GraphSpec spec;
  spec.file = doc_.file();
  if (doc_.ok() && doc_.root().as<JsonValue::Object>() == nullptr) {
    fail(doc_.root().begin, {}, "a graph is a JSON object, got " + shown(doc_.root()));
  } else if (doc_.ok()) {
    read_keys(spec);
    const JsonValue& root = doc_.root();
    const Parameters parameters(doc_, value_of(root, "parameters"), set_, problems_);
    spec.run_options = resolve_run(doc_, value_of(root, "run"), set_, parameters, problems_);
    spec.run = read_run(*spec.run_options);
    spec.parameters = parameters.list();
    auto drafts = read_nodes();
    for (auto& draft : drafts) {
      read_options(draft, parameters);
      read_enabled(draft, parameters);
    }
    check_set(drafts);
    connect(doc_, drafts, problems_);
    const auto order = topological_order(drafts, problems_);
    if (const JsonMember* nodes = root.find("nodes"); nodes != nullptr && !drafts.empty()) {
      check_sources(doc_, nodes->begin, drafts, registry_, problems_);
    }
    if (!problems_.empty()) try_nodes(drafts);
    std::vector<std::size_t> place_of(drafts.size());
    std::size_t places = 0;
    for (const auto from : order) place_of[from] = drafts[from].enabled ? places++ : kUnconnected;
    for (const auto from : order) {
      DraftNode& d = drafts[from];
      if (!d.enabled) continue;
      for (auto& ref : d.inputs) {
        if (ref.node != kUnconnected) ref.node = place_of[ref.node];
      }
      spec.nodes.push_back(
          {std::move(d.id), d.type, std::move(d.inputs), std::move(d.options), std::move(d.place), d.on_error});
    }
    check_policy(spec);
  }
  if (!problems_.empty()) throw ConfigError(problems_.sorted());
  spec.config_hash = config_hash(spec);
  for (const auto& [file, doc] : presets_) spec.files.push_back(file);
  return spec;
}

std::string GraphReader::text_of(const JsonValue& object, const std::string& key, const std::string& path) {
  const JsonMember* member = object.find(key);
  if (member == nullptr) return {};
  if (const auto* text = member->value.as<std::string>()) return *text;
  fail(member->value.begin, member_path(path, key), "wants a text, got " + shown(member->value));
  return {};
}

void GraphReader::check_keys(const JsonValue& object,
                             const std::string& path,
                             const std::vector<std::string>& allowed) {
  for (const auto& member : *object.as<JsonValue::Object>()) {
    if (std::find(allowed.begin(), allowed.end(), member.key) != allowed.end()) continue;
    fail(member.begin, member_path(path, member.key),
         fmt::format("unknown key {}; allowed: {}", in_quotes(member.key), listed(allowed)),
         did_you_mean(member.key, allowed));
  }
}

void GraphReader::read_keys(GraphSpec& spec) {
  const JsonValue& root = doc_.root();
  check_keys(root, {}, kKeys);
  text_of(root, "$schema", {});
  text_of(root, "doc", {});
  spec.name = text_of(root, "name", {});
  if (spec.name.empty()) spec.name = std::filesystem::path(doc_.file()).stem().string();
  const JsonValue* format = value_of(root, "format");
  if (format == nullptr) {
    fail(root.begin, {}, "has no \"format\"", fmt::format("add \"format\": \"{}\"", kFormat));
  } else if (const auto* text = format->as<std::string>(); text == nullptr || *text != kFormat) {
    fail(format->begin, "format", fmt::format("{} is not known; this version reads \"{}\"", shown(*format), kFormat));
  }
}

std::vector<DraftNode> GraphReader::read_nodes() {
  std::vector<DraftNode> nodes;
  const JsonValue* member = value_of(doc_.root(), "nodes");
  const auto* list = member != nullptr ? member->as<JsonValue::List>() : nullptr;
  if (list == nullptr || list->empty()) {
    fail((member != nullptr ? *member : doc_.root()).begin, member != nullptr ? "nodes" : "",
         "a graph has a list of \"nodes\"");
    return nodes;
  }
  if (list->size() > kMostNodes) {
    fail(member->begin, "nodes", fmt::format("{} nodes are too many: at most {}", list->size(), kMostNodes));
    return nodes;
  }
  nodes.reserve(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    DraftNode& node = nodes.emplace_back();
    node.json = &(*list)[i];
    node.path = element_path("nodes", i);
    node.place = doc_.place(node.json->begin);
    node.place.path = node.path;
    node.options = std::make_shared<ResolvedOptions>();
    node.options->registry = &registry_;
    if (node.json->as<JsonValue::Object>() == nullptr) {
      fail(node.json->begin, node.path, "a node is an object with \"id\" and \"type\", got " + shown(*node.json));
    } else {
      read_node(node);
    }
  }
  check_ids(nodes);
  return nodes;
}

void GraphReader::read_node(DraftNode& node) {
  check_keys(*node.json, node.path, kNodeKeys);
  text_of(*node.json, "doc", node.path);
  read_id(node);
  read_type(node);
  read_on_error(node);
}

void GraphReader::read_on_error(DraftNode& node) {
  const JsonMember* member = node.json->find("on_error");
  if (member == nullptr) return;
  const auto* text = member->value.as<std::string>();
  const auto at = text == nullptr ? std::end(kOnErrorNames) : std::ranges::find(kOnErrorNames, *text);
  if (at != std::end(kOnErrorNames)) {
    node.on_error = static_cast<OnError>(at - std::begin(kOnErrorNames));
    return;
  }
  const std::vector<std::string> known(std::begin(kOnErrorNames), std::end(kOnErrorNames));
  fail(member->value.begin, member_path(node.path, "on_error"),
       fmt::format("{} is not allowed: wants one of {}", shown(member->value), listed(known)),
       text == nullptr ? "" : did_you_mean(*text, known));
}

void GraphReader::read_enabled(DraftNode& node, const Parameters& parameters) {
  const JsonMember* member = node.json->find("enabled");
  if (member == nullptr) return;
  const std::string path = member_path(node.path, "enabled");
  const auto given = parameters.apply(doc_, member->value, path, problems_);
  if (!given || given->value.is_null()) return;
  if (const auto* flag = given->value.as<bool>()) {
    node.enabled = *flag;
  } else {
    fail(member->value.begin, path, "wants true or false, got " + shown(given->value) + given->note);
  }
}

/// Frames are dropped where a host pushes them: a source of the graph's own is asked for a frame when there is room.
void GraphReader::check_policy(const GraphSpec& spec) {
  if (spec.run.when_full == WhenFull::block) return;
  for (const NodeSpec& node : spec.nodes) {
    if (node.type == nullptr || node.type->make.index() != 0 || node.type->name == kPushSource) continue;
    const ResolvedOption& policy = spec.run_options->values.at("admission.when_full");
    problems_.add(policy.place, policy.place.path,
                  fmt::format("{} is for frames that a host submits to {}, but {} is of {}; allowed: \"block\"",
                              shown(policy.value), kPushSource, in_quotes(node.id), node.type->name));
  }
}

void GraphReader::read_id(DraftNode& node) {
  const JsonValue* id = value_of(*node.json, "id");
  if (id == nullptr) {
    fail(node.json->begin, node.path, "the node has no \"id\"");
    return;
  }
  const std::string text = text_of(*node.json, "id", node.path);
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  if (!text.empty() && std::all_of(text.begin(), text.end(), allowed)) {
    node.id = text;
  } else if (id->as<std::string>() != nullptr) {
    fail(id->begin, member_path(node.path, "id"),
         fmt::format("{} is no name for a node: letters, digits, '_' and '-'", in_quotes(text)));
  }
}

void GraphReader::read_type(DraftNode& node) {
  const JsonValue* type = value_of(*node.json, "type");
  if (type == nullptr) {
    fail(node.json->begin, node.path, "the node has no \"type\"");
    return;
  }
  if (type->as<std::string>() == nullptr) {
    text_of(*node.json, "type", node.path);
    return;
  }
  const std::string& name = *type->as<std::string>();
  node.type = registry_.find(name);
  if (node.type != nullptr) return;
  std::vector<std::string> known;
  for (const auto& [key, value] : registry_.types()) known.push_back(key);
  std::string text = fmt::format("unknown node type {}; known: {}", in_quotes(name), listed(known));
  const auto refused = [](const PluginRecord& p) { return !p.refusal.empty(); };
  for (const auto& p : registry_.plugins()) {
    if (refused(p)) text += fmt::format("; the plugin {} was refused: {}", p.file, p.refusal);
  }
  std::string hint = did_you_mean(name, known);
  if (hint.empty())
    hint = "is a plugin missing? Files libstarflow_NAME.so are looked for in --plugin-dir and STARFLOW_PLUGIN_PATH too";
  fail(type->begin, member_path(node.path, "type"), std::move(text), std::move(hint));
}

void GraphReader::check_ids(std::vector<DraftNode>& nodes) {
  std::map<std::string, const DraftNode*> seen;
  for (auto& node : nodes) {
    if (node.id.empty()) continue;
    const auto [at, fresh] = seen.try_emplace(node.id, &node);
    if (fresh) continue;
    const Diagnostic& first = at->second->place;
    fail(value_of(*node.json, "id")->begin, member_path(node.path, "id"),
         fmt::format("the id {} is taken by the node in {}:{}", in_quotes(node.id), first.line, first.column));
  }
}

void GraphReader::read_options(DraftNode& node, const Parameters& parameters) {
  if (node.type == nullptr) return;
  OptionLayers layers(node.type->options, name_of(node), parameters, problems_);
  const std::string path = member_path(node.path, "options");
  if (const JsonMember* member = node.json->find("preset")) {
    if (const JsonDoc* doc = preset(node, *member, parameters)) {
      const Diagnostic at = doc_.place(member->value.begin);
      const std::string note = fmt::format(" (preset of {}, {}:{}:{})", name_of(node), at.file, at.line, at.column);
      layers.add({*doc, {}, "preset ", note, {"$schema", "doc"}}, doc->root());
    }
  }
  if (const JsonMember* member = node.json->find("options")) layers.add({doc_, path, {}, {}}, member->value);
  for (const auto& argument : set_) {
    if (argument.target == SetArgument::Target::node && argument.node == node.id) layers.add(argument);
  }
  node.options->values = layers.finish(node.place, path);
  node.complete = layers.complete();
}

void GraphReader::try_nodes(const std::vector<DraftNode>& nodes) {
  std::vector<Diagnostic> found;
  for (const auto& node : nodes) {
    if (node.complete) check_node({node.id, node.type, {}, node.options, node.place}, found);
  }
  for (Diagnostic& d : found) {
    std::string path = d.path, text = d.text, hint = d.hint;
    problems_.add(std::move(d), std::move(path), std::move(text), std::move(hint));
  }
}

const JsonDoc* GraphReader::preset(const DraftNode& node, const JsonMember& member, const Parameters& parameters) {
  const std::string path = member_path(node.path, "preset");
  const auto given = parameters.apply(doc_, member.value, path, problems_);
  if (!given || given->value.is_null()) return nullptr;
  const auto* name = given->value.as<std::string>();
  if (name == nullptr || name->empty()) {
    fail(member.value.begin, path, "wants the path of a JSON file, got " + shown(given->value) + given->note);
    return nullptr;
  }
  const auto file = (std::filesystem::path(doc_.file()).parent_path() / *name).lexically_normal();
  auto& doc = presets_[file.string()];
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    const auto known = neighbours(file);
    fail(member.value.begin, path,
         fmt::format("there is no preset {}{}; its folder has: {}", in_quotes(file.string()), given->note,
                     listed(known)),
         did_you_mean(file.filename().string(), known));
    return nullptr;
  }
  if (doc == nullptr) {
    doc = std::make_unique<JsonDoc>(JsonDoc::load(file.string()));
    problems_.add_all(*doc, fmt::format(" (preset of {})", name_of(node)));
  }
  return doc->ok() ? doc.get() : nullptr;
}

void GraphReader::check_set(const std::vector<DraftNode>& nodes) {
  std::vector<std::string> ids;
  ids.reserve(nodes.size());
  for (const auto& node : nodes) ids.push_back(node.id);
  std::erase(ids, "");
  for (const auto& argument : set_) {
    if (argument.target != SetArgument::Target::node) continue;
    if (std::find(ids.begin(), ids.end(), argument.node) != ids.end()) continue;
    problems_.add(argument.doc, 0, {},
                  fmt::format("there is no node {}; the graph has: {}", in_quotes(argument.node), listed(ids)),
                  did_you_mean(argument.node, ids));
  }
}

}  // namespace starflow::graph
