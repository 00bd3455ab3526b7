// SPDX-License-Identifier: MIT
#include "host.hpp"

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/plugin_loader.hpp>

#include <algorithm>
#include <filesystem>

namespace starflow::tool {
namespace {

/// The refusals, one a line.
std::string refusals(const graph::Registry& registry) {
  std::string text;
  for (const graph::PluginRecord& p : registry.plugins()) {
    if (!p.refusal.empty()) text += p.file + ": " + p.refusal + '\n';
  }
  return text;
}

bool misses_a_type(const graph::ConfigError& e) {
  return std::ranges::any_of(e.diagnostics(),
                             [](const graph::Diagnostic& d) { return d.text.starts_with("unknown node type"); });
}

}  // namespace

graph::Registry load_registry(const std::vector<std::string>& plugin_dirs) {
  for (const std::string& dir : plugin_dirs) {
    if (!std::filesystem::is_directory(dir)) throw PluginProblem("--plugin-dir " + dir + ": no such folder");
  }
  graph::Registry registry;
  graph::register_builtin(registry);
  graph::load_plugins(graph::plugin_folders(plugin_dirs), registry);
  return registry;
}

std::string share_folder() {
  std::error_code none;
  const auto command = std::filesystem::read_symlink("/proc/self/exe", none);
  return (command.parent_path().parent_path() / "share" / "starflow").string();
}

graph::GraphSpec load_graph(const std::string& path,
                            const graph::Registry& registry,
                            const graph::Overrides& overrides) {
  try {
    return graph::GraphSpec::load(path, registry, overrides);
  } catch (const graph::ConfigError& e) {
    const std::string refused = refusals(registry);
    if (!misses_a_type(e) || (refused.empty() && !registry.plugins().empty())) throw;
    const std::string found =
        registry.plugins().empty() ? "no plugin was found; give its folder by --plugin-dir\n" : refused;
    throw PluginProblem(e.what() + found);
  }
}

}  // namespace starflow::tool
