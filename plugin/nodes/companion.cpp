// SPDX-License-Identifier: MIT
#include "companion.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <system_error>
#include <vector>

namespace starflow {
namespace {

namespace fs = std::filesystem;

// The folder of the code that runs here: the plugin's or the program's, and the parent's bin beside a test's.
std::vector<fs::path> search_folders() {
  std::vector<fs::path> folders;
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&find_companion), &self) != 0 && self.dli_fname != nullptr) {
    std::error_code error;
    const fs::path own = fs::absolute(self.dli_fname, error).lexically_normal().parent_path();
    folders = {own, own.parent_path() / "bin"};
  }
  if (const char* listed = std::getenv("STARFLOW_PLUGIN_PATH"); listed != nullptr) {
    std::string_view rest(listed);
    while (!rest.empty()) {
      const auto colon = rest.find(':');
      if (colon != 0) folders.emplace_back(rest.substr(0, colon));
      rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    }
  }
  return folders;
}

}  // namespace

Companion find_companion(std::string_view name, const std::vector<std::string>& more) {
  Companion found;
  std::vector<fs::path> folders = search_folders();
  folders.insert(folders.end(), more.begin(), more.end());
  for (const fs::path& folder : folders) {
    std::error_code error;
    if (fs::exists(folder / name, error)) return {folder / name, {}};
    found.searched += (found.searched.empty() ? "" : ", ") + folder.string();
  }
  return found;
}

}  // namespace starflow
