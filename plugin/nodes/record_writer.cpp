// SPDX-License-Identifier: MIT
#include "record_writer.hpp"

#include "json_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

namespace starflow {
namespace {

using json::append;
using json::append_key;
using json::append_member;
using json::append_text_or_null;

void append(std::string& out, Termination why) { json::append(out, kTerminationNames[static_cast<std::size_t>(why)]); }

void append_flag_names(std::string& out, Flags flags) {
  append_key(out, "flag_names");
  out += '[';
  bool first = true;
  for (std::size_t bit = 0; bit < kFlagNames.size(); ++bit) {
    if ((flags >> bit & 1U) == 0) continue;
    if (!first) out += ',';
    first = false;
    json::append(out, kFlagNames[bit]);
  }
  out += ']';
}

void append_stated(std::string& out, std::string_view name, const Stated& stated) {
  append_member(out, name, stated.value);
  append_key(out, std::string(name) + "_origin");
  if (std::isfinite(stated.value)) {
    json::append(out, kOriginNames[static_cast<std::size_t>(stated.origin)]);
  } else {
    json::append(out, kOriginNames[static_cast<std::size_t>(Origin::assumed)]);
  }
}

double median_of(std::vector<double>& v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  if (v.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(v.begin(), middle));
}

/// Median FWHM of the stars without a flag; where there are none, of those whose flags don't say that the width is
/// another thing than one whole star's. Being asked for by position, or on a mosaic, is no fault.
double median_fwhm(const StarTable& stars) {
  constexpr Flags kNoFault = flag::forced_position | flag::cfa_fit;
  constexpr Flags kSpoilt = flag::saturated | flag::bad_pixel_center | flag::edge | flag::no_convergence |
                            flag::at_bound | flag::fallback_method | flag::too_few_pixels | flag::moved_from_seed |
                            flag::cosmic_ray | flag::hot_pixel | flag::trailed | flag::extended | flag::low_snr |
                            flag::duplicate;
  std::vector<double> good;
  for (const Flags bad : {~kNoFault, kSpoilt}) {
    for (std::size_t i = 0; i < stars.size(); ++i) {
      if ((stars.flags[i] & bad) == 0 && std::isfinite(stars.fwhm[i])) good.push_back(stars.fwhm[i]);
    }
    if (!good.empty()) return median_of(good);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

void append_errors(std::string& out, std::span<const NodeError> errors) {
  append_key(out, "errors");
  out += '[';
  for (const NodeError& e : errors) {
    if (&e != errors.data()) out += ',';
    out += '{';
    append_member(out, "node", std::string_view(e.node));
    append_member(out, "code", std::string_view(e.code));
    append_member(out, "text", std::string_view(e.text));
    out += '}';
  }
  out += ']';
}

void append_field_shape(std::string& out, const FieldShape& shape) {
  constexpr std::array<std::string_view, FieldShape::kQuantities> kNames = {"ln_fwhm", "e1", "e2", "beta"};
  out += '{';
  append_member(out, "stars", shape.stars());
  append_member(out, "order", shape.order());
  for (std::size_t q = 0; q < kNames.size(); ++q) {
    append_key(out, kNames[q]);
    out += '[';
    for (const double c : shape.coefficients(static_cast<FieldShape::Quantity>(q))) {
      if (out.back() != '[') out += ',';
      append(out, c);
    }
    out += ']';
  }
  out += '}';
}

void append_stars_summary(std::string& out, const StarList* stars) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  append_key(out, "n_stars");
  if (stars == nullptr) {
    out += "null";
  } else {
    append(out, stars->stars.size());
  }
  append_key(out, "rejected");
  out += '{';
  if (stars != nullptr) {
    for (const auto& [reason, count] : stars->rejected) {
      if (out.back() != '{') out += ',';
      json::append(out, std::string_view(reason));
      out += ':';
      append(out, count);
    }
  }
  out += '}';
  append_member(out, "background", stars != nullptr ? stars->background_adu : nan);
  append_member(out, "noise", stars != nullptr ? stars->noise_adu : nan);
  append_key(out, "background_reliable");
  out += stars == nullptr ? "null" : stars->background_reliable ? "true" : "false";
  append_member(out, "fwhm", stars != nullptr ? median_fwhm(stars->stars) : nan);
  append_member(out, "fwhm_used", stars != nullptr && stars->fwhm_px > 0 ? stars->fwhm_px : nan);
  append_key(out, "field_shape");
  stars != nullptr && stars->field_shape.usable() ? append_field_shape(out, stars->field_shape) : void(out += "null");
}

void append_identity(std::string& out, const RunIdentity& run) {
  append_text_or_null(out, "config_hash", run.config_hash);
  append_text_or_null(out, "version", run.version);
}

void append_info(std::string& out, const FrameInfo& info) {
  append_member(out, "width", info.width);
  append_member(out, "height", info.height);
  append_member(out, "unit", std::string_view(info.unit));
  append_stated(out, "gain", info.gain);
  append_stated(out, "read_noise", info.read_noise);
  append_stated(out, "saturation", info.saturation);
  append_member(out, "exposure_s", info.exposure_s);
  append_text_or_null(out, "t_mid", info.t_mid);
  append_member(out, "roi_x", info.roi_x);
  append_member(out, "roi_y", info.roi_y);
  append_member(out, "binning_x", info.binning_x);
  append_member(out, "binning_y", info.binning_y);
  append_text_or_null(out, "channel", info.channel);
  append_key(out, "plane");
  if (info.plane < 0) {
    out += "null";
  } else {
    append(out, info.plane);
  }
  append_text_or_null(out, "mosaic", info.mosaic);
  append_key(out, "notes");
  out += '[';
  for (const std::string& note : info.notes) {
    if (out.back() != '[') out += ',';
    json::append(out, std::string_view(note));
  }
  out += ']';
}

/// From a position of the frame to the one that is written: scale, then shift.
struct Axis {
  double scale = 1, shift = 0;
};

Axis axis(const RecordStyle& style, int binning, int roi) {
  Axis a{1, origin_offset_px(style.origin)};
  if (style.coords == Coords::frame) return a;
  // The first pixel of a binned frame covers the sensor's pixels 0..binning-1, centred at (binning - 1) / 2.
  a.scale = binning;
  a.shift += 0.5 * (binning - 1) + roi;
  return a;
}

class StarLine {
 public:
  StarLine(const FrameInfo& info, const StarTable& stars, const RecordStyle& style)
      : stars_(stars), x_(axis(style, info.binning_x, info.roi_x)), y_(axis(style, info.binning_y, info.roi_y)) {}

  template <class Cell>
  [[nodiscard]] Cell cell(const std::vector<Cell>& column, std::size_t row) const {
    const Cell value = column[row];
    if constexpr (std::is_same_v<Cell, double>) {
      if (&column == &stars_.x) return value * x_.scale + x_.shift;
      if (&column == &stars_.y) return value * y_.scale + y_.shift;
      if (&column == &stars_.x_err) return value * x_.scale;
      if (&column == &stars_.y_err) return value * y_.scale;
      if (&column == &stars_.xy_cov) return value * x_.scale * y_.scale;
    }
    return value;
  }

 private:
  const StarTable& stars_;
  Axis x_, y_;
};

std::string_view name_of(Method method, const StarTable& stars) {
  return method == Method::plugin ? std::string_view(stars.plugin_method)
                                  : kMethodNames[static_cast<std::size_t>(method)];
}

/// The columns of one star, and the end of its line.
void append_columns(std::string& out, const StarTable& stars, const StarLine& line, std::size_t row) {
  for_each_column(stars, [&](std::string_view name, auto, auto, const auto& column) {
    append_key(out, name);
    if constexpr (std::is_same_v<decltype(column), const std::vector<Method>&>) {
      json::append(out, name_of(column[row], stars));
    } else {
      append(out, line.cell(column, row));
    }
  });
  append_flag_names(out, stars.flags[row]);
  out += "}\n";
}

void require_consistent(const StarTable& stars) {
  if (!stars.consistent()) throw std::invalid_argument("a star table came with columns of different lengths");
}

}  // namespace

void append_frame_record(std::string& out,
                         const FrameInfo& info,
                         const StarList* stars,
                         Outcome outcome,
                         std::span<const NodeError> errors,
                         const RecordStyle& style,
                         const RunIdentity& run) {
  out += R"({"type":"frame")";
  append_member(out, "frame_id", info.frame_id);
  append_member(out, "source", std::string_view(info.source));
  append_member(out, "outcome", kOutcomeNames[static_cast<std::size_t>(outcome)]);
  append_errors(out, errors);
  append_stars_summary(out, stars);
  append_info(out, info);
  append_member(out, "origin", kPixelOriginNames[static_cast<std::size_t>(style.origin)]);
  append_member(out, "coords", std::string_view(style.coords == Coords::frame ? "frame" : "sensor"));
  append_identity(out, run);
  out += "}\n";
}

void append_star_records(std::string& out, const FrameInfo& info, const StarTable& stars, const RecordStyle& style) {
  require_consistent(stars);
  const StarLine line(info, stars, style);
  for (std::size_t row = 0; row < stars.size(); ++row) {
    out += R"({"type":"star")";
    append_member(out, "frame_id", info.frame_id);
    append_columns(out, stars, line, row);
  }
}

void append_rejected_records(std::string& out,
                             const FrameInfo& info,
                             const RejectedStars& listed,
                             const RecordStyle& style) {
  require_consistent(listed.stars);
  if (listed.reasons.size() != listed.stars.size())
    throw std::invalid_argument("a table of rejected stars came with another number of reasons");
  const StarLine line(info, listed.stars, style);
  for (std::size_t row = 0; row < listed.stars.size(); ++row) {
    out += R"({"type":"rejected")";
    append_member(out, "frame_id", info.frame_id);
    append_member(out, "reason", std::string_view(listed.reasons[row]));
    append_columns(out, listed.stars, line, row);
  }
}

void append_run_record(std::string& out, const RunSummary& summary, std::uint64_t stars, const RunIdentity& run) {
  out += R"({"type":"run")";
  append_member(out, "frames", summary.frames);
  append_key(out, "outcomes");
  out += '{';
  for (std::size_t i = 0; i < std::size(kOutcomeNames); ++i) append_member(out, kOutcomeNames[i], summary.outcomes[i]);
  out += '}';
  append_member(out, "stars", stars);
  append_member(out, "complete", summary.complete);
  append_text_or_null(out, "reason", summary.reason);
  append_identity(out, run);
  out += "}\n";
}

}  // namespace starflow
