// SPDX-License-Identifier: MIT
#include "csv_text.hpp"

#include "flag_words.hpp"
#include "json_text.hpp"

#include <cmath>
#include <cstddef>
#include <type_traits>

namespace starflow::csv {
namespace {

void append_text(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n#") == std::string_view::npos && text.front() != ' ' &&
      text.back() != ' ') {
    json::append_utf8(out, text);
    return;
  }
  out += '"';
  for (std::size_t quote; (quote = text.find('"')) != std::string_view::npos; text.remove_prefix(quote + 1)) {
    json::append_utf8(out, text.substr(0, quote));
    out += "\"\"";
  }
  json::append_utf8(out, text);
  out += '"';
}

std::string_view ecsv_type(CellType type) {
  switch (type) {
    case CellType::integer: return "int64";
    case CellType::real: return "float64";
    case CellType::text:
    case CellType::flags: break;
  }
  return "string";
}

}  // namespace

void append_cell(std::string& out, const TableCell& cell) {
  std::visit(
      [&]<class Value>(const Value& value) {
        if constexpr (std::is_same_v<Value, std::int64_t>) {
          json::append(out, value);
        } else if constexpr (std::is_same_v<Value, double>) {
          if (std::isfinite(value)) json::append(out, value);
        } else if constexpr (std::is_same_v<Value, std::string_view>) {
          append_text(out, value);
        } else if constexpr (std::is_same_v<Value, FlagList>) {
          append_flag_words(out, value.bits);
        }
      },
      cell);
  out += ',';
}

void append_names(std::string& out, std::span<const TableColumn> columns) {
  for (const TableColumn& column : columns) append_cell(out, column.name);
  end_row(out);
}

void append_ecsv_header(std::string& out, std::span<const TableColumn> columns, const About& about) {
  // A JSON text is a YAML text, too.
  out += "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n";
  for (const TableColumn& column : columns) {
    out += "# - {name: ";
    out += column.name;
    if (!column.unit.empty()) {
      out += ", unit: ";
      out += column.standard_unit();
    }
    out += ", datatype: ";
    out += ecsv_type(column.type);
    out += ", description: ";
    json::append(out, column.doc);
    out += "}\n";
  }
  out += "# meta: !!omap\n";
  for (const auto& [key, value] : about) {
    out += "# - {";
    out += key;
    out += ": ";
    json::append(out, value);
    out += "}\n";
  }
  out += "# schema: astropy-2.0\n";
}

}  // namespace starflow::csv
