// SPDX-License-Identifier: MIT
#include "position_file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <map>
#include <string_view>

namespace starflow {
namespace {

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view spaces = " \t\r";
  const std::size_t begin = s.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return {};
  s = s.substr(begin, s.find_last_not_of(spaces) - begin + 1);
  if (s.size() >= 2 && s.front() == '"' && s.back() == '"') return trimmed(s.substr(1, s.size() - 2));
  return s;
}

/// Commas inside of double quotes don't part cells.
std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i < line.size() && (line[i] != ',' || quoted)) continue;
    cells.push_back(trimmed(line.substr(begin, i - begin)));
    begin = i + 1;
  }
  return cells;
}

class Reader {
 public:
  Reader(std::istream& in, const std::string& name) : in_(in), name_(name) {}

  Positions read() {
    std::string line;
    if (!next_line(line)) fail("is empty; the first line names the columns id,x,y");
    read_header(cells_of(line));
    Positions positions;
    std::map<std::int64_t, int> lines;
    while (next_line(line)) {
      const auto cells = cells_of(line);
      positions.id.push_back(number<std::int64_t>(cells, id_, "id", "an integer"));
      positions.x.push_back(position(cells, x_, "x"));
      positions.y.push_back(position(cells, y_, "y"));
      const auto [first, fresh] = lines.try_emplace(positions.id.back(), line_);
      if (!fresh) fail("the id " + std::to_string(first->first) + " is that of line " + std::to_string(first->second));
    }
    if (in_.bad()) fail("can't be read to its end");
    if (positions.id.empty()) fail("ends without a position; each line after the header is one");
    return positions;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw PositionFileError(name_ + ":" + std::to_string(line_) + ": " + what);
  }

  /// The next line that says something.
  bool next_line(std::string& line) {
    while (std::getline(in_, line)) {
      ++line_;
      if (line_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
      const std::string_view text = trimmed(line);
      if (!text.empty() && text.front() != '#') return true;
    }
    line_ = std::max(line_, 1);
    return false;
  }

  void read_header(const std::vector<std::string_view>& names) {
    const auto column = [&](std::string_view wanted) {
      const auto at = std::find(names.begin(), names.end(), wanted);
      if (at == names.end()) {
        std::string has;
        for (const std::string_view n : names) has += (has.empty() ? "" : ", ") + std::string(n.substr(0, 40));
        fail("has no column \"" + std::string(wanted) + "\"; its header has: " + has.substr(0, 200) +
             "; wanted: id, x, y in any order, separated by commas");
      }
      if (std::find(at + 1, names.end(), wanted) != names.end())
        fail("has two columns \"" + std::string(wanted) + "\"");
      return static_cast<std::size_t>(at - names.begin());
    };
    id_ = column("id");
    x_ = column("x");
    y_ = column("y");
  }

  template <class Number>
  Number number(const std::vector<std::string_view>& cells,
                std::size_t column,
                const char* name,
                const char* kind) const {
    if (column >= cells.size()) {
      fail("has " + std::to_string(cells.size()) + " values; " + name + " is the " + std::to_string(column + 1) +
           ". column");
    }
    std::string_view text = cells[column];
    if (text.starts_with('+')) text.remove_prefix(1);
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
      fail(std::string(name) + " is \"" + std::string(cells[column].substr(0, 40)) + "\", not " + kind);
    }
    return value;
  }

  double position(const std::vector<std::string_view>& cells, std::size_t column, const char* name) const {
    const auto value = number<double>(cells, column, name, "a number");
    if (!std::isfinite(value)) fail(std::string(name) + " is not finite");
    return value;
  }

  std::istream& in_;
  const std::string& name_;
  int line_ = 0;
  std::size_t id_ = 0, x_ = 0, y_ = 0;
};

}  // namespace

Positions read_positions(std::istream& in, const std::string& name) { return Reader(in, name).read(); }

}  // namespace starflow
