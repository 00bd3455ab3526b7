// SPDX-License-Identifier: MIT
#include <starflow/sdk/stages.hpp>

#include "object_pixels.hpp"
#include "workspace_pool.hpp"

#include <starflow/core/background.hpp>
#include <starflow/core/detect.hpp>
#include <starflow/core/flags.hpp>
#include <starflow/sdk/node.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace starflow {
namespace {

StarList without_stars(const StarList& in) {
  return {in.frame,
          in.background_adu,
          in.noise_adu,
          in.background_reliable,
          in.fwhm_px,
          in.fwhm_guessed,
          in.field_shape,
          in.rejected,
          {},
          in.listed,
          {},
          in.registration};
}

/// Adds the rows that go to those that an earlier node listed.
void list(const StarTable& stars,
          const std::vector<std::uint32_t>& go,
          const std::vector<std::string_view>& reasons,
          RejectedStars& listed) {
  append_rows(stars, go, listed.stars);
  for (const std::uint32_t row : go) {
    const std::size_t at = listed.reasons.size();
    listed.reasons.emplace_back(reasons[row]);
    if (reasons[row] == reason::duplicate) listed.stars.flags[at] |= flag::duplicate;
  }
}

/// \throws FrameError where the noise can't be computed.
void require_gain(const Frame& frame, const MeasureOptions& options) {
  if (options.noise != NoiseFrom::model || frame.view().variance || frame.info().detector().gain_e_per_adu > 0) return;
  throw FrameError("centroid.no_gain",
                   "has no gain, which \"noise\": \"model\" needs: set \"gain\" of the node that reads the files "
                   "(parameters.gain of batch.json, or a camera preset), or \"noise\" to \"map\" or \"annulus\"");
}

}  // namespace

void StarTracks::resize(std::size_t n) {
  track_id.resize(n, -1);
  for (auto* column : {&x_ref, &y_ref, &x_residual, &y_residual})
    column->resize(n, std::numeric_limits<double>::quiet_NaN());
}

bool StarTracks::fits(std::size_t n) const noexcept {
  bool same = true;
  zip_track_columns([&](auto, auto, auto, const auto& column) { same = same && column.size() == n; }, *this);
  return same;
}

struct DetectStage::Memory {
  WorkspacePool<DetectWorkspace> workspaces;
};

DetectStage::DetectStage(BackgroundOptions background, DetectOptions options, int sky_passes)
    : background_(background), options_(options), sky_passes_(sky_passes), memory_(std::make_unique<Memory>()) {}
DetectStage::~DetectStage() = default;
DetectStage::DetectStage(DetectStage&&) noexcept = default;
DetectStage& DetectStage::operator=(DetectStage&&) noexcept = default;

DetectionList DetectStage::operator()(const Frame& frame, ParallelFor parallel) const {
  const FrameView view = frame.view();
  DetectionList out;
  out.frame = frame.share_info();
  out.background = std::make_shared<const Background>(estimate_background(view, background_, parallel));
  const Detector detector = frame.info().detector();
  const auto workspace = memory_->workspaces.borrow();
  out.detections = detect(view, *out.background, detector, options_, parallel, *workspace);
  for (int pass = 1; pass < sky_passes_; ++pass) {
    const std::vector<PixelRun> objects = object_pixels(out.detections, *out.background);
    if (objects.empty()) break;
    out.background = std::make_shared<const Background>(estimate_background(view, background_, parallel, objects));
    out.detections = detect(view, *out.background, detector, options_, parallel, *workspace);
  }
  const Detections& d = out.detections;
  for (const auto& [reason, n] : {std::pair("too_few_pixels", d.rejected_small), std::pair("hot_pixel", d.rejected_hot),
                                  std::pair("cosmic_ray", d.rejected_cosmic), std::pair("trailed", d.rejected_trail),
                                  std::pair("low_snr", d.rejected_faint)}) {
    if (n > 0) out.rejected[reason] = n;
  }
  return out;
}

struct CentroidStage::Memory {
  WorkspacePool<MeasureWorkspace> workspaces;
};

CentroidStage::CentroidStage(const MeasureOptions& options, std::string plugin_method)
    : options_(options), plugin_method_(std::move(plugin_method)), memory_(std::make_unique<Memory>()) {}
CentroidStage::~CentroidStage() = default;
CentroidStage::CentroidStage(CentroidStage&&) noexcept = default;
CentroidStage& CentroidStage::operator=(CentroidStage&&) noexcept = default;

StarList CentroidStage::operator()(const Frame& frame, const DetectionList& found, ParallelFor parallel) const {
  require_gain(frame, options_);
  StarList out;
  out.frame = frame.share_info();
  out.background_adu = found.background->median_level();
  out.noise_adu = found.background->median_noise();
  out.background_reliable = found.background->reliable();
  out.fwhm_px = used_fwhm_px(found.detections, options_);
  out.fwhm_guessed = !(known_fwhm_px(found.detections, options_) > 0);
  out.rejected = found.rejected;
  const auto workspace = memory_->workspaces.borrow();
  measure(frame.view(), *found.background, frame.info().detector(), found.detections, options_, parallel, *workspace,
          out.stars);
  out.field_shape = workspace->field_shape();
  out.stars.plugin_method = plugin_method_;
  return out;
}

std::shared_ptr<const StarList> FilterStage::operator()(std::shared_ptr<const StarList> stars) const {
  const StarList& in = *stars;
  if (!in.stars.consistent()) throw std::invalid_argument("a star table came with columns of different lengths");
  const FilterFrame frame{in.frame->width, in.frame->height, in.fwhm_px, in.fwhm_guessed};
  const std::vector<std::string_view> reasons = filter_stars(in.stars, rules_, frame);
  std::vector<std::uint32_t> stay, go;
  for (std::uint32_t row = 0; row < reasons.size(); ++row) (reasons[row].empty() ? stay : go).push_back(row);
  if (go.empty()) return stars;
  StarList out = without_stars(in);
  append_rows(in.stars, stay, out.stars);
  if (!in.tracks.empty()) {
    zip_track_columns(
        [&stay](auto, auto, auto, const auto& from, auto& to) {
          for (const std::uint32_t row : stay) to.push_back(from[row]);
        },
        in.tracks, out.tracks);
  }
  for (const std::uint32_t row : go) ++out.rejected[std::string(reasons[row])];
  if (list_) list(in.stars, go, reasons, out.listed);
  return std::make_shared<const StarList>(std::move(out));
}

}  // namespace starflow
