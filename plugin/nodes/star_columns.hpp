// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The columns that a file of stars gets, chosen and named, and the cells of its rows.

#include "pixel_origin.hpp"

#include <starflow/core/star_table.hpp>
#include <starflow/sdk/frame.hpp>
#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace starflow {

/// Pixels that positions count: those of the frame as given, or of the sensor (region of interest and binning applied).
/// Widths and moments stay in pixels of the frame.
enum class Coords : std::uint8_t { frame, sensor };

struct FlagList {
  Flags bits = 0;
};
/// What stands in one place of a table: nothing, a number (NaN = not defined), text, or the names of flags.
using TableCell = std::variant<std::monostate, std::int64_t, double, std::string_view, FlagList>;

enum class CellType : std::uint8_t { integer, real, text, flags };

/// What is known of a column before the first row.
struct TableColumn {
  std::string_view name;  ///< as the file has it
  std::string_view unit;  ///< "px", "ADU", ...; empty = none
  std::string_view doc;
  CellType type = CellType::real;

  /// As FITS 4.0 and astropy.units spell it.
  [[nodiscard]] std::string_view standard_unit() const noexcept;
};

/// Which columns of a StarTable, in which order and under which names; and `flag_names`, the flags in words, `source`,
/// the file that the frame came from, and those of its tracks. By default all but the last ones, as they are called.
class StarColumns {
 public:
  StarColumns() = default;
  /// From the options of star_column_options(). \throws OptionError for names that meet, or that no column has
  explicit StarColumns(const Options& options);

  /// What node `match` adds.
  [[nodiscard]] static const StarColumns& of_tracks();

  /// False: the default, whatever the names.
  [[nodiscard]] bool is_chosen() const noexcept { return is_chosen_; }
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] TableColumn operator[](std::size_t k) const;

 private:
  friend class StarRows;
  struct Chosen {
    std::size_t field = 0;
    std::string name;
  };
  void check_distinct(const char* option) const;
  [[nodiscard]] std::size_t field(std::size_t k) const { return chosen_.empty() ? k : chosen_[k].field; }

  std::vector<Chosen> chosen_;  ///< empty = the default
  bool is_chosen_ = false;
};

/// The options `columns` and `rename`.
[[nodiscard]] std::vector<OptionSpec> star_column_options();

/// The stars of one frame, cell by cell. Borrows what it is made of. Never allocates.
class StarRows {
 public:
  /// \param tracks  of the stars, or without rows: their columns are empty then
  /// \throws std::invalid_argument for a table with columns of different lengths
  StarRows(const StarColumns& columns,
           const FrameInfo& info,
           const StarTable& stars,
           Coords coords,
           PixelOrigin origin,
           const StarTracks& tracks);

  [[nodiscard]] TableCell cell(std::size_t row, std::size_t k) const;

 private:
  enum class Kind : std::uint8_t {
    integer64,
    integer32,
    real,
    method,
    termination,
    flags,
    flag_names,
    source,
    track,
    none
  };
  /// A column, and what makes its numbers those that are written.
  struct Field {
    Kind kind = Kind::real;
    const void* data = nullptr;
    double scale = 1, shift = 0;
  };
  static constexpr std::size_t kMostFields = 64;

  const StarColumns& columns_;
  const FrameInfo& info_;
  const StarTable& stars_;
  std::array<Field, kMostFields> fields_{};
};

}  // namespace starflow
