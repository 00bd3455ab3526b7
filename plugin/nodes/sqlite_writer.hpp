// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// An SQLite database that rows are added to.

#include "output_file.hpp"
#include "sqlite_handles.hpp"
#include "star_columns.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace starflow {

/// Every failure is a RunError that names the file and SQLite's reason.
class SqliteWriter {
 public:
  /// One row into one table.
  class Insert {
   public:
    Insert() = default;
    /// Sets the value of column \p k from 0. Text is borrowed until run().
    void bind(std::size_t k, const TableCell& cell);
    /// \throws RunError
    void run();

   private:
    friend class SqliteWriter;
    const SqliteWriter* database_ = nullptr;
    SqliteStatement statement_;
    std::string words_;  ///< of flags that are bound
  };

  /// Opens \p path, an empty file, for ourselves. Transactions survive the end of the program at any moment; those of
  /// the last seconds may be lost with the power, never the ones before.
  explicit SqliteWriter(const std::string& path);

  /// The one number that a query gives.
  [[nodiscard]] std::int64_t number(const std::string& query);
  /// Makes every transaction so far survive a loss of power.
  void sync();
  /// Runs statements without results.
  void execute(const std::string& sql);
  /// Makes a table with these columns. \param after  constraints that follow them, each with a comma before it
  void create_table(std::string_view name, std::span<const TableColumn> columns, std::string_view after = {});
  /// For rows with a value for each column.
  [[nodiscard]] Insert insert_into(std::string_view table, std::size_t columns);
  /// Puts all into one file. No Insert may be left.
  void close();

 private:
  void check(int result) const;

  std::string path_;
  SqliteConnection database_;
};

/// Empties \p file for a SqliteWriter, and removes the log that a run left which died. \throws RunError
void start_database(OutputFile& file);

}  // namespace starflow
