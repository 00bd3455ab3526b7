// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What every subcommand starts from: the plugins that are here, and the folder of the configurations that come along.

#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/registry.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace starflow::tool {

/// A graph that can't run because of a plugin. The text is whole lines.
class PluginProblem : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Loads the plugins of the usual folders and of \p plugin_dirs.
/// \throws PluginProblem where one of \p plugin_dirs is not a folder
[[nodiscard]] graph::Registry load_registry(const std::vector<std::string>& plugin_dirs);

/// `share/starflow` beside the command's own folder: graphs, methods, cameras. Its absence shows when a file of it is
/// read.
[[nodiscard]] std::string share_folder();

/// As GraphSpec::load. \throws PluginProblem instead of ConfigError where a node type is missing that a plugin may hold
/// which is not here or was refused.
[[nodiscard]] graph::GraphSpec load_graph(const std::string& path,
                                          const graph::Registry& registry,
                                          const graph::Overrides& overrides);

}  // namespace starflow::tool
