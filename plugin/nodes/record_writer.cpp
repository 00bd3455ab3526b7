// SPDX-License-Identifier: MIT
#include "record_writer.hpp"

#include "json_text.hpp"
#include "median_fwhm.hpp"

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

void append(std::string& out, std::monostate) { out += "null"; }

void append(std::string& out, FlagList list) {
  const Flags flags = list.bits;
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

void append_registration(std::string& out, const FrameRegistration& r) {
  append_key(out, "registration");
  out += '{';
  append_text_or_null(out, "reference", r.reference);
  append_member(out, "stars", r.stars);
  append_member(out, "rms", r.done ? r.rms_px : std::numeric_limits<double>::quiet_NaN());
  append_key(out, "to_reference");
  if (!r.done) {
    out += "null}";
    return;
  }
  out += '[';
  for (const double c : r.to_reference) {
    if (out.back() != '[') out += ',';
    append(out, c);
  }
  out += "]}";
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
  if (stars != nullptr && stars->registration) append_registration(out, *stars->registration);
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

/// The rest of the records of a table of stars, after what each begins with.
class StarLines {
 public:
  StarLines(const FrameInfo& info, const StarTable& stars, const RecordStyle& style, const StarTracks& tracks)
      : columns_(style.columns),
        tracks_(StarColumns::of_tracks()),
        has_tracks_(!tracks.empty() && !style.columns.is_chosen()),
        rows_(columns_, info, stars, style.coords, style.origin, tracks),
        track_rows_(tracks_, info, stars, style.coords, style.origin, tracks) {}

  void append(std::string& out, std::size_t row) const {
    append_cells(out, columns_, rows_, row);
    if (has_tracks_) append_cells(out, tracks_, track_rows_, row);
    out += "}\n";
  }

 private:
  static void append_cells(std::string& out, const StarColumns& columns, const StarRows& rows, std::size_t row) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      append_key(out, columns[k].name);
      std::visit([&](const auto& value) { starflow::append(out, value); }, rows.cell(row, k));
    }
  }

  const StarColumns& columns_;
  const StarColumns& tracks_;
  bool has_tracks_;
  StarRows rows_, track_rows_;
};

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

void append_star_records(std::string& out,
                         const FrameInfo& info,
                         const StarTable& stars,
                         const RecordStyle& style,
                         const StarTracks& tracks) {
  const StarLines lines(info, stars, style, tracks);
  for (std::size_t row = 0; row < stars.size(); ++row) {
    out += R"({"type":"star")";
    append_member(out, "frame_id", info.frame_id);
    lines.append(out, row);
  }
}

void append_rejected_records(std::string& out,
                             const FrameInfo& info,
                             const RejectedStars& listed,
                             const RecordStyle& style) {
  const StarLines lines(info, listed.stars, style, {});
  if (listed.reasons.size() != listed.stars.size())
    throw std::invalid_argument("a table of rejected stars came with another number of reasons");
  for (std::size_t row = 0; row < listed.stars.size(); ++row) {
    out += R"({"type":"rejected")";
    append_member(out, "frame_id", info.frame_id);
    append_member(out, "reason", std::string_view(listed.reasons[row]));
    lines.append(out, row);
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
