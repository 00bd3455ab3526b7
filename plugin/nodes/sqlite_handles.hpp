// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What an SQLite database is read and written by: its connection and its statements, closed by themselves.

#include <memory>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace starflow {

struct CloseSqlite {
  void operator()(sqlite3* database) const noexcept;
  void operator()(sqlite3_stmt* statement) const noexcept;
};
using SqliteConnection = std::unique_ptr<sqlite3, CloseSqlite>;
using SqliteStatement = std::unique_ptr<sqlite3_stmt, CloseSqlite>;

/// Opens \p path into \p database, which holds the reason where that fails. \param flags  of sqlite3_open_v2()
/// \return SQLite's result
[[nodiscard]] int open_sqlite(const std::string& path, int flags, SqliteConnection& database);
/// \return SQLite's result
[[nodiscard]] int prepare_sqlite(const SqliteConnection& database, const std::string& sql, SqliteStatement& statement);
/// Why \p result is a failure, in SQLite's words; empty where it is none.
[[nodiscard]] std::string sqlite_failure(const SqliteConnection& database, int result);

}  // namespace starflow
