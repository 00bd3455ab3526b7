// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// One line of results as the report reads it: what it needs of a record, and nothing that a damaged or hostile line
/// could grow without bound.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::report {

/// Numbers of any record, by their names there.
enum class Field : std::uint8_t {
  frame_id,
  id,
  n_stars,
  background,
  noise,
  fwhm,
  width,
  height,
  roi_x,
  roi_y,
  binning_x,
  binning_y,
  exposure_s,
  x,
  y,
  x_err,
  y_err,
  snr,
  snr_true,
  ellipticity,
  theta,
  flags,
  dx,
  dy,
  frames,
  stars
};
inline constexpr std::array<std::string_view, 26> kFieldNames = {
    "frame_id", "id",          "n_stars",   "background", "noise", "fwhm", "width",  "height", "roi_x",
    "roi_y",    "binning_x",   "binning_y", "exposure_s", "x",     "y",    "x_err",  "y_err",  "snr",
    "snr_true", "ellipticity", "theta",     "flags",      "dx",    "dy",   "frames", "stars"};

enum class Text : std::uint8_t { type, source, outcome, t_mid, unit, coords, config_hash, version, reason };
inline constexpr std::array<std::string_view, 9> kTextNames = {"type",   "source",      "outcome", "t_mid", "unit",
                                                               "coords", "config_hash", "version", "reason"};

struct NodeFailure {
  std::string node, code, text;
};

struct Record {
  std::array<double, kFieldNames.size()> numbers{};    ///< NaN = not there, null, or no number
  std::array<std::string, kTextNames.size()> texts{};  ///< empty likewise; long ones are cut
  std::vector<NodeFailure> errors;
  std::map<std::string, double, std::less<>> rejected;  ///< counts by reason
  bool complete = false;

  [[nodiscard]] double operator[](Field f) const noexcept { return numbers[static_cast<std::size_t>(f)]; }
  [[nodiscard]] const std::string& operator[](Text t) const noexcept { return texts[static_cast<std::size_t>(t)]; }
};

/// Reads a line into \p record, whose memory is used again.
/// \return false where it is no JSON object. Members of other names and types are passed over.
[[nodiscard]] bool parse_record(std::string_view line, Record& record);

}  // namespace starflow::report
