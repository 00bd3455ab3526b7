// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A file of JSON Lines, read line by line in bounded memory.

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace starflow::report {

/// A file that can't be reported on. The text names it.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class RecordFile {
 public:
  /// \throws InputError where it can't be opened
  explicit RecordFile(std::string path);

  /// The next line that is not blank. One that is longer than a record can be comes cut, and is none therefore.
  /// \return false at the end. \throws InputError where reading fails
  [[nodiscard]] bool next(std::string_view& line);
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }  ///< of that line, from 1
  /// That line was the file's last and has no end: whoever wrote it was stopped.
  [[nodiscard]] bool unfinished() const noexcept { return unfinished_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  std::ifstream in_;
  std::string line_;
  std::uint64_t number_ = 0;
  bool unfinished_ = false;
};

}  // namespace starflow::report
