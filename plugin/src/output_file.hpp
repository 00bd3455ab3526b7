// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A file that appears under its name only when it is complete.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace starflow {

/// Bytes go to `<path>.part` beside the final name, through a buffer; commit() renames it. That name is locked
/// (flock(2)) from open() until it is gone, so that one run at a time writes it; a file system without locks takes only
/// a name that is free. "-" is standard output, and a path that exists and is no plain file (a pipe, a device) is
/// written directly. Each failure is an error that names the path and the system's reason. A closed pipe is such a
/// failure, not a signal.
class OutputFile {
 public:
  OutputFile() = default;
  /// What was neither committed nor abandoned stays under its unfinished name where anything but a preface was written;
  /// else nothing is left, and the unfinished file of an earlier run is as it was.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// \param may_replace  commit() may replace a file of that name
  /// \throws OptionError("path", ...) where the file can't be made: another run is writing it, or its unfinished name
  /// is
  ///         taken by a link or by anything but a plain file.
  /// \return true where it replaces the unfinished file of an earlier run
  bool open(const std::string& path, bool may_replace);
  /// \throws RunError
  void write(std::string_view bytes);
  /// As write(), of bytes that are worth nothing alone: the header of a table. \throws RunError
  void preface(std::string_view bytes);
  /// Empties what an earlier run left, for somebody else who writes the file by its unfinished name. \throws RunError
  void begin();
  /// Somebody else has written what is worth keeping.
  void keep() noexcept { worth_keeping_ = true; }
  /// Hands the buffer to the system. \throws RunError
  void flush();
  /// Puts \p bytes in the place of as many that were written before, \p at bytes from the start. Not for a stream.
  /// \throws RunError
  void rewrite(std::uint64_t at, std::string_view bytes);
  /// Flushes, syncs, closes and gives the file its final name. \throws RunError, also where a file has appeared there
  /// that may not be replaced: the final name is untouched then, and the unfinished one stays.
  void commit();
  /// Flushes and closes under the unfinished name; an empty file is removed. Never throws.
  /// \return that name; empty where there is none
  std::string abandon() noexcept;

  /// Where the bytes are until commit(); empty for a stream.
  [[nodiscard]] const std::string& unfinished_name() const noexcept { return part_; }
  /// Standard output, a pipe or a device: there is no final name.
  [[nodiscard]] bool is_stream() const noexcept { return part_.empty(); }
  /// A write failed: what follows would leave a hole.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  [[noreturn]] void fail(int error);
  void publish();
  void discard() noexcept;
  void close_descriptor() noexcept;

  std::string path_, part_, buffer_;
  int descriptor_ = -1;
  bool failed_ = false, may_replace_ = false;
  bool made_ = false;           // by open(), not by an earlier run
  bool begun_ = false;          // what an earlier run left is gone
  bool worth_keeping_ = false;  // more than a preface was written
};

}  // namespace starflow
