// SPDX-License-Identifier: MIT
#include "position_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

namespace starflow {
namespace {

/// Names that programs give to positions.
struct KnownColumns {
  std::string_view x, y;
  PixelOrigin origin = PixelOrigin::center0;
  bool fits_only = false;  ///< elsewhere the name does not tell the origin
};
constexpr std::array kKnown = {KnownColumns{"x", "y"},
                               KnownColumns{"xcentroid", "ycentroid"},
                               KnownColumns{"x_centroid", "y_centroid"},
                               KnownColumns{"x_fit", "y_fit"},
                               KnownColumns{"XWIN_IMAGE", "YWIN_IMAGE", PixelOrigin::fits1},
                               KnownColumns{"XPSF_IMAGE", "YPSF_IMAGE", PixelOrigin::fits1},
                               KnownColumns{"X_IMAGE", "Y_IMAGE", PixelOrigin::fits1},
                               KnownColumns{"XCENTER", "YCENTER", PixelOrigin::fits1},
                               KnownColumns{"X", "Y", PixelOrigin::fits1, true}};
constexpr std::array<std::string_view, 5> kIdNames = {"id", "NUMBER", "ID", "label", "source_id"};
constexpr double kMaxExactWhole = 9007199254740992.0;  // 2^53: above it doubles pass integers over

bool has(const std::vector<std::string>& columns, std::string_view name) {
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}

/// Which columns are read, and how they count.
struct Chosen {
  std::string x, y, id;  ///< id empty = rows are numbered
  PixelOrigin origin = PixelOrigin::center0;
};

std::string known_pairs(bool fits) {
  std::string text;
  for (const KnownColumns& k : kKnown) {
    if (k.fits_only && !fits) continue;
    text += (text.empty() ? "" : ", ") + std::string(k.x) + "/" + std::string(k.y);
  }
  return text;
}

[[noreturn]] void fail_columns(const Table& table, const std::string& what) {
  std::string names;
  for (const std::string& n : table.columns()) names += (names.empty() ? "" : ", ") + n.substr(0, 40);
  const bool one = table.columns().size() == 1 && !table.is_fits();
  table.fail(what + "; its columns are: " + names.substr(0, 200) + (one ? "; commas part columns" : ""));
}

Chosen choose(const Table& table, const PositionFormat& format) {
  const std::vector<std::string>& columns = table.columns();
  Chosen c{format.x, format.y, format.id};
  for (const KnownColumns& k : kKnown) {
    if (k.fits_only && !table.is_fits()) continue;
    if (c.x.empty() ? has(columns, k.x) && has(columns, k.y) : c.x == k.x && c.y == k.y) {
      c.x = k.x;
      c.y = k.y;
      c.origin = k.origin;
      break;
    }
  }
  if (c.x.empty()) {
    fail_columns(table, "has no columns of positions (" + known_pairs(table.is_fits()) +
                            "); name them by the options x_column and y_column");
  }
  if (c.id.empty()) {
    const auto* at = std::find_if(kIdNames.begin(), kIdNames.end(), [&](auto name) { return has(columns, name); });
    if (at != kIdNames.end()) c.id = *at;
  }
  for (const std::string& name : {c.x, c.y, c.id}) {
    if (!name.empty() && !has(columns, name)) fail_columns(table, "has no column \"" + name + "\"");
  }
  if (format.origin) c.origin = *format.origin;
  return c;
}

class Reader {
 public:
  Reader(Table& table, const PositionFormat& format)
      : table_(table), format_(format), chosen_(table.columns().empty() ? Chosen{} : choose(table, format)) {}

  std::vector<FramePositions> read() {
    table_.select({chosen_.x, chosen_.y, chosen_.id, "frame_id"});
    std::vector<Cell> cells;
    while (table_.next(cells)) {
      take_frames();
      add(cells, list_of(cells[3]));
    }
    take_frames();
    if (lists_.empty()) lists_.emplace_back();
    return std::move(lists_);
  }

 private:
  /// Frame records since the last row.
  void take_frames() {
    const auto frames = table_.frames();
    for (; frames_ < frames.size(); ++frames_) {
      const ListedFrame& frame = frames[frames_];
      if (!by_id_.try_emplace(frame.frame_id, lists_.size()).second)
        table_.fail("comes after two frame records of frame_id " + std::to_string(frame.frame_id));
      if (frame.coords == "sensor") {
        table_.fail(
            "follows a frame record whose positions are in pixels of the sensor; write the list with coords = "
            "frame");
      }
      check_origin(frame);
      lists_.push_back({frame, {}});
    }
  }

  void check_origin(const ListedFrame& frame) const {
    if (frame.origin.empty()) return;
    const auto* known = std::find(kPixelOriginNames.begin(), kPixelOriginNames.end(), frame.origin);
    if (known == kPixelOriginNames.end()) table_.fail("follows a frame record of origin " + quoted(frame.origin));
    if (format_.origin && pixel_origin(frame.origin) != *format_.origin) {
      table_.fail("follows a frame record of origin " + frame.origin +
                  ", which option origin contradicts; leave that on auto");
    }
  }

  [[nodiscard]] PixelOrigin origin_of(const FramePositions& list) const {
    return list.frame && !list.frame->origin.empty() ? pixel_origin(list.frame->origin) : chosen_.origin;
  }

  /// The list that a row belongs to; without frame records there is one.
  std::size_t list_of(const Cell& frame_id) {
    if (by_id_.empty()) {
      lists_.resize(1);
      return 0;
    }
    const auto* number = std::get_if<std::int64_t>(&frame_id);
    const auto at = number != nullptr ? by_id_.find(*number) : by_id_.end();
    if (at == by_id_.end()) table_.fail("frame_id is " + quoted(frame_id) + ", of which no frame record stands before");
    return at->second;
  }

  void add(const std::vector<Cell>& cells, std::size_t list) {
    Positions& p = lists_[list].positions;
    if (std::holds_alternative<std::nullptr_t>(cells[0]) || std::holds_alternative<std::nullptr_t>(cells[1])) {
      ++p.without;
      return;
    }
    const double shift = origin_offset_px(origin_of(lists_[list]));
    p.x.push_back(position(cells[0], chosen_.x) - shift);
    p.y.push_back(position(cells[1], chosen_.y) - shift);
    if (chosen_.id.empty()) {
      p.id.push_back(static_cast<std::int64_t>(p.id.size() + p.without));
      return;
    }
    p.id.push_back(whole(cells[2], chosen_.id));
    const auto [first, fresh] = numbers_.try_emplace({list, p.id.back()}, table_.number());
    if (!fresh) {
      table_.fail("the id " + std::to_string(p.id.back()) + " is that of " + (table_.is_fits() ? "row " : "line ") +
                  std::to_string(first->second));
    }
  }

  [[nodiscard]] std::int64_t whole(const Cell& cell, const std::string& column) const {
    if (const auto* value = std::get_if<std::int64_t>(&cell)) return *value;
    const auto* real = std::get_if<double>(&cell);
    if (real == nullptr || std::floor(*real) != *real || std::abs(*real) > kMaxExactWhole)
      table_.fail(column + " is " + quoted(cell) + ", not an integer");
    return static_cast<std::int64_t>(*real);
  }

  [[nodiscard]] double position(const Cell& cell, const std::string& column) const {
    if (const auto* value = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*value);
    const auto* real = std::get_if<double>(&cell);
    if (real == nullptr) table_.fail(column + " is " + quoted(cell) + ", not a number");
    if (!std::isfinite(*real)) table_.fail(column + " is not finite");
    return *real;
  }

  Table& table_;
  const PositionFormat& format_;
  Chosen chosen_;
  std::vector<FramePositions> lists_;
  std::size_t frames_ = 0;                                                // that were taken from the table
  std::map<std::int64_t, std::size_t> by_id_;                             // frame_id -> index into lists_
  std::map<std::pair<std::size_t, std::int64_t>, std::int64_t> numbers_;  // list and id -> line or row
};

}  // namespace

bool has_position_columns(const std::vector<std::string>& columns, const PositionFormat& format) {
  if (!format.x.empty()) return has(columns, format.x) && has(columns, format.y);
  return std::any_of(kKnown.begin(), kKnown.end(),
                     [&](const KnownColumns& k) { return has(columns, k.x) && has(columns, k.y); });
}

std::vector<FramePositions> read_positions(Table& table, const PositionFormat& format) {
  return Reader(table, format).read();
}

std::vector<FramePositions> read_positions(const std::string& path, const PositionFormat& format) {
  const auto table = open_table(path, {format.hdu, [&](const std::vector<std::string>& columns) {
                                         return has_position_columns(columns, format);
                                       }});
  return read_positions(*table, format);
}

}  // namespace starflow
