// SPDX-License-Identifier: MIT
#include "frame_columns.hpp"

#include "median_fwhm.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <limits>

namespace starflow {
namespace {

std::string in_one_line(std::span<const NodeError> errors) {
  std::string out;
  for (const NodeError& e : errors) out += fmt::format("{}{}: {}: {}", out.empty() ? "" : "; ", e.node, e.code, e.text);
  return out;
}

std::string counts_of(const StarList& stars) {
  std::string out;
  for (const auto& [reason, count] : stars.rejected)
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", reason, count);
  return out;
}

TableCell text_or_null(const std::string& text) {
  return text.empty() ? TableCell() : TableCell(std::string_view(text));
}

}  // namespace

const std::vector<TableColumn>& frame_columns() {
  using enum CellType;
  static const std::vector<TableColumn> columns = {
      {"frame_id", "", "number of the frame in its run", integer},
      {"source", "", "file that the frame came from", text},
      {"outcome", "", "ok, partial, failed, ...", text},
      {"errors", "", "why it failed, as NODE: CODE: TEXT; ...", text},
      {"n_stars", "", "stars in the table; null = not measured", integer},
      {"rejected", "", "stars and candidates left out, as REASON=COUNT ...", text},
      {"background", "ADU", "median background of a pixel", real},
      {"noise", "ADU", "median noise of a pixel, 1 sigma", real},
      {"background_reliable", "", "1 = background and noise were measured", integer},
      {"fwhm", "px", "median of the stars", real},
      {"fwhm_used", "px", "that stamps and windows went by", real},
      {"width", "px", "of the frame", integer},
      {"height", "px", "of the frame", integer},
      {"gain", "e-/ADU", "of the sensor", real},
      {"read_noise", "e-", "of the sensor, 1 sigma", real},
      {"saturation", "ADU", "from this level on a pixel counts as saturated", real},
      {"exposure_s", "s", "exposure time", real},
      {"t_mid", "", "middle of the exposure, ISO 8601, UTC", text},
      {"roi_x", "px", "the sensor's pixel that the first one of the frame is", integer},
      {"roi_y", "px", "the same downwards", integer},
      {"binning_x", "", "sensor pixels in one of the frame", integer},
      {"binning_y", "", "the same downwards", integer},
      {"channel", "", "colour or filter", text},
      {"plane", "", "of a cube, from 0", integer},
      {"config_hash", "", "of the configuration that it was measured with", text},
  };
  return columns;
}

FrameRow::FrameRow(const FrameInfo& info,
                   const StarList* stars,
                   Outcome outcome,
                   std::span<const NodeError> errors,
                   const RunIdentity& run)
    : errors_(in_one_line(errors)),
      rejected_(stars != nullptr ? counts_of(*stars) : std::string()),
      config_hash_(run.config_hash) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const auto whole = [](auto value) { return TableCell(static_cast<std::int64_t>(value)); };
  const auto measured = [&](auto value) { return stars != nullptr ? whole(value()) : TableCell(); };
  cells_ = {
      whole(info.frame_id),
      std::string_view(info.source),
      kOutcomeNames[static_cast<std::size_t>(outcome)],
      text_or_null(errors_),
      measured([&] { return stars->stars.size(); }),
      text_or_null(rejected_),
      stars != nullptr ? stars->background_adu : kNone,
      stars != nullptr ? stars->noise_adu : kNone,
      measured([&] { return stars->background_reliable ? 1 : 0; }),
      stars != nullptr ? median_fwhm(stars->stars) : kNone,
      stars != nullptr && stars->fwhm_px > 0 ? stars->fwhm_px : kNone,
      whole(info.width),
      whole(info.height),
      info.gain.value,
      info.read_noise.value,
      info.saturation.value,
      info.exposure_s,
      text_or_null(info.t_mid),
      whole(info.roi_x),
      whole(info.roi_y),
      whole(info.binning_x),
      whole(info.binning_y),
      text_or_null(info.channel),
      info.plane < 0 ? TableCell() : whole(info.plane),
      text_or_null(config_hash_),
  };
}

}  // namespace starflow
