// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// An SQLite database that rows are read from.

#include "sqlite_handles.hpp"
#include "star_columns.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace starflow {

/// Every failure is a RunError that names the file and SQLite's reason.
class SqliteReader {
 public:
  /// What a query gives, row by row.
  class Rows {
   public:
    /// \return false at the end
    [[nodiscard]] bool next();
    [[nodiscard]] std::size_t columns() const noexcept;
    /// Column \p k from 0. Text is borrowed until next().
    [[nodiscard]] TableCell cell(std::size_t k) const;
    /// Column \p k is the whole number \p value.
    [[nodiscard]] bool is(std::size_t k, std::uint64_t value) const;

   private:
    friend class SqliteReader;
    const SqliteReader* database_ = nullptr;
    SqliteStatement statement_;
  };

  explicit SqliteReader(const std::string& path);
  [[nodiscard]] Rows query(const std::string& sql);
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void check(int result) const;

  std::string path_;
  SqliteConnection database_;
};

}  // namespace starflow
