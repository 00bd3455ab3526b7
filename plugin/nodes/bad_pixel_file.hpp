// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Lists of bad pixels, columns, lines and rectangles.

#include <string>
#include <vector>

namespace starflow {

/// Pixels from first to last, both bad; a side that is open goes to the edge of the frame.
struct BadPixels {
  int x = 0, y = 0;            ///< px; the first pixel of a frame is (0, 0)
  int x_last = 0, y_last = 0;  ///< px; kToTheEdge = open
  int number = 0;              ///< line of the file, or row of its table

  static constexpr int kToTheEdge = -1;
};

/// Reads CSV, JSON Lines or a FITS table with the columns `x` and `y`, and where there are some `x_last` and `y_last`
/// (x and y where empty). A row without x is the whole line y, one without y the whole column x.
/// \param first  how the list counts the first pixel: 0 or 1
/// \throws TableError for a file that is no such list, a row without x and y, a number that is no integer or below
///         \p first, a last one without or before its first one
[[nodiscard]] std::vector<BadPixels> read_bad_pixels(const std::string& path, int first);

}  // namespace starflow
