// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A text file read record by record, one ahead.

#include <fstream>
#include <string>

namespace starflow {

/// A record is a line, or, of quoted text, as many as its quotes hold together (RFC 4180).
class RecordReader {
 public:
  /// Reads the first line. \throws RunError where the file can't be read
  explicit RecordReader(std::string name);
  /// With its line end; empty = the end of the file.
  [[nodiscard]] const std::string& record() const noexcept { return record_; }
  /// Goes on. \throws RunError where the file is cut short, or can't be read
  void next(bool quoted = false);
  [[noreturn]] void fail(const std::string& what) const;  ///< \throws RunError that names the file

 private:
  std::string name_, record_, line_;
  std::ifstream in_;
};

}  // namespace starflow
