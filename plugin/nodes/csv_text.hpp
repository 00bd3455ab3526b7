// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Tables as text: rows of CSV (RFC 4180) and the header of ECSV (Astropy Proposal for Enhancement 6, version 1.0).

#include "star_columns.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace starflow::csv {

/// Keys and values that stand above a table.
using About = std::vector<std::pair<std::string_view, std::string_view>>;

/// Appends a cell and the comma after it. What is not defined is empty, an empty text `""`; flags are joined by `;`.
void append_cell(std::string& out, const TableCell& cell);

/// Makes the comma after the last cell the end of the line.
inline void end_row(std::string& out) { out.back() = '\n'; }

/// The line with the names of the columns.
void append_names(std::string& out, std::span<const TableColumn> columns);

/// The comment lines that make it ECSV: types, units, descriptions, and \p about as the table's meta.
void append_ecsv_header(std::string& out, std::span<const TableColumn> columns, const About& about);

}  // namespace starflow::csv
