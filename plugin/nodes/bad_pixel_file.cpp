// SPDX-License-Identifier: MIT
#include "bad_pixel_file.hpp"

#include "table_file.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace starflow {
namespace {

constexpr int kMaxSide = 1 << 20;  // px

bool is_empty(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return std::holds_alternative<std::monostate>(cell) || std::holds_alternative<std::nullptr_t>(cell) ||
         (text != nullptr && text->empty());
}

std::optional<int> index(const Table& table, const Cell& cell, const char* column, int first) {
  if (is_empty(cell)) return std::nullopt;
  const auto* whole = std::get_if<std::int64_t>(&cell);
  const auto* real = std::get_if<double>(&cell);
  const double value = whole != nullptr ? static_cast<double>(*whole) : real != nullptr ? *real : std::nan("");
  if (!(std::floor(value) == value)) table.fail(std::string(column) + " is " + quoted(cell) + ", not an integer");
  if (value < first || value >= kMaxSide) {
    table.fail(std::string(column) + " is " + quoted(cell) + "; pixels count from " + std::to_string(first) + " to " +
               std::to_string(kMaxSide - 1));
  }
  return static_cast<int>(value) - first;
}

struct Interval {
  int begin = 0, last = BadPixels::kToTheEdge;
};

Interval interval(const Table& table, std::optional<int> begin, std::optional<int> last, const std::string& axis) {
  if (last && !begin) table.fail("has " + axis + "_last without " + axis);
  if (last && *last < *begin) table.fail(axis + "_last is before " + axis);
  return begin ? Interval{*begin, last.value_or(*begin)} : Interval{};
}

bool has_either(const std::vector<std::string>& columns) {
  return std::any_of(columns.begin(), columns.end(), [](const auto& name) { return name == "x" || name == "y"; });
}

}  // namespace

std::vector<BadPixels> read_bad_pixels(const std::string& path, int first) {
  const auto table = open_table(path, {{}, has_either});
  if (!table->columns().empty() && !has_either(table->columns()))
    table->fail("has neither a column x nor y; bad pixels need both, bad columns x, bad lines y");
  table->select({"x", "y", "x_last", "y_last"});
  std::vector<BadPixels> out;
  std::vector<Cell> cells;
  while (table->next(cells)) {
    const auto x = index(*table, cells[0], "x", first), y = index(*table, cells[1], "y", first);
    if (!x && !y) table->fail("has neither x nor y");
    const Interval across = interval(*table, x, index(*table, cells[2], "x_last", first), "x");
    const Interval down = interval(*table, y, index(*table, cells[3], "y_last", first), "y");
    out.push_back({across.begin, down.begin, across.last, down.last, static_cast<int>(table->number())});
  }
  return out;
}

}  // namespace starflow
