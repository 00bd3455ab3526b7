// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// An SQLite database that rows are read from.

#include "star_columns.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

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
    struct Finalize {
      void operator()(sqlite3_stmt* statement) const noexcept;
    };
    const SqliteReader* database_ = nullptr;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  };

  explicit SqliteReader(const std::string& path);
  [[nodiscard]] Rows query(const std::string& sql);
  [[noreturn]] void fail(const std::string& what) const;

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  void check(int result) const;

  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace starflow
