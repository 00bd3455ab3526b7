// SPDX-License-Identifier: MIT
#include <starflow/core/measure.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "annulus.hpp"
#include "measure_plan.hpp"
#include "measurer.hpp"
#include "star_row.hpp"

namespace starflow {
namespace {

constexpr double kTypicalFwhm = 3;  // px, where neither the caller nor the frame knows
constexpr std::size_t kStarsAtOnce = 32;

/// Brighter first; stars without a flux last; then by position, so that the order depends on nothing else.
bool before(const StarRow& a, const StarRow& b) {
  const bool known = !std::isnan(a.flux), other = !std::isnan(b.flux);
  if (known != other) return known;
  if (known && a.flux != b.flux) return a.flux > b.flux;
  if (a.y != b.y) return a.y < b.y;
  return a.x != b.x ? a.x < b.x : a.id < b.id;
}

}  // namespace

double used_fwhm_px(const Detections& detections, const MeasureOptions& options) noexcept {
  if (options.fwhm_px > 0) return options.fwhm_px;
  return detections.fwhm_px > 0 ? detections.fwhm_px : kTypicalFwhm;
}

MeasureWorkspace::MeasureWorkspace() : neighbours_(std::make_unique<NeighbourIndex>()) {}
MeasureWorkspace::~MeasureWorkspace() = default;
MeasureWorkspace::MeasureWorkspace(MeasureWorkspace&&) noexcept = default;
MeasureWorkspace& MeasureWorkspace::operator=(MeasureWorkspace&&) noexcept = default;

void measure(const FrameView& frame,
             const Background& background,
             const Detector& detector,
             const Detections& detections,
             const MeasureOptions& options,
             ParallelFor parallel,
             MeasureWorkspace& workspace,
             StarTable& stars) {
  const std::size_t n = detections.size();
  workspace.rows_.resize(n);
  workspace.order_.resize(n);
  const MeasurePlan plan(detections, detector, options);
  if (plan.needs_ring) workspace.neighbours_->build(detections.x, detections.y);
  const MeasureJob job{frame, background, detector, detections, plan, *workspace.neighbours_};
  parallel(n, kStarsAtOnce,
           [&](std::size_t begin, std::size_t end) { Measurer(job).run(begin, end, workspace.rows_); });
  std::iota(workspace.order_.begin(), workspace.order_.end(), 0U);
  std::ranges::sort(workspace.order_,
                    [&](std::uint32_t a, std::uint32_t b) { return before(workspace.rows_[a], workspace.rows_[b]); });
  stars.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    StarRow& row = workspace.rows_[workspace.order_[k]];
    if ((row.flags & flag::forced_position) == 0) row.id = static_cast<std::int64_t>(k);
    zip_columns([k](auto, auto, auto, auto& column, auto& value) { column[k] = value; }, stars, row);
  }
}

}  // namespace starflow
