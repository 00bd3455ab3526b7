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
#include <vector>

namespace starflow {

/// Writes every frame with its stars in one transaction, in order: whatever kills the program, what was written last is
/// whole. The database gets its name when the run is complete; else it stays as `<path>.part`, in which `runs` says
/// `complete = 0`, and report() names it.
class SinkSqlite final : public Sink {
 public:
  explicit SinkSqlite(const Options& options);
  [[nodiscard]] std::vector<std::string> files() const override;
  void start(StartContext& context) override;
  void write(Context& context) override;
  std::string checkpoint() override;
  void close(const RunSummary& summary) override;
  [[nodiscard]] std::string report() const override { return report_; }

 private:
  void begin();
  void make_tables();
  void take_back();
  void write_run(const RunSummary& summary);
  void finish(const RunSummary& summary);

  std::string path_;
  RecordStyle style_;
  RunIdentity run_;
  OutputFile file_;  ///< holds the name; the bytes are SQLite's
  std::optional<SqliteWriter> database_;
  SqliteWriter::Insert frames_, stars_;
  std::uint64_t frame_count_ = 0, star_count_ = 0;
  std::int64_t last_id_ = -1;  ///< of the frames
  bool continues_ = false;
  bool failed_ = false;
  std::string report_;
};

}  // namespace starflow
