// SPDX-License-Identifier: MIT
#include "sqlite_reader.hpp"

#include <starflow/sdk/node.hpp>

#include <sqlite3.h>

#include <string_view>

namespace starflow {

void SqliteReader::fail(const std::string& what) const { throw RunError(path_ + " " + what); }

void SqliteReader::check(int result) const {
  const std::string why = sqlite_failure(database_, result);
  if (!why.empty()) fail("can't be read: " + why);
}

SqliteReader::SqliteReader(const std::string& path) : path_(path) {
  check(open_sqlite(path, SQLITE_OPEN_READONLY, database_));
  // Rows are read once and in their order: of many databases that are open each gets little (KiB).
  check(sqlite3_exec(database_.get(), "PRAGMA cache_size = -256", nullptr, nullptr, nullptr));
}

SqliteReader::Rows SqliteReader::query(const std::string& sql) {
  Rows rows;
  rows.database_ = this;
  check(prepare_sqlite(database_, sql, rows.statement_));
  return rows;
}

bool SqliteReader::Rows::next() {
  const int result = sqlite3_step(statement_.get());
  database_->check(result);
  return result == SQLITE_ROW;
}

std::size_t SqliteReader::Rows::columns() const noexcept {
  return static_cast<std::size_t>(sqlite3_column_count(statement_.get()));
}

TableCell SqliteReader::Rows::cell(std::size_t k) const {
  sqlite3_stmt* s = statement_.get();
  const int at = static_cast<int>(k);
  switch (sqlite3_column_type(s, at)) {
    case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(s, at)};
    case SQLITE_FLOAT: return sqlite3_column_double(s, at);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(s, at));
      return std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(s, at)));
    }
    default: return {};
  }
}

bool SqliteReader::Rows::is(std::size_t k, std::uint64_t value) const {
  const TableCell here = cell(k);
  const auto* number = std::get_if<std::int64_t>(&here);
  return number != nullptr && static_cast<std::uint64_t>(*number) == value;
}

}  // namespace starflow
