// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Reads positions that somebody else found: CSV with a header that names `id`, `x` and `y`.

#include <cstdint>
#include <istream>
#include <stdexcept>
#include <string>
#include <vector>

namespace starflow {

struct Positions {
  std::vector<std::int64_t> id;
  std::vector<double> x, y;  ///< as the file gives them
};

/// A file that is no list of positions. what() is `FILE:LINE: what is wrong`.
class PositionFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads all rows. Columns stand in any order, others are passed over; lines that are empty or begin with # are too; a
/// byte order mark, CRLF, and spaces and double quotes around values are taken. A list without a row is a list of no
/// positions. \param name  of the file, for messages \throws PositionFileError without a header, a named column, a
/// number where one must be; for a position that is not finite,
///         or an id that is there twice
[[nodiscard]] Positions read_positions(std::istream& in, const std::string& name);

}  // namespace starflow
