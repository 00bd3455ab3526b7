// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Lists that somebody else wrote, as rows of named cells: CSV, JSON Lines, FITS tables; gzipped too.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace starflow {

/// A value as the file gives it: not there, null (JSON's, FITS's NaN and TNULL), a number, or text that is none.
using Cell = std::variant<std::monostate, std::nullptr_t, std::int64_t, double, std::string>;

/// For messages: `"abc"`, at most 40 characters of it.
[[nodiscard]] std::string quoted(const Cell& cell);

/// A file that is no such list. what() is `FILE:LINE: what is wrong`, for FITS `FILE, HDU 1, row 3: what is wrong`.
class TableError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A frame record of starflow, whose star records follow it.
struct ListedFrame {
  std::int64_t frame_id = 0;
  std::string source;
  std::int64_t plane = -1;     ///< of a cube; -1 = the frame has one
  std::string origin, coords;  ///< as recorded; empty = not
  bool measured = true;        ///< its outcome was ok or partial
};

/// One list, read row by row.
class Table {
 public:
  virtual ~Table() = default;
  /// The names that the header has; of JSON Lines the keys of the first row.
  [[nodiscard]] virtual const std::vector<std::string>& columns() const noexcept = 0;
  /// Chooses what next() gives, in this order. A name that is not in columns() gives empty cells.
  /// \throws TableError for a FITS column whose cells are not single numbers
  virtual void select(const std::vector<std::string>& names) = 0;
  /// The next row. \return false at the end. \throws TableError
  [[nodiscard]] virtual bool next(std::vector<Cell>& cells) = 0;
  /// Of the row that next() gave last, before it of the header: `FILE:LINE`
  [[nodiscard]] virtual std::string place() const = 0;
  /// The line, or the row of a FITS table, of that; from 1.
  [[nodiscard]] virtual std::int64_t number() const noexcept = 0;
  /// Frame records so far, JSON Lines only.
  [[nodiscard]] virtual std::span<const ListedFrame> frames() const noexcept { return {}; }
  [[nodiscard]] virtual bool is_fits() const noexcept { return false; }

  [[noreturn]] void fail(const std::string& what) const { throw TableError(place() + ": " + what); }
};

/// How open_table() chooses among several tables of a FITS file.
struct TableChoice {
  std::string hdu;  ///< number (0 = primary) or EXTNAME; empty = the first table that `fits` accepts, else the first
  std::function<bool(const std::vector<std::string>& columns)> fits;
};

/// Opens \p path; its content decides what it is, not its name.
/// \throws TableError where it can't be read, or is empty
[[nodiscard]] std::unique_ptr<Table> open_table(const std::string& path, const TableChoice& choice);

/// The formats. \param name  of the file, for messages
[[nodiscard]] std::unique_ptr<Table> csv_table(std::string text, std::string name);
[[nodiscard]] std::unique_ptr<Table> json_lines_table(std::string text, std::string name);
/// \throws TableError, or FrameError whose text does not name the file
[[nodiscard]] std::unique_ptr<Table> fits_table(const std::string& path, const TableChoice& choice);

/// Lines of a text, counted from 1.
class Lines {
 public:
  explicit Lines(std::string text) : text_(std::move(text)) {}
  /// The next line that is not empty and does not begin with #, without spaces around it. \return false at the end
  [[nodiscard]] bool next(std::string_view& line);
  [[nodiscard]] int number() const noexcept { return number_ > 0 ? number_ : 1; }

 private:
  std::string text_;
  std::size_t at_ = 0;
  int number_ = 0;
};

/// Without spaces, tabs and the CR of a CRLF around it.
[[nodiscard]] std::string_view without_spaces(std::string_view text) noexcept;

}  // namespace starflow
