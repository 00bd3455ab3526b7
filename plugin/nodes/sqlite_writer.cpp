// SPDX-License-Identifier: MIT
#include "sqlite_writer.hpp"

#include "flag_words.hpp"

#include <starflow/sdk/node.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <cstdio>
#include <type_traits>
#include <variant>

namespace starflow {
namespace {

std::string_view type_name(CellType type) {
  switch (type) {
    case CellType::integer: return "INTEGER";
    case CellType::real: return "REAL";
    case CellType::text:
    case CellType::flags: break;
  }
  return "TEXT";
}

}  // namespace

void SqliteWriter::check(int result) const {
  const std::string why = sqlite_failure(database_, result);
  if (!why.empty()) throw RunError(fmt::format("can't write {}: {}", path_, why));
}

SqliteWriter::SqliteWriter(const std::string& path) : path_(path) {
  check(open_sqlite(path, SQLITE_OPEN_READWRITE, database_));
  execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
}

void SqliteWriter::execute(const std::string& sql) {
  check(sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

std::int64_t SqliteWriter::number(const std::string& query) {
  SqliteStatement statement;
  check(prepare_sqlite(database_, query, statement));
  check(sqlite3_step(statement.get()));
  return sqlite3_column_int64(statement.get(), 0);
}

void SqliteWriter::sync() {
  // With synchronous = NORMAL the log is synced before it is copied into the file, and the file after that.
  if (number("PRAGMA wal_checkpoint(FULL)") != 0) throw RunError("can't write " + path_ + ": it is locked");
}

void SqliteWriter::create_table(std::string_view name, std::span<const TableColumn> columns, std::string_view after) {
  std::string sql = fmt::format("CREATE TABLE {} (", name);
  for (const TableColumn& column : columns)
    sql += fmt::format("{}\"{}\" {}", &column == columns.data() ? "" : ", ", column.name, type_name(column.type));
  execute(fmt::format("{}{});", sql, after));
}

SqliteWriter::Insert SqliteWriter::insert_into(std::string_view table, std::size_t columns) {
  std::string sql = fmt::format("INSERT INTO {} VALUES (?", table);
  for (std::size_t k = 1; k < columns; ++k) sql += ",?";
  sql += ')';
  Insert insert;
  insert.database_ = this;
  check(prepare_sqlite(database_, sql, insert.statement_));
  return insert;
}

void SqliteWriter::close() {
  // What is left of the log goes with the last connection; a log that stays beside the file would be lost with its
  // name.
  execute("PRAGMA journal_mode = DELETE;");
  check(sqlite3_close(database_.get()));
  (void)database_.release();
}

void SqliteWriter::Insert::bind(std::size_t k, const TableCell& cell) {
  sqlite3_stmt* s = statement_.get();
  const int at = static_cast<int>(k) + 1;
  const auto text = [&](std::string_view words, sqlite3_destructor_type life) {
    return sqlite3_bind_text64(s, at, words.data(), words.size(), life, SQLITE_UTF8);
  };
  database_->check(std::visit(
      [&]<class Value>(const Value& value) {
        if constexpr (std::is_same_v<Value, std::int64_t>) return sqlite3_bind_int64(s, at, value);
        if constexpr (std::is_same_v<Value, double>) return sqlite3_bind_double(s, at, value);  // NaN is null there
        if constexpr (std::is_same_v<Value, std::string_view>) return text(value, SQLITE_STATIC);
        if constexpr (std::is_same_v<Value, FlagList>) {
          words_.clear();
          append_flag_words(words_, value.bits);
          return text(words_, SQLITE_TRANSIENT);
        }
        return sqlite3_bind_null(s, at);
      },
      cell));
}

void start_database(OutputFile& file) {
  file.begin();
  for (const char* log : {"-wal", "-shm"}) std::remove((file.unfinished_name() + log).c_str());
}

void SqliteWriter::Insert::run() {
  const int result = sqlite3_step(statement_.get());
  sqlite3_reset(statement_.get());
  database_->check(result);
}

}  // namespace starflow
