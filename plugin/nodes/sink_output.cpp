// SPDX-License-Identifier: MIT
#include "sink_output.hpp"

#include "json_text.hpp"
#include "record_options.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace starflow {
namespace {

bool is_stream(const std::string& path) {
  std::error_code unknown;
  const auto status = std::filesystem::status(path, unknown);
  const bool plain = std::filesystem::is_regular_file(status) || std::filesystem::is_directory(status);
  return path == "-" || (std::filesystem::exists(status) && !plain);
}

}  // namespace

std::vector<OptionSpec> sink_options(const char* fallback, const char* doc) {
  OptionSpec path;
  path.name = "path";
  path.form = Accepts::text;
  path.fallback = std::string(fallback);
  path.doc = doc;
  path.result_neutral = true;
  std::vector<OptionSpec> all{path};
  for (OptionSpec& option : record_style_options()) all.push_back(std::move(option));
  return all;
}

void open_output(
    StartContext& context, OutputFile& file, const char* option, const std::string& path, const nlohmann::json& mark) {
  context.claim_output(option, path);
  try {
    if (!mark.is_null()) {
      file.reopen(path, context.force(), {mark.at(0).get<std::uint64_t>(), mark.at(1).get<std::uint64_t>()});
    } else if (file.open(path, context.force()))
      context.log(LogLevel::warning, "replaces " + path + ".part, which an earlier run left unfinished");
  } catch (const OptionError& e) {
    throw OptionError(option, e.what());
  }
}

void check_plain_output(const std::string& path) {
  if (path.empty() || path == "-") throw OptionError("path", "wants the name of a file");
  if (is_stream(path))  // a pipe without a reader would be waited for
    throw OptionError("path", path + " is no plain file, as this sink needs one");
}

void check_resumable(const char* option, const std::string& path) {
  if (!is_stream(path)) return;
  throw OptionError(option, (path == "-" ? "standard output" : path) +
                                " takes nothing back, so the run can't be continued or divided; name a file");
}

nlohmann::json last_checkpoint(const StartContext& context) {
  if (context.checkpoints().empty()) return nlohmann::json::object();
  return nlohmann::json::parse(context.checkpoints().back());
}

nlohmann::json place_of(OutputFile& file) {
  const OutputFile::Mark mark = file.sync();
  return {mark.bytes, mark.inode};
}

const FrameInfo& measured_frame(const Sink::Context& context, const StarList* stars) {
  return stars != nullptr && stars->frame != nullptr ? *stars->frame : context.info();
}

std::vector<TableColumn> columns_of_stars(const StarColumns& columns) {
  std::vector<TableColumn> all{{"frame_id", "", "number of the frame in its run", CellType::integer}};
  for (std::size_t k = 0; k < columns.size(); ++k) all.push_back(columns[k]);
  return all;
}

std::string leave_unfinished(std::initializer_list<std::pair<const char*, OutputFile*>> files) {
  std::string told;
  for (const auto& [member, file] : files) {
    const std::string part = file->abandon();
    if (part.empty()) continue;
    if (told.empty()) told = "{";
    json::append_member(told, member, std::string_view(part));
  }
  if (!told.empty()) told += '}';
  return told;
}

}  // namespace starflow
