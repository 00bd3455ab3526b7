// SPDX-License-Identifier: MIT
#include "host.hpp"

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/plugin_loader.hpp>

#include <algorithm>
#include <filesystem>

namespace starflow::tool {
namespace {

/// A type that nobody has, and whose name is not that of another mistyped: the hint asks for the plugin.
bool misses_a_plugin(const graph::Diagnostic& d) {
  return d.text.starts_with("unknown node type") && d.hint.starts_with("is a plugin missing?");
}

bool any_refused(const graph::Registry& registry) {
  return std::ranges::any_of(registry.plugins(), [](const graph::PluginRecord& p) { return !p.refusal.empty(); });
}

}  // namespace

graph::Registry load_registry(const std::vector<std::string>& plugin_dirs) {
  for (const std::string& dir : plugin_dirs) {
    if (!std::filesystem::is_directory(dir)) throw PluginProblem("--plugin-dir " + dir + ": error: no such folder\n");
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
    const auto misses_a_type = [](const graph::Diagnostic& d) { return d.text.starts_with("unknown node type"); };
    const bool plugin = std::ranges::any_of(e.diagnostics(), misses_a_plugin) ||
                        (any_refused(registry) && std::ranges::any_of(e.diagnostics(), misses_a_type));
    if (!plugin) throw;
    const bool none = registry.plugins().empty();
    throw PluginProblem(std::string(e.what()) + (none ? "no plugin was found; give its folder by --plugin-dir\n" : ""));
  }
}

}  // namespace starflow::tool
