// SPDX-License-Identifier: MIT
#include "sink_sqlite.hpp"

#include "frame_columns.hpp"
#include "merge.hpp"
#include "record_options.hpp"
#include "register.hpp"
#include "sink_output.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace starflow {
namespace {

constexpr std::array<TableColumn, 8> kRunColumns = {{{"version", "", "of starflow", CellType::text},
                                                     {"config_hash", "", "of the configuration", CellType::text},
                                                     {"origin", "", "how positions count pixels", CellType::text},
                                                     {"coords", "", "frame or sensor", CellType::text},
                                                     {"complete", "", "1 = every frame is there", CellType::integer},
                                                     {"reason", "", "why it is not", CellType::text},
                                                     {"frames", "", "how many", CellType::integer},
                                                     {"stars", "", "how many", CellType::integer}}};

}  // namespace

SinkSqlite::SinkSqlite(const Options& options) : path_(options.text("path")), style_(record_style(options)) {}

void SinkSqlite::start(StartContext& context) {
  run_ = {std::string(context.config_hash()), std::string(context.version())};
  check_plain_output(path_);
  const nlohmann::json past = last_checkpoint(context);
  open_output(context, file_, "path", path_, past.value("file", nlohmann::json()));
  continues_ = !past.empty();
  if (!continues_) return;
  file_.keep_whole();
  frame_count_ = past.at("frames");
  star_count_ = past.at("stars");
  last_id_ = past.at("last_frame_id");
}

std::vector<std::string> SinkSqlite::files() const {
  check_plain_output(path_);
  return {path_};
}

std::string SinkSqlite::checkpoint() {
  database_->sync();
  return nlohmann::json{
      {"file", place_of(file_)}, {"frames", frame_count_}, {"stars", star_count_}, {"last_frame_id", last_id_}}
      .dump();
}

/// Transactions that came after the checkpoint are gone then.
void SinkSqlite::take_back() {
  SqliteWriter& db = *database_;
  db.execute("BEGIN");
  db.execute(fmt::format("DELETE FROM stars WHERE frame_id > {}", last_id_));
  db.execute(fmt::format("DELETE FROM frames WHERE frame_id > {}", last_id_));
  const auto frames = db.number("SELECT count(*) FROM frames"), stars = db.number("SELECT count(*) FROM stars");
  if (frames != static_cast<std::int64_t>(frame_count_) || stars != static_cast<std::int64_t>(star_count_)) {
    throw RunError(
        fmt::format("{} has {} frames and {} stars where the run to be continued wrote {} and {}; start anew "
                    "(--force)",
                    file_.unfinished_name(), frames, stars, frame_count_, star_count_));
  }
  write_run({});
  db.execute("COMMIT");
}

void SinkSqlite::make_tables() {
  SqliteWriter& db = *database_;
  db.execute("BEGIN");
  db.create_table("runs", kRunColumns);
  db.create_table("frames", frame_columns(), ", PRIMARY KEY (frame_id)");
  db.create_table("stars", columns_of_stars(style_.columns), ", FOREIGN KEY (frame_id) REFERENCES frames (frame_id)");
  db.execute("CREATE INDEX stars_of_frame ON stars (frame_id)");
  write_run({});
  db.execute("COMMIT");
}

/// Not before there is something to write: a run that is refused leaves an earlier one's database as it was.
void SinkSqlite::begin() {
  if (database_) return;
  if (continues_) {
    file_.begin();
  } else {
    start_database(file_);
  }
  SqliteWriter& db = database_.emplace(file_.unfinished_name());
  continues_ ? take_back() : make_tables();
  frames_ = db.insert_into("frames", frame_columns().size());
  stars_ = db.insert_into("stars", columns_of_stars(style_.columns).size());
}

void SinkSqlite::write(Context& context) {
  const auto* list = context.input(0).as<StarList>();
  const FrameInfo& info = measured_frame(context, list);
  const FrameRow frame(info, list, context.outcome(), context.errors(), identity_of_frame(run_, context.config_hash()));
  failed_ = true;  // unless all of it is written
  begin();
  file_.keep();
  database_->execute("BEGIN");
  for (std::size_t k = 0; k < frame.cells().size(); ++k) frames_.bind(k, frame.cells()[k]);
  frames_.run();
  if (list != nullptr) {
    const StarRows rows(style_.columns, info, list->stars, style_.coords, style_.origin, list->tracks);
    stars_.bind(0, static_cast<std::int64_t>(info.frame_id));
    for (std::size_t row = 0; row < list->stars.size(); ++row) {
      for (std::size_t k = 0; k < style_.columns.size(); ++k) stars_.bind(k + 1, rows.cell(row, k));
      stars_.run();
    }
    star_count_ += list->stars.size();
  }
  database_->execute("COMMIT");
  ++frame_count_;
  last_id_ = static_cast<std::int64_t>(info.frame_id);
  failed_ = false;
}

/// The one row of runs.
void SinkSqlite::write_run(const RunSummary& summary) {
  const std::array<TableCell, kRunColumns.size()> cells = {
      std::string_view(run_.version),
      std::string_view(run_.config_hash),
      kPixelOriginNames[static_cast<std::size_t>(style_.origin)],
      std::string_view(style_.coords == Coords::frame ? "frame" : "sensor"),
      std::int64_t{summary.complete && !failed_},
      summary.reason.empty() ? TableCell() : TableCell(std::string_view(summary.reason)),
      static_cast<std::int64_t>(summary.frames),
      static_cast<std::int64_t>(star_count_),
  };
  database_->execute("DELETE FROM runs");
  SqliteWriter::Insert run = database_->insert_into("runs", cells.size());
  for (std::size_t k = 0; k < cells.size(); ++k) run.bind(k, cells[k]);
  run.run();
}

void SinkSqlite::finish(const RunSummary& summary) {
  begin();
  frames_ = {};
  stars_ = {};
  if (failed_) database_->execute("ROLLBACK");
  write_run(summary);
  database_->close();
  database_.reset();
}

void SinkSqlite::close(const RunSummary& summary) {
  if (summary.complete && !failed_) {
    finish(summary);
    file_.commit();
    return;
  }
  try {
    finish(summary);
  } catch (const RunError&) {
    // The run has ended already, and its first error is the one to tell.
  }
  database_.reset();
  report_ = leave_unfinished({{"incomplete_output", &file_}});
}

NodeType sink_sqlite_type() {
  return {
      .name = "sink.sqlite",
      .doc = "Writes an SQLite database of the stars, the frames, measured or failed, and the run.",
      .inputs = {{"stars", message_type<StarList>, "the measured stars of a frame"}},
      .outputs = {},
      .options = sink_options(
          "stars.sqlite",
          "SQLite database with the tables frames, stars and runs, written as PATH.part until the run is complete."),
      .make = factory_of<SinkSqlite>(),
      .merge = merge_sqlite};
}

}  // namespace starflow
