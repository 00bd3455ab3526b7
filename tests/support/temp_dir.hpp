// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A fresh folder for the files of one test.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace starflow::test {

/// Made empty by the constructor, deleted with everything in it by the destructor.
class TempDir {
 public:
  /// \throws std::runtime_error where the folder can't be made.
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "starflow_test_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("can't make a folder like " + pattern);
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// \return the path of \p name in this folder; nothing is made.
  [[nodiscard]] std::string operator/(std::string_view name) const { return (path_ / name).string(); }
  /// Writes \p bytes to \p name, whose folders are made. \return its path.
  std::string write(std::string_view name, std::string_view bytes) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("can't write " + file.string());
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace starflow::test
