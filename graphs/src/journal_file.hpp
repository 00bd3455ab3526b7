// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A text file that grows by whole lines, each of which survives a loss of power once it is written.

#include <string>
#include <string_view>

namespace starflow::graph {

/// Locked (flock(2)) while it lives: one run at a time keeps a journal. Every failure names the file and the reason.
class JournalFile {
 public:
  /// Opens \p path, or makes it. \throws RunError, also where another run has it
  explicit JournalFile(std::string path);
  ~JournalFile();
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool made() const noexcept { return made_; }  ///< there was none
  [[nodiscard]] std::string text() const;
  /// Drops what stands after \p bytes; lines are added there.
  void cut(std::size_t bytes);
  /// Adds \p line, which has no line end. \throws RunError: what was added before stays readable
  void add(std::string_view line);
  void remove() noexcept;

 private:
  std::string path_;
  int descriptor_ = -1;
  bool made_ = false;
};

/// The content of a file; empty where there is none. \throws RunError
[[nodiscard]] std::string read_text(const std::string& path);

/// Puts \p text in the place of a file at once; whatever happens, it has its old content or all of the new one, which
/// then survives a loss of power. \throws RunError
void replace_text(const std::string& path, std::string_view text);

}  // namespace starflow::graph
