// SPDX-License-Identifier: MIT
#include <starflow/core/measure.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "annulus.hpp"
#include "blends.hpp"
#include "measure_plan.hpp"
#include "measurer.hpp"
#include "narrow_light.hpp"
#include "star_row.hpp"
#include "units.hpp"
#include "usual_width.hpp"

namespace starflow {
namespace {

constexpr double kTypicalFwhm = 3;  // px, where neither the caller nor the frame knows
constexpr std::size_t kStarsAtOnce = 32, kGroupsAtOnce = 8;
constexpr std::size_t kAhead = 4;           // rows
constexpr std::size_t kSampledRows = 4096;  // for the frame's usual width

/// Asks for a row that is read soon.
void fetch(const StarRow& row) {
  constexpr std::size_t kCacheLine = 64;
  const auto* first = reinterpret_cast<const std::byte*>(&row);
  for (std::size_t at = 0; at < sizeof(StarRow); at += kCacheLine) __builtin_prefetch(first + at);
}

/// Fits the groups, those that touch others twice so that these are taken out as they are, then measures every star
/// that has neighbours again without them.
void separate(const MeasureJob& job, ParallelFor parallel, std::span<StarRow> rows) {
  Blends& blends = *job.blends;
  for (const bool again : {false, true}) {
    parallel(blends.groups.size(), kGroupsAtOnce,
             [&](std::size_t begin, std::size_t end) { Measurer(job).run_groups(begin, end, again); });
    blends.publish(job.plan);
  }
  blends.list_crowded();
  parallel(blends.crowded.size(), kStarsAtOnce,
           [&](std::size_t begin, std::size_t end) { Measurer(job).run_again(begin, end, rows); });
}

/// By position, so that the order of stars alike in flux depends on nothing else.
bool before(const StarRow& a, const StarRow& b) {
  if (a.y != b.y) return a.y < b.y;
  return a.x != b.x ? a.x < b.x : a.id < b.id;
}

/// A star that tells its shape: bright, alone, and nothing is the matter with it.
bool tells_shape(const StarRow& row, double snr) {
  constexpr Flags kHarmless = flag::forced_position | flag::cfa_fit;
  return (row.flags & ~kHarmless) == 0 && row.termination == Termination::converged && row.snr >= snr &&
         std::isfinite(row.fwhm) && std::isfinite(row.ellipticity);
}

ShapeSample shape_of(const StarRow& row) {
  constexpr double kOwnScatter = 0.01;  // of a width: what no polynomial explains
  const double stretch = -std::log1p(-row.ellipticity);
  const double angle = std::isfinite(row.theta) ? 2 * row.theta / kDegreesPerRadian : 0.0;
  const double error = 1 / row.snr;
  return {row.x,
          row.y,
          {std::log(row.fwhm), stretch * std::cos(angle), stretch * std::sin(angle),
           std::isfinite(row.beta) ? row.beta : 0.0},
          1 / (error * error + kOwnScatter * kOwnScatter)};
}

bool alone(const NeighbourIndex& stars, const Detections& d, std::size_t star, double radius) {
  const double x = d.x[star], y = d.y[star];
  for (const NeighbourIndex::Entry& e : stars.rows(y - radius, y + radius)) {
    if (e.star != star && std::hypot(e.x - x, e.y - y) < radius) return false;
  }
  return true;
}

/// Measures the stars that do not tell their shape well once more, with that of the field.
void give_field_shape(const MeasureJob& job,
                      std::vector<StarRow>& rows,
                      NeighbourIndex& index,
                      std::vector<ShapeSample>& samples,
                      std::vector<std::uint8_t>& again,
                      FieldShape& field,
                      ParallelFor parallel) {
  constexpr double kSnr = 30, kApart = 3;  // FWHM
  constexpr Flags kNoStars = flag::extended | flag::hot_pixel | flag::cosmic_ray;
  const Detections& d = job.detections;
  index.build(d.x, d.y);
  samples.clear();
  again.assign(rows.size(), 0);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const StarRow& row = rows[k];
    if (tells_shape(row, kSnr) && alone(index, d, k, kApart * job.plan.fwhm_px)) {
      samples.push_back(shape_of(row));
    } else {
      again[k] = (row.flags & kNoStars) == 0 ? 1 : 0;
    }
  }
  field.fit(samples, job.frame.width, job.frame.height);
  if (!field.usable()) return;
  const MeasurePlan plan = job.plan.with_lane_shapes();
  const MeasureJob held{job.frame, job.background, job.detector, d, plan, job.neighbours, job.blends, &field, again};
  parallel(rows.size(), kStarsAtOnce,
           [&](std::size_t begin, std::size_t end) { Measurer(held).run(begin, end, rows); });
}

}  // namespace

/// What rows are ordered by first, apart from them: a sort that reads whole rows waits for them. No row holds an
/// infinite flux.
struct StarRank {
  double flux;  // -infinity = not known
  std::uint32_t row;
};

double known_fwhm_px(const Detections& detections, const MeasureOptions& options) noexcept {
  return options.fwhm_px > 0 ? options.fwhm_px : detections.fwhm_px;
}

double used_fwhm_px(const Detections& detections, const MeasureOptions& options) noexcept {
  const double known = known_fwhm_px(detections, options);
  return known > 0 ? known : kTypicalFwhm;
}

MeasureWorkspace::MeasureWorkspace()
    : neighbours_(std::make_unique<NeighbourIndex>()), blends_(std::make_unique<Blends>()) {}
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
  const MeasurePlan plan(detections, detector, options, frame.mosaic);
  if (plan.needs_ring) workspace.neighbours_->build(detections.x, detections.y);
  Blends* blends = plan.neighbours == Neighbours::ignore ? nullptr : workspace.blends_.get();
  if (blends != nullptr) blends->build(detections, plan, frame.width, frame.height);
  const MeasureJob job{frame, background, detector, detections, plan, *workspace.neighbours_, blends, nullptr, {}};
  parallel(n, kStarsAtOnce,
           [&](std::size_t begin, std::size_t end) { Measurer(job).run(begin, end, workspace.rows_); });
  if (plan.neighbours == Neighbours::group) separate(job, parallel, workspace.rows_);
  workspace.field_ = {};
  if (plan.fits && options.held.by_field) {
    give_field_shape(job, workspace.rows_, *workspace.neighbours_, workspace.samples_, workspace.again_,
                     workspace.field_, parallel);
  }
  for (std::size_t k = 0; k < n; ++k) {
    const double flux = workspace.rows_[k].flux;
    workspace.order_[k] = {std::isnan(flux) ? -std::numeric_limits<double>::infinity() : flux,
                           static_cast<std::uint32_t>(k)};
  }
  std::ranges::sort(workspace.order_, [&](const StarRank& a, const StarRank& b) {
    return a.flux != b.flux ? a.flux > b.flux : before(workspace.rows_[a.row], workspace.rows_[b.row]);
  });
  UsualWidth width;
  for (std::size_t k = 0; k < std::min(n, kSampledRows); ++k) {
    if (!width.offer(workspace.rows_[workspace.order_[k].row])) break;
  }
  width.settle();
  const double fwhm_px = known_fwhm_px(detections, options);
  stars.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    StarRow& row = workspace.rows_[workspace.order_[k].row];
    if (k + kAhead < n) fetch(workspace.rows_[workspace.order_[k + kAhead].row]);
    row.flags |= width.judge(row) | judge_narrow(row, fwhm_px);
    if ((row.flags & flag::forced_position) == 0) row.id = static_cast<std::int64_t>(k);
    zip_columns([k](auto, auto, auto, auto& column, auto& value) { column[k] = value; }, stars, row);
  }
}

}  // namespace starflow
