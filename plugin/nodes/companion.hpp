// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Finds the files that stand beside our plugins: libraries and programs that are needed for some inputs only.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace starflow {

/// Where a companion is, or where it was looked for.
struct Companion {
  std::filesystem::path file;  ///< empty = not found
  std::string searched;        ///< folders, for the error's text
};

/// Looks beside the code that runs here, in the build tree's `bin`, in STARFLOW_PLUGIN_PATH, then in \p more. Never
/// fails.
[[nodiscard]] Companion find_companion(std::string_view name, const std::vector<std::string>& more = {});

}  // namespace starflow
