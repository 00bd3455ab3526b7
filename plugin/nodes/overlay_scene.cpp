// SPDX-License-Identifier: MIT
#include "overlay_scene.hpp"

#include "median_fwhm.hpp"
#include "reduced_frame.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <stdexcept>

namespace starflow {
namespace {

constexpr double kUnknownFwhmPx = 3;  // of a star without a shape in a frame without one
constexpr int kSmallPx = 900;         // frames that are smaller are enlarged up to about this
constexpr int kMostZoom = 8;

/// Pixels of one axis of a frame on its sensor.
struct Axis {
  double binning = 1, roi = 0;
  [[nodiscard]] double to_sensor(double x) const { return x * binning + (binning - 1) / 2 + roi; }
  [[nodiscard]] double from_sensor(double x) const { return (x - roi - (binning - 1) / 2) / binning; }
};

Axis x_axis(const FrameInfo& info) { return {static_cast<double>(std::max(info.binning_x, 1)), 1.0 * info.roi_x}; }
Axis y_axis(const FrameInfo& info) { return {static_cast<double>(std::max(info.binning_y, 1)), 1.0 * info.roi_y}; }

/// The fonts that OpenCV draws with have no other characters.
std::string ascii(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U) continue;  // of a character that has its "?" already
    out += byte >= 0x20 && byte < 0x7F ? c : '?';
  }
  return out;
}

std::string title_of(const FrameInfo& info) {
  std::string name = std::filesystem::path(info.source).filename().string();
  if (name.empty()) name = info.source;
  const std::string plane = info.plane >= 0 ? fmt::format(", plane {}", info.plane) : "";
  return ascii(fmt::format("{}{}  #{}", name, plane, info.frame_id));
}

std::string facts_of(const FrameInfo& info, const StarList& list) {
  std::string text = fmt::format("{} star{}", list.stars.size(), list.stars.size() == 1 ? "" : "s");
  if (const double fwhm = median_fwhm(list.stars); std::isfinite(fwhm)) text += fmt::format("  FWHM {:.2f} px", fwhm);
  if (std::isfinite(list.background_adu)) text += fmt::format("  background {:.6g}", list.background_adu);
  if (std::isfinite(list.noise_adu)) text += fmt::format("  noise {:.4g} {}", list.noise_adu, info.unit);
  if (!info.t_mid.empty()) text += "  " + info.t_mid.substr(0, 19);
  return ascii(text);
}

/// \return \p value where it is a width, else \p otherwise
double width_or(double value, double otherwise) { return std::isfinite(value) && value > 0 ? value : otherwise; }

/// Of OpenCV 4.6, cv::compare() does not find a NaN unequal to itself.
cv::Mat holes_in(const cv::Mat& values) {
  cv::Mat holes(values.size(), CV_8UC1);
  std::transform(values.begin<float>(), values.end<float>(), holes.begin<std::uint8_t>(),
                 [](float v) -> std::uint8_t { return std::isnan(v) ? 255 : 0; });
  return holes;
}

}  // namespace

MarkKind mark_kind(Flags flags) noexcept {
  constexpr Flags kNoFault = flag::forced_position | flag::cfa_fit | flag::predicted;
  if ((flags & ~kNoFault) == 0) return MarkKind::clean;
  struct Rule {
    Flags any;
    MarkKind kind;
  };
  constexpr Rule kRules[] = {
      {flag::no_convergence | flag::too_few_pixels | flag::nonpositive_flux | flag::moved_from_seed |
           flag::nonfinite_input,
       MarkKind::failed},
      {flag::cosmic_ray | flag::hot_pixel | flag::trailed | flag::extended | flag::duplicate, MarkKind::artefact},
      {flag::saturated | flag::near_saturation | flag::nonlinear_range, MarkKind::saturated},
      {flag::edge | flag::bad_pixel | flag::bad_pixel_center, MarkKind::cut},
      {~(kNoFault | flag::blended | flag::group_fit | flag::neighbour_masked), MarkKind::doubtful}};
  for (const Rule& rule : kRules) {
    if ((flags & rule.any) != 0) return rule.kind;
  }
  return MarkKind::blended;
}

OverlayPicture overlay_picture(const Frame& frame, const StarList& list, const OverlayStyle& style) {
  const StarTable& stars = list.stars;
  if (!stars.consistent()) throw std::invalid_argument("a star table came with columns of different lengths");
  const FrameInfo& shown = frame.info();
  const FrameInfo& measured = list.frame != nullptr ? *list.frame : shown;

  OverlayPicture out;
  const ReducedFrame small =
      reduced(frame, style.longest_px, std::isfinite(list.background_adu) ? list.background_adu : 0);
  out.grey = stretched(small.values);
  out.holes = holes_in(small.values);
  out.frame_px = 1.0 / small.factor;
  out.zoom = std::clamp(std::min(kSmallPx, style.longest_px) / std::max(out.grey.cols, out.grey.rows), 1, kMostZoom);
  out.title = title_of(shown);
  out.facts = facts_of(shown, list);
  out.labels = style.labels;

  const Axis from_x = x_axis(measured), from_y = y_axis(measured), to_x = x_axis(shown), to_y = y_axis(shown);
  const double width_scale = from_x.binning / to_x.binning * out.frame_px;
  const double usual_fwhm = width_or(list.fwhm_px, kUnknownFwhmPx);
  const auto place = [&](const Axis& from, const Axis& to, double v) {
    return (to.from_sensor(from.to_sensor(v)) + 0.5) * out.frame_px - 0.5;
  };
  out.marks.reserve(stars.size());
  for (std::size_t i = 0; i < stars.size(); ++i) {
    if (!std::isfinite(stars.x[i]) || !std::isfinite(stars.y[i])) {
      ++out.unplaced;
      continue;
    }
    const double fwhm = width_or(stars.fwhm[i], usual_fwhm);
    out.marks.push_back({.x = place(from_x, to_x, stars.x[i]),
                         .y = place(from_y, to_y, stars.y[i]),
                         .fwhm_major = width_or(stars.fwhm_major[i], fwhm) * width_scale,
                         .fwhm_minor = width_or(stars.fwhm_minor[i], fwhm) * width_scale,
                         .theta_deg = std::isfinite(stars.theta[i]) ? stars.theta[i] : 0,
                         .kind = mark_kind(stars.flags[i]),
                         .id = stars.id[i]});
  }
  return out;
}

}  // namespace starflow
