// SPDX-License-Identifier: MIT
#include "star_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace starflow {
namespace {

template <class Cell>
constexpr CellType type_of() {
  if constexpr (std::is_same_v<Cell, double>) return CellType::real;
  if constexpr (std::is_same_v<Cell, Method> || std::is_same_v<Cell, Termination>) return CellType::text;
  return CellType::integer;
}

constexpr std::string_view kSource = "source", kAll = "*";

/// The columns of a star table and what goes with them, in the order of the records; those from `source` on are left
/// out unless they are asked for.
const std::vector<TableColumn>& all_fields() {
  static const std::vector<TableColumn> fields = [] {
    std::vector<TableColumn> all;
    const StarTable stars;
    const StarTracks tracks;
    for_each_column(stars, [&]<class Cell>(std::string_view name, std::string_view unit, std::string_view doc,
                                           const std::vector<Cell>&) {
      all.push_back({name, unit, doc, type_of<Cell>()});
    });
    all.push_back({"flag_names", "", "the bits of flags in words", CellType::flags});
    all.push_back({kSource, "", "file that the frame came from", CellType::text});
    zip_track_columns(
        [&]<class Cell>(std::string_view name, std::string_view unit, std::string_view doc, const std::vector<Cell>&) {
          all.push_back({name, unit, doc, type_of<Cell>()});
        },
        tracks);
    return all;
  }();
  return fields;
}

/// \return its number, or all_fields().size()
std::size_t find_field(std::string_view name) {
  const auto& all = all_fields();
  return static_cast<std::size_t>(std::ranges::find(all, name, &TableColumn::name) - all.begin());
}

std::size_t default_size() {
  static const std::size_t size = find_field(kSource);
  return size;
}

/// A name that every format can hold: FITS allows less than the others.
void check_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  constexpr std::size_t kLongest = 64;
  if (!name.empty() && name.size() <= kLongest && std::ranges::all_of(name, allowed)) return;
  throw OptionError("rename",
                    fmt::format("\"{}\" is no name for a column: letters, digits and _, up to {}", name, kLongest));
}

/// From a position of the frame to the one that is written: scale, then shift.
struct Axis {
  double scale = 1, shift = 0;
};

Axis axis(Coords coords, PixelOrigin origin, int binning, int roi) {
  Axis a{1, origin_offset_px(origin)};
  if (coords == Coords::frame) return a;
  // The first pixel of a binned frame covers the sensor's pixels 0..binning-1, centred at (binning - 1) / 2.
  a.scale = binning;
  a.shift += 0.5 * (binning - 1) + roi;
  return a;
}

std::string_view name_of(Method method, const StarTable& stars) {
  return method == Method::plugin ? std::string_view(stars.plugin_method)
                                  : kMethodNames[static_cast<std::size_t>(method)];
}

}  // namespace

std::string_view TableColumn::standard_unit() const noexcept {
  if (unit == "px") return "pix";
  if (unit == "px^2") return "pix2";
  if (unit == "ADU") return "adu";
  if (unit == "e-/ADU") return "electron/adu";
  if (unit == "e-") return "electron";
  return unit;
}

StarColumns::StarColumns(const Options& options) {
  const bool choice = options.has("columns"), names = options.has("rename");
  if (!choice && !names) return;
  const auto choose = [this](std::size_t field) { chosen_.push_back({field, std::string(all_fields()[field].name)}); };
  const auto choose_default = [&choose] {
    for (std::size_t k = 0; k < default_size(); ++k) choose(k);
  };
  is_chosen_ = choice;
  if (choice) {
    for (const std::string& name : options.texts("columns")) name == kAll ? choose_default() : choose(find_field(name));
    if (chosen_.empty()) throw OptionError("columns", "is empty; leave it out for every column");
  } else {
    choose_default();
  }
  check_distinct("columns");
  if (!names) return;
  std::set<std::size_t> renamed;
  for (const std::string& text : options.texts("rename")) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos)
      throw OptionError("rename", fmt::format("\"{}\" is not of the form COLUMN=NAME", text));
    const std::string from = text.substr(0, equals), to = text.substr(equals + 1);
    check_name(to);
    const std::size_t field = find_field(from);
    if (field == all_fields().size()) throw OptionError("rename", fmt::format("there is no column \"{}\"", from));
    const auto which = std::ranges::find(chosen_, field, &Chosen::field);
    if (which == chosen_.end()) throw OptionError("rename", fmt::format("\"{}\" is not among the columns", from));
    if (!renamed.insert(field).second) throw OptionError("rename", fmt::format("\"{}\" stands twice", from));
    which->name = to;
  }
  check_distinct("rename");
}

/// \throws OptionError of \p option where two names are the same
void StarColumns::check_distinct(const char* option) const {
  std::set<std::string_view> taken{"type", "frame_id", "reason"};
  for (const Chosen& c : chosen_) {
    if (!taken.insert(c.name).second) throw OptionError(option, fmt::format("two columns are called \"{}\"", c.name));
  }
}

const StarColumns& StarColumns::of_tracks() {
  static const StarColumns tracks = [] {
    StarColumns columns;
    for (std::size_t k = find_field(kSource) + 1; k < all_fields().size(); ++k)
      columns.chosen_.push_back({k, std::string(all_fields()[k].name)});
    return columns;
  }();
  return tracks;
}

std::size_t StarColumns::size() const noexcept { return chosen_.empty() ? default_size() : chosen_.size(); }

TableColumn StarColumns::operator[](std::size_t k) const {
  TableColumn column = all_fields()[field(k)];
  if (!chosen_.empty()) column.name = chosen_[k].name;
  return column;
}

std::vector<OptionSpec> star_column_options() {
  OptionSpec columns;
  columns.name = "columns";
  columns.form = Accepts::text_list;
  for (const TableColumn& field : all_fields()) columns.choices.emplace_back(field.name);
  columns.choices.emplace_back(kAll);
  columns.doc =
      "What is written of a star after its frame's number, in this order; \"*\" = every column but source and those of "
      "node match (track_id, x_ref, y_ref, x_residual, y_residual), as where this is left out. JSON Lines then hold "
      "those "
      "of match too, where it is in the graph.";
  columns.result_neutral = true;
  OptionSpec rename;
  rename.name = "rename";
  rename.form = Accepts::text_list;
  rename.doc = "Other names for columns, as COLUMN=NAME: [\"x=X_IMAGE\", \"y=Y_IMAGE\"].";
  rename.result_neutral = true;
  return {columns, rename};
}

StarRows::StarRows(const StarColumns& columns,
                   const FrameInfo& info,
                   const StarTable& stars,
                   Coords coords,
                   PixelOrigin origin,
                   const StarTracks& tracks)
    : columns_(columns), info_(info), stars_(stars) {
  if (!stars.consistent() || !(tracks.empty() || tracks.fits(stars.size())))
    throw std::invalid_argument("a star table came with columns of different lengths");
  const Axis x = axis(coords, origin, info.binning_x, info.roi_x), y = axis(coords, origin, info.binning_y, info.roi_y);
  std::size_t n = 0;
  const auto add = [&](Kind kind, const void* data) { fields_.at(n++) = {kind, data}; };
  for_each_column(stars, [&]<class Cell>(auto, auto, auto, const std::vector<Cell>& column) {
    constexpr Kind kind = std::is_same_v<Cell, double>         ? Kind::real
                          : std::is_same_v<Cell, Method>       ? Kind::method
                          : std::is_same_v<Cell, Termination>  ? Kind::termination
                          : std::is_same_v<Cell, Flags>        ? Kind::flags
                          : std::is_same_v<Cell, std::int64_t> ? Kind::integer64
                                                               : Kind::integer32;
    add(kind, column.data());
    Field& field = fields_[n - 1];
    const void* which = &column;
    if (which == &stars.x) field = {kind, column.data(), x.scale, x.shift};
    if (which == &stars.y) field = {kind, column.data(), y.scale, y.shift};
    if (which == &stars.x_err) field.scale = x.scale;
    if (which == &stars.y_err) field.scale = y.scale;
    if (which == &stars.xy_cov) field.scale = x.scale * y.scale;
  });
  add(Kind::flag_names, stars.flags.data());
  add(Kind::source, nullptr);
  zip_track_columns(
      [&]<class Cell>(auto, auto, auto, const std::vector<Cell>& column) {
        if (tracks.empty()) return add(Kind::none, nullptr);
        add(std::is_same_v<Cell, double> ? Kind::real : Kind::track, column.data());
        const void* which = &column;
        if (which == &tracks.x_ref || which == &tracks.y_ref) fields_[n - 1].shift = origin_offset_px(origin);
      },
      tracks);
}

TableCell StarRows::cell(std::size_t row, std::size_t k) const {
  const Field& f = fields_[columns_.field(k)];
  const auto at = [&]<class T>(std::type_identity<T>) { return static_cast<const T*>(f.data)[row]; };
  switch (f.kind) {
    case Kind::integer64: return at(std::type_identity<std::int64_t>());
    case Kind::integer32: return std::int64_t{at(std::type_identity<std::int32_t>())};
    case Kind::real: {
      const double value = at(std::type_identity<double>());
      return f.scale == 1 && f.shift == 0 ? value : value * f.scale + f.shift;  // -0 stays what it is
    }
    case Kind::method: return name_of(at(std::type_identity<Method>()), stars_);
    case Kind::termination: return kTerminationNames[static_cast<std::size_t>(at(std::type_identity<Termination>()))];
    case Kind::flags: return std::int64_t{at(std::type_identity<Flags>())};
    case Kind::flag_names: return FlagList{at(std::type_identity<Flags>())};
    case Kind::track: {
      const auto id = at(std::type_identity<std::int64_t>());
      return id < 0 ? TableCell() : TableCell(id);
    }
    case Kind::none: return {};
    case Kind::source: break;
  }
  return std::string_view(info_.source);
}

}  // namespace starflow
