// SPDX-License-Identifier: MIT
#include "sqlite_handles.hpp"

#include <sqlite3.h>

namespace starflow {

void CloseSqlite::operator()(sqlite3* database) const noexcept { sqlite3_close(database); }
void CloseSqlite::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

int open_sqlite(const std::string& path, int flags, SqliteConnection& database) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  database.reset(opened);
  return result;
}

int prepare_sqlite(const SqliteConnection& database, const std::string& sql, SqliteStatement& statement) {
  sqlite3_stmt* made = nullptr;
  const int result = sqlite3_prepare_v2(database.get(), sql.c_str(), -1, &made, nullptr);
  statement.reset(made);
  return result;
}

std::string sqlite_failure(const SqliteConnection& database, int result) {
  if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW) return {};
  return database != nullptr ? sqlite3_errmsg(database.get()) : sqlite3_errstr(result);
}

}  // namespace starflow
