// SPDX-License-Identifier: MIT
#include "sqlite_reader.hpp"

#include <starflow/sdk/node.hpp>

#include <sqlite3.h>

#include <string_view>

namespace starflow {

void SqliteReader::Close::operator()(sqlite3* database) const noexcept { sqlite3_close(database); }
void SqliteReader::Rows::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

void SqliteReader::fail(const std::string& what) const { throw RunError(path_ + " " + what); }

void SqliteReader::check(int result) const {
  if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW) return;
  const char* why = database_ != nullptr ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(result);
  fail(std::string("can't be read: ") + why);
}

SqliteReader::SqliteReader(const std::string& path) : path_(path) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
  database_.reset(opened);
  check(result);
  // Rows are read once and in their order: of many databases that are open each gets little (KiB).
  check(sqlite3_exec(database_.get(), "PRAGMA cache_size = -256", nullptr, nullptr, nullptr));
}

SqliteReader::Rows SqliteReader::query(const std::string& sql) {
  Rows rows;
  rows.database_ = this;
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &statement, nullptr);
  rows.statement_.reset(statement);
  check(result);
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
