// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node type `sink.sqlite`: a database with the tables frames, stars and runs.

#include "output_file.hpp"
#include "record_writer.hpp"
#include "sqlite_writer.hpp"

#include <starflow/sdk/node.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace starflow {

/// Writes every frame with its stars in one transaction, in order: whatever kills the program, what was written last is
/// whole. The database gets its name when the run is complete; else it stays as `<path>.part`, in which `runs` says
/// `complete = 0`, and report() names it.
class SinkSqlite final : public Sink {
 public:
  explicit SinkSqlite(const Options& options);
  void start(StartContext& context) override;
  void write(Context& context) override;
  void close(const RunSummary& summary) override;
  [[nodiscard]] std::string report() const override { return report_; }

 private:
  void begin();
  void write_run(const RunSummary& summary);
  void finish(const RunSummary& summary);

  std::string path_;
  RecordStyle style_;
  RunIdentity run_;
  OutputFile file_;  ///< holds the name; the bytes are SQLite's
  std::optional<SqliteWriter> database_;
  SqliteWriter::Insert frames_, stars_;
  std::uint64_t star_count_ = 0;
  bool failed_ = false;
  std::string report_;
};

}  // namespace starflow
