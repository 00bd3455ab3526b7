// SPDX-License-Identifier: MIT
#include "fits_select.hpp"

#include <starflow/sdk/node.hpp>

#include <fitsio.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace starflow {
namespace {

fitsfile* cfitsio(const FitsFile& file) { return static_cast<fitsfile*>(file.handle()); }

std::optional<int> whole_number(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                                   : std::nullopt;
}

// "image 512x512", "no data", "table, 101 rows"
std::string describe_hdu(const FitsFile& file) {
  if (at_image(file)) {
    const FitsAxes axes = file.axes();
    return axes.has_data() ? "image " + axes.text() : "no data";
  }
  int status = 0;
  LONGLONG rows = 0;
  fits_get_num_rowsll(cfitsio(file), &rows, &status);
  return fmt::format("table, {} rows", rows);
}

FitsAxes select_first(const FitsFile& file) {
  bool tables = false;
  bool rows_only = false;
  for (int n = 1; n <= kMaxFitsHdus && file.move_to(n); ++n) {
    tables |= !at_image(file);
    const FitsAxes axes = file.axes();
    if (axes.has_data() && axes.count >= 2) return axes;
    rows_only |= axes.has_data();
  }
  if (rows_only) throw FrameError("fits.not_2d", "holds no image of two axes (" + list_hdus(file) + ")");
  if (tables) {
    throw FrameError("fits.no_image", "holds tables only (" + list_hdus(file) +
                                          "); a list of star positions goes to node detections.file");
  }
  throw FrameError("fits.no_image", "holds no image (" + list_hdus(file) + ")");
}

}  // namespace

bool at_image(const FitsFile& file) {
  int status = 0;
  int type = ANY_HDU;
  fits_get_hdu_type(cfitsio(file), &type, &status);
  return type == IMAGE_HDU;
}

std::string list_hdus(const FitsFile& file) {
  constexpr int kShown = 8;
  std::string out;
  int n = 1;
  for (; n <= kMaxFitsHdus && file.move_to(n); ++n) {
    if (n > kShown) continue;
    int status = 0;
    char name[FLEN_VALUE] = {};
    if (fits_read_key(cfitsio(file), TSTRING, "EXTNAME", name, nullptr, &status) != 0) name[0] = '\0';
    out += fmt::format("{}HDU {}{}: {}", n > 1 ? "; " : "", n - 1, name[0] != '\0' ? fmt::format(" '{}'", name) : "",
                       describe_hdu(file));
  }
  if (n - 1 > kShown) out += fmt::format("; ... {} in all", n - 1);
  fits_clear_errmsg();
  return out;
}

void select_hdu(const FitsFile& file, const std::string& hdu) {
  if (const auto number = whole_number(hdu)) {
    if (*number < 0 || *number >= kMaxFitsHdus || !file.move_to(*number + 1))
      throw FrameError("fits.no_hdu", "has no HDU " + hdu + " (" + list_hdus(file) + ")");
    return;
  }
  const auto comma = hdu.rfind(',');
  const auto version = comma == std::string::npos ? std::nullopt : whole_number(hdu.substr(comma + 1));
  std::string name = version ? hdu.substr(0, comma) : hdu;
  int status = 0;
  fits_movnam_hdu(cfitsio(file), ANY_HDU, name.data(), version.value_or(0), &status);
  fits_clear_errmsg();
  if (status != 0) throw FrameError("fits.no_hdu", "has no HDU named '" + hdu + "' (" + list_hdus(file) + ")");
}

FitsAxes select_image(const FitsFile& file, const std::string& hdu) {
  if (hdu.empty()) return select_first(file);
  select_hdu(file, hdu);
  const FitsAxes axes = file.axes();
  if (!axes.has_data()) throw FrameError("fits.no_image", "has no image in HDU " + hdu + " (" + list_hdus(file) + ")");
  if (axes.count < 2) throw FrameError("fits.not_2d", "has one axis only in HDU " + hdu + " (" + list_hdus(file) + ")");
  return axes;
}

}  // namespace starflow
