// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Finds and loads plugins. A refused file is a record in the registry that names file, reason and remedy; it never
/// stops the others.

#include <starflow/graph/registry.hpp>

#include <string>
#include <vector>

namespace starflow::graph {

/// Folders that are searched, in order: \p extra (--plugin-dir), the parts of STARFLOW_PLUGIN_PATH, the folder of the
/// executable in a build tree, `<prefix>/lib/starflow`. Never the working directory.
[[nodiscard]] std::vector<std::string> plugin_folders(const std::vector<std::string>& extra);

/// Loads one file: dlopen with RTLD_NOW | RTLD_LOCAL, the descriptor checked before any function of it runs, init inside
/// try/catch, the floating-point state put back. Never unloaded.
/// \return the record, which is also in registry.plugins()
PluginRecord load_plugin(const std::string& file, Registry& registry);

/// Loads every `libstarflow_*.so` of the folders that exports a descriptor, each name once (the first folder wins).
void load_plugins(const std::vector<std::string>& folders, Registry& registry);

}  // namespace starflow::graph
