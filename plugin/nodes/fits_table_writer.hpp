// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Binary tables of FITS files as bytes: CFITSIO makes the headers, rows are encoded here, so that a table can grow at
/// the end of a file that is not complete yet. FITS standard 4.0, sections 4 and 7.3.

#include "star_columns.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace starflow {

/// A column of a binary table, integers in 64 bits, reals in double.
struct FitsColumn {
  TableColumn column;
  std::size_t text_bytes = 0;  ///< of a text; longer ones are cut
};

/// Keywords (up to 8 characters) and texts of a header.
using FitsKeywords = std::vector<std::pair<std::string_view, std::string_view>>;

/// The primary HDU without data. \p comments stand below the keywords. \throws RunError
[[nodiscard]] std::string fits_primary_header(const FitsKeywords& keywords, std::span<const std::string> comments);

/// The header of a table of \p rows rows: TTYPE, TFORM, TUNIT, TCOMM, and TNULL for integers. \throws RunError
[[nodiscard]] std::string fits_table_header(std::string_view name,
                                            std::span<const FitsColumn> columns,
                                            std::uint64_t rows);

/// \p text as a table has it: other than printable ASCII becomes "?".
[[nodiscard]] std::string fits_text(std::string_view text);

/// Appends a cell; text is filled with blanks, other than printable ASCII becomes "?", flag names can't be written.
void append_fits_cell(std::string& out, const FitsColumn& column, const TableCell& cell);

/// What \p bytes of data lack to whole blocks of 2880.
[[nodiscard]] std::string fits_padding(std::uint64_t bytes);

}  // namespace starflow
