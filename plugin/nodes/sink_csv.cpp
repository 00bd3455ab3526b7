// SPDX-License-Identifier: MIT
#include "sink_csv.hpp"

#include "csv_text.hpp"
#include "frame_columns.hpp"
#include "merge.hpp"
#include "record_options.hpp"
#include "register.hpp"
#include "sink_output.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace starflow {
namespace {

std::vector<OptionSpec> options() {
  OptionSpec frames;
  frames.name = "frames";
  frames.form = Accepts::text;
  frames.doc =
      "Table of the frames, also of those that failed; left out: stars_frames.csv beside stars.csv, none where "
      "the stars go to a pipe.";
  frames.result_neutral = true;
  OptionSpec format;
  format.name = "format";
  format.form = Accepts::text;
  format.fallback = std::string("by_name");
  format.choices = {"by_name", "csv", "ecsv"};
  format.doc = "CSV (RFC 4180), or ECSV 1.0 with units for astropy; by_name: ECSV where the name ends in .ecsv.";
  format.result_neutral = true;
  std::vector<OptionSpec> all = sink_options(
      "stars.csv", "Table of the stars, written as PATH.part until the run is complete; \"-\" is standard output.");
  all.insert(all.begin() + 1, {frames, format});
  return all;
}

}  // namespace

std::string frames_beside(const std::string& path) {
  const std::size_t slash = path.rfind('/'), dot = path.rfind('.');
  const bool has_ending = dot != std::string::npos && dot > 0 && (slash == std::string::npos || dot > slash + 1);
  const std::size_t end = has_ending ? dot : path.size();
  return path.substr(0, end) + "_frames" + path.substr(end);
}

SinkCsv::SinkCsv(const Options& options) : path_(options.text("path")), style_(record_style(options)) {
  if (path_.empty()) throw OptionError("path", "is empty; give a file, or \"-\" for standard output");
  const std::string& format = options.text("format");
  ecsv_ = format == "ecsv" || (format == "by_name" && path_.ends_with(".ecsv"));
  frames_ = options.has("frames");
  if (!frames_) return;
  frames_path_ = options.text("frames");
  if (frames_path_.empty() || frames_path_ == "-" || frames_path_ == path_)
    throw OptionError("frames", "wants a file of its own");
}

std::vector<std::string> SinkCsv::files() const {
  check_resumable("path", path_);
  const std::string frames = frames_ ? frames_path_ : frames_beside(path_);
  check_resumable("frames", frames);
  return {path_, frames};
}

std::string SinkCsv::checkpoint() {
  return nlohmann::json{{"stars", place_of(stars_file_)}, {"frames", place_of(frames_file_)}}.dump();
}

void SinkCsv::start(StartContext& context) {
  run_ = {std::string(context.config_hash()), std::string(context.version())};
  const nlohmann::json past = last_checkpoint(context);
  open_output(context, stars_file_, "path", path_, past.value("stars", nlohmann::json()));
  if (!frames_ && !stars_file_.is_stream()) {
    frames_ = true;
    frames_path_ = frames_beside(path_);
  }
  const csv::About about{
      {"starflow", run_.version},
      {"config_hash", run_.config_hash},
      {"origin", kPixelOriginNames[static_cast<std::size_t>(style_.origin)]},
      {"coords", style_.coords == Coords::frame ? "frame" : "sensor"},
  };
  const auto begin = [&](OutputFile& file, std::span<const TableColumn> table) {
    text_.clear();
    if (ecsv_) csv::append_ecsv_header(text_, table, about);
    csv::append_names(text_, table);
    file.preface(text_);
  };
  const bool begins = past.empty();
  if (frames_) {
    open_output(context, frames_file_, "frames", frames_path_, past.value("frames", nlohmann::json()));
    if (begins) begin(frames_file_, frame_columns());
  }
  if (begins) begin(stars_file_, columns_of_stars(style_.columns));
}

void SinkCsv::write(Context& context) {
  const auto* list = context.input(0).as<StarList>();
  const FrameInfo& info = measured_frame(context, list);
  if (frames_) {
    const FrameRow row(info, list, context.outcome(), context.errors(), identity_of_frame(run_, context.config_hash()));
    text_.clear();
    for (const TableCell& cell : row.cells()) csv::append_cell(text_, cell);
    csv::end_row(text_);
    frames_file_.write(text_);
  }
  text_.clear();
  if (list != nullptr) {
    const StarRows rows(style_.columns, info, list->stars, style_.coords, style_.origin, list->tracks);
    for (std::size_t row = 0; row < list->stars.size(); ++row) {
      csv::append_cell(text_, static_cast<std::int64_t>(info.frame_id));
      for (std::size_t k = 0; k < style_.columns.size(); ++k) csv::append_cell(text_, rows.cell(row, k));
      csv::end_row(text_);
    }
  }
  stars_file_.write(text_);
  if (stars_file_.is_stream()) stars_file_.flush();
}

void SinkCsv::close(const RunSummary& summary) {
  if (summary.complete && !stars_file_.failed() && !frames_file_.failed()) {
    if (frames_) frames_file_.commit();
    stars_file_.commit();
    return;
  }
  report_ = leave_unfinished({{"incomplete_output", &stars_file_}, {"incomplete_frames", &frames_file_}});
}

NodeType sink_csv_type() {
  return {.name = "sink.csv",
          .doc = "Writes the stars as a table, CSV or ECSV, and the frames, measured or failed, as another.",
          .inputs = {{"stars", message_type<StarList>, "the measured stars of a frame"}},
          .outputs = {},
          .options = options(),
          .make = factory_of<SinkCsv>(),
          .merge = merge_csv};
}

}  // namespace starflow
