// SPDX-License-Identifier: MIT
#include "table_file.hpp"

#include "fits_gzip.hpp"

#include <starflow/sdk/node.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace starflow {
namespace {

constexpr std::string_view kFitsBegin = "SIMPLE";
constexpr std::string_view kGzipBegin = "\x1f\x8b";

std::string file_begin(std::ifstream& in) {
  std::array<char, kFitsBegin.size()> head{};
  in.read(head.data(), head.size());
  std::string begin(head.data(), static_cast<std::size_t>(in.gcount()));
  in.clear();
  return begin;
}

std::unique_ptr<Table> text_table(std::string text, const std::string& path) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // byte order mark
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const char begin = first == std::string::npos ? '\0' : text[first];
  if (begin == '[') throw TableError(path + ":1: is one JSON array; JSON Lines has an object on each line");
  return begin == '{' ? json_lines_table(std::move(text), path) : csv_table(std::move(text), path);
}

}  // namespace

std::string quoted(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return fmt::format("\"{}\"", text->substr(0, 40));
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return fmt::format("\"{}\"", *whole);
  if (const auto* real = std::get_if<double>(&cell)) return fmt::format("\"{}\"", *real);
  return std::holds_alternative<std::nullptr_t>(cell) ? "null" : "missing";
}

std::string_view without_spaces(std::string_view text) noexcept {
  constexpr std::string_view spaces = " \t\r";
  const std::size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

bool Lines::next(std::string_view& line) {
  while (at_ < text_.size()) {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    line = without_spaces(std::string_view(text_).substr(at_, end - at_));
    at_ = end + 1;
    ++number_;
    if (!line.empty() && line.front() != '#') return true;
  }
  return false;
}

std::unique_ptr<Table> open_table(const std::string& path, const TableChoice& choice) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw TableError(path + " is a folder; give a file");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw TableError("can't read " + path + ": " + std::generic_category().message(errno));
  try {
    std::string text = file_begin(in);
    if (text.starts_with(kGzipBegin)) {
      const std::vector<char> content = unpack_gzip(path);
      text.assign(content.begin(), content.end());
      if (!text.starts_with(kFitsBegin)) return text_table(std::move(text), path);
    }
    if (text.starts_with(kFitsBegin)) return fits_table(path, choice);
    // Not read again from its begin: a pipe has none.
    text.append(std::istreambuf_iterator<char>(in), {});
    if (in.bad()) throw TableError(path + " can't be read to its end");
    return text_table(std::move(text), path);
  } catch (const FrameError& e) {
    throw TableError(path + " " + e.what());
  }
}

}  // namespace starflow
