// SPDX-License-Identifier: MIT
/// \file
/// CSV: the first line names the columns.

#include "table_file.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace starflow {
namespace {

std::string_view trimmed(std::string_view s) {
  s = without_spaces(s);
  if (s.size() >= 2 && s.front() == '"' && s.back() == '"') return without_spaces(s.substr(1, s.size() - 2));
  return s;
}

/// Commas inside of double quotes don't part cells.
void part(std::string_view line, std::vector<std::string_view>& cells) {
  cells.clear();
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i < line.size() && (line[i] != ',' || quoted)) continue;
    cells.push_back(trimmed(line.substr(begin, i - begin)));
    begin = i + 1;
  }
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Cell cell_of(std::string_view text) {
  if (const auto whole = number<std::int64_t>(text)) return *whole;
  if (const auto real = number<double>(text)) return *real;
  std::string words(text);
  for (std::size_t at = 0; (at = words.find("\"\"", at)) != std::string::npos; ++at) words.erase(at, 1);
  return words;
}

class CsvTable final : public Table {
 public:
  CsvTable(std::string text, std::string name) : name_(std::move(name)), lines_(std::move(text)) {
    std::string_view line;
    if (!lines_.next(line)) fail("is empty; the first line names the columns");
    part(line, parts_);
    columns_.assign(parts_.begin(), parts_.end());
  }

  [[nodiscard]] const std::vector<std::string>& columns() const noexcept override { return columns_; }

  void select(const std::vector<std::string>& names) override {
    chosen_.clear();
    for (const std::string& name : names) {
      const auto at = std::find(columns_.begin(), columns_.end(), name);
      if (at != columns_.end() && std::find(at + 1, columns_.end(), name) != columns_.end())
        fail("has two columns \"" + name + "\"");
      chosen_.push_back(static_cast<std::size_t>(at - columns_.begin()));
    }
  }

  bool next(std::vector<Cell>& cells) override {
    std::string_view line;
    if (!lines_.next(line)) return false;
    part(line, parts_);
    cells.clear();
    for (const std::size_t column : chosen_) {
      if (column == columns_.size()) {
        cells.emplace_back();
        continue;
      }
      if (column >= parts_.size()) {
        fail("has " + std::to_string(parts_.size()) + " values; " + columns_[column] + " is the " +
             std::to_string(column + 1) + ". column");
      }
      cells.push_back(cell_of(parts_[column]));
    }
    return true;
  }

  [[nodiscard]] std::int64_t number() const noexcept override { return lines_.number(); }
  [[nodiscard]] std::string place() const override { return name_ + ":" + std::to_string(lines_.number()); }

 private:
  std::string name_;
  Lines lines_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> chosen_;  // columns_.size() = not there
  std::vector<std::string_view> parts_;
};

}  // namespace

std::unique_ptr<Table> csv_table(std::string text, std::string name) {
  return std::make_unique<CsvTable>(std::move(text), std::move(name));
}

}  // namespace starflow
