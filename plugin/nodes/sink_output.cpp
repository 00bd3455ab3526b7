// SPDX-License-Identifier: MIT
#include "sink_output.hpp"

#include "json_text.hpp"
#include "record_options.hpp"

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace starflow {

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

void open_output(StartContext& context, OutputFile& file, const char* option, const std::string& path) {
  context.claim_output(option, path);
  try {
    if (file.open(path, context.force()))
      context.log(LogLevel::warning, "replaces " + path + ".part, which an earlier run left unfinished");
  } catch (const OptionError& e) {
    throw OptionError(option, e.what());
  }
}

void open_plain_output(StartContext& context, OutputFile& file, const std::string& path) {
  if (path.empty() || path == "-") throw OptionError("path", "wants the name of a file");
  std::error_code unknown;
  const auto status = std::filesystem::status(path, unknown);
  const bool plain = std::filesystem::is_regular_file(status) || std::filesystem::is_directory(status);
  if (std::filesystem::exists(status) && !plain)  // a pipe without a reader would be waited for
    throw OptionError("path", path + " is no plain file, as this sink needs one");
  open_output(context, file, "path", path);
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
