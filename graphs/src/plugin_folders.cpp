// SPDX-License-Identifier: MIT
#include <starflow/graph/plugin_loader.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace starflow::graph {
namespace {

namespace fs = std::filesystem;

/// A program of a build tree stands at most this deep below CMakeCache.txt ("bin", "tests", a configuration's folder).
constexpr int kBuildTreeDepth = 3;

bool in_build_tree(fs::path folder) {
  std::error_code ignored;
  for (int i = 0; i < kBuildTreeDepth && folder.has_relative_path(); ++i, folder = folder.parent_path()) {
    if (fs::exists(folder / "CMakeCache.txt", ignored)) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> plugin_folders(const std::vector<std::string>& extra) {
  std::vector<std::string> folders;
  const auto add = [&](const std::string& folder) {
    // An empty part would mean the working directory.
    if (!folder.empty() && std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  };
  for (const auto& folder : extra) add(folder);
  if (const char* path = std::getenv("STARFLOW_PLUGIN_PATH")) {
    std::string_view rest = path;
    while (!rest.empty()) {
      const auto colon = std::min(rest.find(':'), rest.size());
      add(std::string(rest.substr(0, colon)));
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path beside = program.parent_path();
  if (!error && in_build_tree(beside)) add(beside.string());
  // An installation that was moved as a whole finds its own plugins first.
  if (!error) {
    const fs::path moved = beside.parent_path() / STARFLOW_LIBDIR / "starflow";
    if (fs::is_directory(moved, error)) add(moved.string());
  }
  add(STARFLOW_PLUGIN_DIR);
  return folders;
}

}  // namespace starflow::graph
