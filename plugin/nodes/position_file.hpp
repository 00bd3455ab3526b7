// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Positions that somebody else found: the columns of a list that hold them, and how that list counts pixels.

#include "pixel_origin.hpp"
#include "table_file.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace starflow {

/// Positions of one frame; (0, 0) is the centre of the first pixel.
struct Positions {
  std::vector<std::int64_t> id;
  std::vector<double> x, y;  ///< px
  std::size_t without = 0;   ///< rows whose x or y is null
};

/// The positions of one frame of a list. A list that names no frames has one of these.
struct FramePositions {
  std::optional<ListedFrame> frame;  ///< what the list says about the frame
  Positions positions;
};

/// How a list is read.
struct PositionFormat {
  std::string x{}, y{}, id{};           ///< columns; empty = guessed
  std::optional<PixelOrigin> origin{};  ///< none = by the list, else by the names of its columns
  std::string hdu{};                    ///< see TableChoice
};

/// Reads all rows of \p path: CSV, JSON Lines or a FITS table.
///
/// Guessed are, in this order: x,y; xcentroid,ycentroid; x_centroid,y_centroid; x_fit,y_fit (centre of the first pixel
/// at 0); XWIN_IMAGE, XPSF_IMAGE, X_IMAGE, XCENTER (at 1, the FITS convention, as SExtractor and IRAF count); of FITS
/// tables X,Y too (at 1, as astrometry.net counts). Names are compared with their case. Ids: id, NUMBER, ID, label,
/// source_id; without one rows are numbered from 0 in each frame. Star records of starflow follow the origin that their
/// frame record states. Any other column counts from 0.
/// \return in the order of the list, never empty
/// \throws TableError for a file that is no list, a column that is missing, a cell that is no number, a position that
///         is not finite, an id that a frame has twice, star records in `coords: sensor`, or a stated origin that
///         contradicts \p format
[[nodiscard]] std::vector<FramePositions> read_positions(const std::string& path, const PositionFormat& format);

/// The same from a table that is open, with the file's place in messages.
[[nodiscard]] std::vector<FramePositions> read_positions(Table& table, const PositionFormat& format);

/// \return true where read_positions() would find its positions: a FITS file's first such table is taken
[[nodiscard]] bool has_position_columns(const std::vector<std::string>& columns, const PositionFormat& format);

}  // namespace starflow
