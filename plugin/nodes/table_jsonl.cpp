// SPDX-License-Identifier: MIT
/// \file
/// JSON Lines: an object on each line, such as starflow's own records.

#include "table_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

namespace starflow {
namespace {

/// The members of one object that are asked for; what is nested in it is passed over.
class Members final : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// \param cells  of the keys that are kept; the others are parsed only
  explicit Members(std::map<std::string, Cell, std::less<>>& cells) : cells_(cells) {}

  std::string error;              ///< why the line can't be read; empty = it can
  std::vector<std::string> keys;  ///< all of them

  bool null() override { return take(nullptr); }
  bool boolean(bool value) override { return take(std::string(value ? "true" : "false")); }
  bool number_integer(std::int64_t value) override { return take(value); }
  bool number_unsigned(std::uint64_t value) override {
    const bool fits = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return fits ? take(static_cast<std::int64_t>(value)) : take(static_cast<double>(value));
  }
  bool number_float(double value, const std::string&) override { return take(value); }
  bool string(std::string& value) override { return take(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter("an object"); }
  bool start_array(std::size_t) override { return enter("an array"); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(std::string& name) override {
    if (depth_ != 1) return true;
    keys.push_back(name);
    const auto at = cells_.find(name);
    cell_ = at == cells_.end() ? nullptr : &at->second;
    if (cell_ == nullptr || std::holds_alternative<std::monostate>(*cell_)) return true;
    error = "has \"" + name + "\" twice";
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    error = "is no JSON object (at character " + std::to_string(position) + ")";
    return false;
  }

 private:
  bool take(Cell value) {
    if (depth_ == 1 && cell_ != nullptr) *cell_ = std::move(value);
    return true;
  }
  bool enter(const char* what) {
    if (depth_ == 1 && cell_ != nullptr) *cell_ = std::string(what);
    ++depth_;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }

  std::map<std::string, Cell, std::less<>>& cells_;
  Cell* cell_ = nullptr;  // of the key that was read last
  int depth_ = 0;
};

class JsonLinesTable final : public Table {
 public:
  JsonLinesTable(std::string text, std::string name) : name_(std::move(name)), lines_(std::move(text)) {
    for (const char* key : {"type", "frame_id", "source", "plane", "origin", "coords", "outcome"}) cells_[key];
    waiting_ = read_row();
    columns_ = std::move(keys_);
  }

  [[nodiscard]] const std::vector<std::string>& columns() const noexcept override { return columns_; }
  [[nodiscard]] std::span<const ListedFrame> frames() const noexcept override { return frames_; }
  [[nodiscard]] std::int64_t number() const noexcept override { return lines_.number(); }
  [[nodiscard]] std::string place() const override { return name_ + ":" + std::to_string(lines_.number()); }

  void select(const std::vector<std::string>& names) override {
    chosen_ = names;
    for (const std::string& name : names) cells_[name];
    if (waiting_) parse(row_);  // once more, with the keys that are wanted
  }

  bool next(std::vector<Cell>& cells) override {
    if (!std::exchange(waiting_, false) && !read_row()) return false;
    cells.clear();
    for (const std::string& name : chosen_) cells.push_back(cells_.find(name)->second);
    return true;
  }

 private:
  void parse(std::string_view line) {
    if (line.front() != '{') fail("is no JSON object; JSON Lines has one on each line");
    for (auto& [key, cell] : cells_) cell = {};
    Members members(cells_);
    const bool good = nlohmann::json::sax_parse(line.begin(), line.end(), &members);
    if (!good) fail(members.error);
    keys_ = std::move(members.keys);
  }

  /// Goes on to the next line that is a row; frame records on the way are kept.
  bool read_row() {
    while (lines_.next(row_)) {
      parse(row_);
      const auto* type = std::get_if<std::string>(&cells_.find("type")->second);
      if (type == nullptr || (*type != "frame" && *type != "run" && *type != "rejected")) return true;
      if (*type == "frame") add_frame();
    }
    return false;
  }

  [[nodiscard]] std::string text(const char* key) const {
    const auto* value = std::get_if<std::string>(&cells_.find(key)->second);
    return value != nullptr ? *value : std::string();
  }

  void add_frame() {
    const auto* id = std::get_if<std::int64_t>(&cells_.find("frame_id")->second);
    if (id == nullptr) fail("is a frame record without a whole number as frame_id");
    const auto* plane = std::get_if<std::int64_t>(&cells_.find("plane")->second);
    const std::string outcome = text("outcome");
    const bool measured = outcome.empty() || outcome == "ok" || outcome == "partial";
    frames_.push_back({*id, text("source"), plane != nullptr ? *plane : -1, text("origin"), text("coords"), measured});
  }

  std::string name_;
  Lines lines_;
  std::string_view row_;  // of lines_
  bool waiting_ = false;  // row_ was read ahead, for the names of its keys
  std::map<std::string, Cell, std::less<>> cells_;
  std::vector<std::string> columns_, keys_, chosen_;
  std::vector<ListedFrame> frames_;
};

}  // namespace

std::unique_ptr<Table> json_lines_table(std::string text, std::string name) {
  return std::make_unique<JsonLinesTable>(std::move(text), std::move(name));
}

}  // namespace starflow
