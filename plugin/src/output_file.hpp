// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A file that appears under its name only when it is complete.

#include <cstddef>
#include <cstdint>
#include <optional>
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
  /// A place in a file that reopen() finds back to.
  struct Mark {
    std::uint64_t bytes = 0;  ///< before it
    std::uint64_t inode = 0;  ///< of the file, whose name may have become the final one meanwhile
  };

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
  /// As open(), of a file that another run left unfinished, which this one continues: what stands after \p mark is
  /// dropped with the first write. A file that has got its final name already loses it again.
  /// \throws OptionError("path", ...) also where the file is gone, or too short to have that place
  void reopen(const std::string& path, bool may_replace, const Mark& mark);
  /// \throws RunError
  void write(std::string_view bytes);
  /// As write(), of bytes that are worth nothing alone: the header of a table. \throws RunError
  void preface(std::string_view bytes);
  /// Empties what an earlier run left, for somebody else who writes the file by its unfinished name. \throws RunError
  void begin();
  /// Nothing is dropped of a file that was reopened: somebody else writes it by its unfinished name.
  void keep_whole() noexcept { kept_.reset(); }
  /// Somebody else has written what is worth keeping.
  void keep() noexcept { worth_keeping_ = true; }
  /// Hands the buffer to the system. \throws RunError
  void flush();
  /// Makes what was written so far survive a loss of power. \return the place behind it. \throws RunError
  [[nodiscard]] Mark sync();
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
  void sync_folder();
  void publish();
  void discard() noexcept;
  void close_descriptor() noexcept;

  std::string path_, part_, buffer_;
  int descriptor_ = -1;
  bool failed_ = false, may_replace_ = false;
  bool made_ = false;                      // by open(), not by an earlier run
  bool begun_ = false;                     // what an earlier run left is gone
  bool named_ = false;                     // the unfinished name survives a loss of power
  std::optional<std::uint64_t> kept_ = 0;  // bytes of what an earlier run left; none = all
  bool worth_keeping_ = false;             // more than a preface was written
};

}  // namespace starflow
