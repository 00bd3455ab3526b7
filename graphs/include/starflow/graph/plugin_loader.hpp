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
/// executable in a build tree (CMakeCache.txt at most two levels above it), `<prefix>/lib/starflow` of an installation
/// that was moved as a whole and of the one that was configured. Never the working directory.
[[nodiscard]] std::vector<std::string> plugin_folders(const std::vector<std::string>& extra);

/// Loads one file: dlopen with RTLD_NOW | RTLD_LOCAL, the descriptor checked before any function of it runs, init
/// inside try/catch, the floating-point state put back. Never unloaded. The check reads the descriptor from the ELF
/// file, since dlopen itself runs constructors; only a library without section headers is first judged when it is
/// loaded. \return the record, which is also in registry.plugins()
PluginRecord load_plugin(const std::string& file, Registry& registry);

/// Loads every `libstarflow_*.so` of the folders that exports a descriptor, each file name once: the first folder whose
/// file is not refused wins. Others are recorded as refused, but for the library that exports `starflow_image_reader`,
/// which is part of our own nodes.
void load_plugins(const std::vector<std::string>& folders, Registry& registry);

}  // namespace starflow::graph
