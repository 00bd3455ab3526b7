// SPDX-License-Identifier: MIT
#include "sink_fits.hpp"

#include "frame_columns.hpp"
#include "merge.hpp"
#include "record_options.hpp"
#include "register.hpp"
#include "sink_output.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace starflow {
namespace {

constexpr std::size_t kWordBytes = 32;  // of a method's name, or why a fit ended

/// Which columns of a star go into the table: flags are there as bits, and the file is named by the table of frames.
bool has_place(const TableColumn& column) { return column.type != CellType::flags; }

void refuse_columns(const Options& options) {
  if (!options.has("columns")) return;
  for (const std::string& name : options.texts("columns")) {
    if (name == "flag_names") {
      throw OptionError("columns",
                        "flag_names is no column of a FITS table; its words stand in the header, by the bits "
                        "of flags");
    }
    if (name == "source") throw OptionError("columns", "source stands in the table FRAMES of the file, by frame_id");
  }
}

std::vector<std::string> flag_comments() {
  std::vector<std::string> all;
  for (std::size_t bit = 0; bit < kFlagNames.size(); ++bit)
    all.push_back(fmt::format("flags bit {} ({}): {}", bit, std::uint64_t{1} << bit, kFlagNames[bit]));
  return all;
}

Cell owned(const TableCell& cell) {
  return std::visit(
      []<class Value>(const Value& value) -> Cell {
        if constexpr (std::is_same_v<Value, std::string_view>) {
          return fits_text(value);
        } else if constexpr (std::is_same_v<Value, std::int64_t> || std::is_same_v<Value, double>) {
          return value;
        } else {
          return {};
        }
      },
      cell);
}

TableCell borrowed(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return std::string_view(*text);
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return *number;
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  return {};
}

/// For a checkpoint: real numbers by their bits, which JSON has for NaN, too.
nlohmann::json told(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&cell)) return *number;
  if (const auto* number = std::get_if<double>(&cell)) return std::bit_cast<std::int64_t>(*number);
  return nullptr;
}

Cell untold(const nlohmann::json& value, CellType type) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  const auto number = value.get<std::int64_t>();
  return type == CellType::real ? Cell(std::bit_cast<double>(number)) : Cell(number);
}

/// The columns of the frames, as wide as their longest texts.
std::vector<FitsColumn> fitted_columns(const std::vector<std::vector<Cell>>& frames) {
  std::vector<FitsColumn> columns;
  for (const TableColumn& column : frame_columns()) {
    std::size_t widest = 1;
    for (const auto& row : frames) {
      if (const auto* text = std::get_if<std::string>(&row[columns.size()])) widest = std::max(widest, text->size());
    }
    columns.push_back({column, widest});
  }
  return columns;
}

}  // namespace

SinkFits::SinkFits(const Options& options) : path_(options.text("path")) {
  refuse_columns(options);
  style_ = record_style(options);
}

std::string SinkFits::primary_header(bool complete) const {
  const FitsKeywords keywords{
      {"CREATOR", "starflow"},
      {"VERSION", run_.version},
      {"CFGHASH", run_.config_hash},
      {"ORIGINPX", kPixelOriginNames[static_cast<std::size_t>(style_.origin)]},
      {"COORDS", style_.coords == Coords::frame ? "frame" : "sensor"},
      {"COMPLETE", complete ? "yes" : "no"},
  };
  return fits_primary_header(keywords, flag_comments());
}

std::vector<std::string> SinkFits::files() const {
  check_plain_output(path_);
  return {path_};
}

std::string SinkFits::checkpoint() {
  nlohmann::json now{{"file", place_of(file_)}, {"stars", stars_}, {"star_bytes", stars_bytes_}};
  nlohmann::json& rows = now["frames"] = nlohmann::json::array();
  for (; told_ < frames_.size(); ++told_) {
    nlohmann::json& row = rows.emplace_back(nlohmann::json::array());
    for (const Cell& cell : frames_[told_]) row.push_back(told(cell));
  }
  return now.dump();
}

void SinkFits::restore(const std::vector<std::string>& checkpoints) {
  const std::vector<TableColumn>& columns = frame_columns();
  for (const std::string& text : checkpoints) {
    const auto past = nlohmann::json::parse(text);
    stars_ = past.at("stars");
    stars_bytes_ = past.at("star_bytes");
    for (const nlohmann::json& row : past.at("frames")) {
      auto& kept = frames_.emplace_back();
      for (std::size_t k = 0; k < columns.size(); ++k) kept.push_back(untold(row.at(k), columns[k].type));
    }
  }
  told_ = frames_.size();
}

void SinkFits::start(StartContext& context) {
  run_ = {std::string(context.config_hash()), std::string(context.version())};
  check_plain_output(path_);
  open_output(context, file_, "path", path_, last_checkpoint(context).value("file", nlohmann::json()));
  restore(context.checkpoints());
  for (const TableColumn& column : columns_of_stars(style_.columns)) {
    if (has_place(column)) columns_.push_back({column, kWordBytes});
  }
  for (std::size_t k = 0; k < style_.columns.size(); ++k) {
    if (has_place(style_.columns[k])) of_style_.push_back(k);
  }
  const std::string primary = primary_header(false);
  stars_at_ = primary.size();
  if (!context.checkpoints().empty()) return;
  file_.preface(primary);
  file_.preface(fits_table_header("STARS", columns_, 0));
}

void SinkFits::write(Context& context) {
  const auto* list = context.input(0).as<StarList>();
  const FrameInfo& info = measured_frame(context, list);
  const FrameRow frame(info, list, context.outcome(), context.errors(), identity_of_frame(run_, context.config_hash()));
  auto& kept = frames_.emplace_back();
  for (const TableCell& cell : frame.cells()) kept.push_back(owned(cell));
  if (list == nullptr) return;
  const StarRows rows(style_.columns, info, list->stars, style_.coords, style_.origin, list->tracks);
  text_.clear();
  for (std::size_t row = 0; row < list->stars.size(); ++row) {
    append_fits_cell(text_, columns_[0], static_cast<std::int64_t>(info.frame_id));
    for (std::size_t k = 0; k < of_style_.size(); ++k)
      append_fits_cell(text_, columns_[k + 1], rows.cell(row, of_style_[k]));
  }
  stars_ += list->stars.size();
  stars_bytes_ += text_.size();
  file_.write(text_);
}

void SinkFits::finish(const RunSummary& summary) {
  file_.write(fits_padding(stars_bytes_));
  const std::vector<FitsColumn> columns = fitted_columns(frames_);
  text_ = fits_table_header("FRAMES", columns, frames_.size());
  const std::size_t header = text_.size();
  for (const auto& frame : frames_) {
    for (std::size_t k = 0; k < columns.size(); ++k) append_fits_cell(text_, columns[k], borrowed(frame[k]));
  }
  text_ += fits_padding(text_.size() - header);
  file_.write(text_);
  if (summary.complete) file_.rewrite(0, primary_header(true));
  file_.rewrite(stars_at_, fits_table_header("STARS", columns_, stars_));
}

void SinkFits::close(const RunSummary& summary) {
  if (summary.complete && !file_.failed()) {
    finish(summary);
    file_.commit();
    return;
  }
  try {
    if (!file_.failed()) finish(summary);
  } catch (const RunError&) {
    // The run has ended already, and its first error is the one to tell.
  }
  report_ = leave_unfinished({{"incomplete_output", &file_}});
}

NodeType sink_fits_type() {
  return {
      .name = "sink.fits",
      .doc = "Writes a FITS file with a binary table of the stars and one of the frames, measured or failed.",
      .inputs = {{"stars", message_type<StarList>, "the measured stars of a frame"}},
      .outputs = {},
      .options = sink_options(
          "stars.fits", "FITS file with the tables STARS and FRAMES, written as PATH.part until the run is complete."),
      .make = factory_of<SinkFits>(),
      .merge = merge_fits};
}

}  // namespace starflow
