// SPDX-License-Identifier: MIT
#include <starflow/core/measure.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "annulus.hpp"
#include "blends.hpp"
#include "flat_top.hpp"
#include "measure_plan.hpp"
#include "measurer.hpp"
#include "narrow_light.hpp"
#include "star_row.hpp"
#include "units.hpp"
#include "usual_skew.hpp"
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

/// What the shape of a field is made from and given to; memory that is reused.
struct FieldMemory {
  NeighbourIndex& index;
  std::vector<ShapeSample>& samples;
  std::vector<std::uint8_t>& again;
  FieldShape& field;
};

constexpr double kApart = 3;                           // FWHM, between stars that tell a shape
constexpr double kTellingSnr = 30, kFaintestSnr = 15;  // of stars that tell the shape of many, and of few
constexpr Flags kNoStars = flag::extended | flag::hot_pixel | flag::cosmic_ray;

/// Takes the shapes of the good stars from \p snr on.
void sample_shapes(const MeasureJob& job, std::span<const StarRow> rows, double snr, FieldMemory& memory) {
  memory.samples.clear();
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (tells_shape(rows[k], snr) && alone(memory.index, job.detections, k, kApart * job.plan.fwhm_px))
      memory.samples.push_back(shape_of(rows[k]));
  }
  memory.field.fit(memory.samples, job.frame.width, job.frame.height);
}

/// Measures the stars of `again` once more, with the shape of the field.
void measure_held(const MeasureJob& job, FieldMemory& memory, std::span<StarRow> rows, ParallelFor parallel) {
  const MeasurePlan plan = job.plan.with_lane_shapes();
  const MeasureJob held{job.pixels, job.frame,      job.background, job.detector,  job.detections,
                        plan,       job.neighbours, job.blends,     &memory.field, memory.again};
  parallel(rows.size(), kStarsAtOnce,
           [&](std::size_t begin, std::size_t end) { Measurer(held).run(begin, end, rows); });
  if (plan.neighbours != Neighbours::group) return;
  parallel(job.blends->crowded.size(), kStarsAtOnce,
           [&](std::size_t begin, std::size_t end) { Measurer(held).run_again(begin, end, rows); });
}

/// Gives its shape to the stars that do not tell theirs well.
void give_field_shape(const MeasureJob& job, std::vector<StarRow>& rows, FieldMemory memory, ParallelFor parallel) {
  const Detections& d = job.detections;
  memory.index.build(d.x, d.y);
  sample_shapes(job, rows, kTellingSnr, memory);
  if (!memory.field.usable()) return;
  memory.again.assign(rows.size(), 0);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const bool tells = tells_shape(rows[k], kTellingSnr) && alone(memory.index, d, k, kApart * job.plan.fwhm_px);
    memory.again[k] = !tells && (rows[k].flags & kNoStars) == 0 ? 1 : 0;
  }
  measure_held(job, memory, rows, parallel);
}

/// Gives its shape to the faint lone stars. Widths of their own follow the noise, and lights that overlap: of two stars
/// that one Gaussian covers it lies in the middle, held to a star's width it stays with the brighter one. A row that is
/// known for a blend keeps its own: one width over two lights lies about both.
/// \param width  of the frame's stars; what is longer keeps its own shape
void give_faint_stars_field_shape(const MeasureJob& job,
                                  const UsualWidth& width,
                                  std::vector<StarRow>& rows,
                                  FieldMemory memory,
                                  ParallelFor parallel) {
  const Detections& d = job.detections;
  memory.index.build(d.x, d.y);
  sample_shapes(job, rows, kTellingSnr, memory);
  if (memory.field.stars() < FieldShape::kPlaneStars) sample_shapes(job, rows, kFaintestSnr, memory);
  if (!memory.field.usable()) return;
  memory.again.assign(rows.size(), 0);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const StarRow& row = rows[k];
    const bool faint = row.snr < kFaintestSnr && (row.flags & (kNoStars | flag::blended)) == 0 && width.judge(row) == 0;
    const bool grouped = job.blends != nullptr && job.blends->groups.slot(k) != StarGroups::kNone;
    memory.again[k] = faint && !grouped && alone(memory.index, d, k, kApart * job.plan.fwhm_px) ? 1 : 0;
  }
  measure_held(job, memory, rows, parallel);
}

}  // namespace

/// What rows are ordered by first, apart from them: a sort that reads whole rows waits for them. No row holds an
/// infinite flux.
struct StarRank {
  double flux;  // -infinity = not known
  std::uint32_t row;
};

namespace {

/// The order of the list: by falling flux.
void order_rows(std::span<const StarRow> rows, std::vector<StarRank>& order) {
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const double flux = rows[k].flux;
    order[k] = {std::isnan(flux) ? -std::numeric_limits<double>::infinity() : flux, static_cast<std::uint32_t>(k)};
  }
  std::ranges::sort(order, [&](const StarRank& a, const StarRank& b) {
    return a.flux != b.flux ? a.flux > b.flux : before(rows[a.row], rows[b.row]);
  });
}

UsualWidth usual_width(std::span<const StarRow> rows, std::span<const StarRank> order) {
  UsualWidth width;
  for (const StarRank& rank : order.first(std::min(order.size(), kSampledRows))) {
    if (!width.offer(rows[rank.row])) break;
  }
  width.settle();
  return width;
}

UsualSkew usual_skew(std::span<const StarRow> rows, std::span<const StarRank> order) {
  UsualSkew skew;
  for (const StarRank& rank : order.first(std::min(order.size(), kSampledRows))) skew.offer(rows[rank.row]);
  skew.settle();
  return skew;
}

}  // namespace

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
  Detector cut = detector;
  cut.saturation_adu =
      std::min(detector.saturation_adu, common_top(frame, background, detector, detections, plan.fwhm_px));
  const CleanFrame pixels(frame, detections.hot_x, detections.hot_y, workspace.mask_);
  const MeasureJob job{pixels, pixels.frame(),         background, cut,     detections,
                       plan,   *workspace.neighbours_, blends,     nullptr, {}};
  parallel(n, kStarsAtOnce,
           [&](std::size_t begin, std::size_t end) { Measurer(job).run(begin, end, workspace.rows_); });
  if (plan.neighbours == Neighbours::group) separate(job, parallel, workspace.rows_);
  workspace.field_ = {};
  const FieldMemory field{*workspace.neighbours_, workspace.samples_, workspace.again_, workspace.field_};
  const FieldFor held = plan.fits ? options.held.field : FieldFor::none;
  if (held == FieldFor::unclear) give_field_shape(job, workspace.rows_, field, parallel);
  order_rows(workspace.rows_, workspace.order_);
  const UsualWidth width = usual_width(workspace.rows_, workspace.order_);
  if (held == FieldFor::faint) {
    give_faint_stars_field_shape(job, width, workspace.rows_, field, parallel);
    order_rows(workspace.rows_, workspace.order_);
  }
  const UsualSkew skew = usual_skew(workspace.rows_, workspace.order_);
  const double fwhm_px = known_fwhm_px(detections, options);
  stars.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    StarRow& row = workspace.rows_[workspace.order_[k].row];
    if (k + kAhead < n) fetch(workspace.rows_[workspace.order_[k + kAhead].row]);
    row.flags |= judge_narrow(row, fwhm_px) | skew.judge(row);
    if (fwhm_px == 0 || window_tells_width(row, fwhm_px)) row.flags |= width.judge(row);
    if ((row.flags & flag::forced_position) == 0) row.id = static_cast<std::int64_t>(k);
    zip_columns([k](auto, auto, auto, auto& column, auto& value) { column[k] = value; }, stars, row);
  }
}

}  // namespace starflow
