// SPDX-License-Identifier: MIT
#include "measure_plan.hpp"

#include "group_fit.hpp"
#include "units.hpp"

#include <algorithm>
#include <cmath>

namespace starflow {
namespace {

constexpr int kMinRadius = 3;             // px: 7x7 pixels leave something for the background
constexpr double kWindowSigmas = 4;       // radius of a centroid's window
constexpr double kMinBinnedFwhm = 4;      // px: binning takes nothing from stars this wide
constexpr double kLeastBinnedFwhm = 1.6;  // block px; a stamp of 10 FWHM, the widest, needs no more

/// Gauss-Legendre nodes a side that integrate the pixels of stars of this width so well that no value is off by more
/// than 0.01 of its error at S/N 1000. Two at FWHM 5 leave 0.03 of it in the width.
int nodes_for(double fwhm) {
  if (fwhm < 2) return 4;
  if (fwhm < 7) return 3;
  return fwhm < 20 ? 2 : 1;
}

/// Stamps that no block can hold are binned until it can; only where a shape is held that is much narrower than the
/// frame's stars they are cut. For a window the stars are binned as far as they take nothing from it: beyond, it is cut
/// to the block.
int pitch_for(double stamp_px, double window_px, double fwhm_px) {
  const auto wanted = [](double reach_px) { return static_cast<int>(std::ceil(reach_px / StarBlock::kMaxRadius)); };
  const auto allowed = [=](double least) { return static_cast<int>(fwhm_px / least); };
  return std::max(
      {1, std::min(wanted(stamp_px), allowed(kLeastBinnedFwhm)), std::min(wanted(window_px), allowed(kMinBinnedFwhm))});
}

void set_stretch(FitRules& fit, const MeasureOptions& o) {
  const bool ratio = !std::isnan(o.held.ellipticity), angle = !std::isnan(o.held.theta_deg);
  const double theta = angle ? o.held.theta_deg / kDegreesPerRadian : 0.0;
  // A start away from a circle, on which an angle means nothing.
  const double size = ratio ? -std::log1p(-o.held.ellipticity) : angle ? 0.1 : 0.0;
  fit.stretch = StretchFreedom::held;
  if (o.outline == Outline::circular) return;
  fit.e1 = size * std::cos(2 * theta);
  fit.e2 = size * std::sin(2 * theta);
  if (std::abs(fit.e2) < 1e-12) fit.e2 = 0;
  if (ratio && (angle || size == 0)) return;
  if (ratio) {
    fit.stretch = o.outline == Outline::axis_aligned ? StretchFreedom::either_axis : StretchFreedom::turned;
  } else if (o.outline == Outline::axis_aligned) {
    fit.stretch = StretchFreedom::along_x;
  } else {
    fit.stretch = angle ? StretchFreedom::along : StretchFreedom::free;
  }
}

}  // namespace

MeasurePlan MeasurePlan::with_lane_shapes() const {
  MeasurePlan plan = *this;
  plan.fit.lane_shapes = true;
  plan.fit.outline = options.outline;
  plan.fit.stretch = StretchFreedom::held;
  plan.fit.free_width = plan.fit.free_beta = false;
  plan.patient_fit = plan.fit;
  plan.patient_fit.patience = plan.fit.max_iterations;
  return plan;
}

double MeasurePlan::window_sigma() const {
  const bool given = options.method == Method::windowed && options.window == WindowFrom::given;
  return given ? options.window_sigma_px / pitch : kSigmaPerFwhm * fwhm;
}

MeasurePlan::MeasurePlan(const Detections& detections,
                         const Detector& detector,
                         const MeasureOptions& o,
                         Mosaic colours)
    : options(o), fwhm_px(used_fwhm_px(detections, o)), dao(1) {
  fits = o.method == Method::gaussian || o.method == Method::moffat;
  const double own_sigma = kSigmaPerFwhm * fwhm_px, move = o.move_limit * fwhm_px;
  const double stamp = std::max<double>(std::ceil(o.stamp_radius * fwhm_px), kMinRadius);
  const bool given = o.method == Method::windowed && o.window == WindowFrom::given;
  // On its way a window that leaves the block is cut alike on both sides: the way itself needs no room.
  const double window = kWindowSigmas * (given ? o.window_sigma_px : own_sigma) + 1;
  const HeldShape& held = o.held;
  const double ratio = std::isnan(held.ellipticity) ? 1 : 1 - held.ellipticity;
  const double narrowest = std::isnan(held.fwhm_px) ? fwhm_px : std::min(fwhm_px, held.fwhm_px * std::sqrt(ratio));
  pitch = pitch_for(stamp, given ? window : 0.0, narrowest);
  mosaic = colours != Mosaic::none;
  if (mosaic && pitch > 1) pitch += pitch % 2;  // block pixels of whole 2x2 squares have no colour
  balances = mosaic && pitch == 1 && o.mosaic == MosaicPixels::all;
  fwhm = fwhm_px / pitch;
  const auto held_radius = [&](double px) {
    return std::min(static_cast<int>(std::ceil(px / pitch)), StarBlock::kMaxRadius);
  };
  fit.radius = held_radius(stamp);
  dao = DaoShape(fwhm);
  const double adaptive = o.method == Method::adaptive ? window + move : 0.0;  // wide where stars are bright
  // Each star's own half-light radius says how wide its window is: room for the widest.
  const bool any_width = o.method == Method::windowed && o.window == WindowFrom::half_light;
  block_radius = any_width ? StarBlock::kMaxRadius
                           : std::max({fit.radius, held_radius(window), held_radius(adaptive),
                                       std::min(dao.reach(), StarBlock::kMaxRadius)});

  cuts_window = given && kWindowSigmas * o.window_sigma_px > (block_radius + 0.5) * pitch;

  fit.profile = o.method == Method::moffat ? Profile::moffat : Profile::gaussian;
  fit.sampling = o.sampling;
  fit.estimator = o.estimator;
  set_stretch(fit, o);
  fit.free_level = fits && o.level == LevelFrom::fit;
  fit.free_width = std::isnan(held.fwhm_px);
  fit.free_beta = o.method == Method::moffat && o.free_beta;
  constexpr double kStartWidth = 0.9;  // steps reach the width from farther below than above
  fit.fwhm = fit.free_width ? kStartWidth * fwhm : held.fwhm_px / pitch;
  fit.beta = o.beta;
  fit.nodes = nodes_for(fwhm);
  fit.move_limit = move / pitch;
  fit.max_iterations = o.max_iterations;

  centroid = {o.method, static_cast<float>(move / pitch), o.max_iterations, fit.radius, fwhm};
  fallback = {Method::windowed, centroid.move_limit, o.max_iterations, fit.radius, fwhm};
  ring = {o.annulus.inner * fwhm_px, o.annulus.outer * fwhm_px, o.annulus.keep_out * fwhm_px, 0};
  noise = o.noise == NoiseFrom::model && !(detector.gain_e_per_adu > 0) ? NoiseFrom::map : o.noise;
  constexpr int kPatience = 20, kPatienceWithBeta = 40;  // with beta free most fits take 15 to 30
  fit.patience = fit.free_beta ? kPatienceWithBeta : kPatience;
  patient_fit = fit;
  patient_fit.patience = fit.max_iterations;
  width_fit = fit;
  width_fit.free_width = true;
  width_fit.fwhm = kStartWidth * fwhm;
  round_fit = fit;
  round_fit.stretch = StretchFreedom::held;
  round_fit.e1 = round_fit.e2 = 0;
  turned_fit = round_fit;
  turned_fit.stretch = StretchFreedom::free;
  winged_fit = turned_fit;
  winged_fit.profile = Profile::moffat;
  winged_fit.free_beta = true;
  winged_fit.patience = kPatienceWithBeta;
  set_groups(o);
  needs_ring = o.level == LevelFrom::annulus || noise == NoiseFrom::annulus;
}

/// How stars that overlap are told apart. A group's block is three stamps wide where that can be held.
void MeasurePlan::set_groups(const MeasureOptions& o) {
  neighbours = o.neighbours == Neighbours::group && (!fits || mosaic || o.held.field == FieldFor::unclear)
                   ? Neighbours::mask
                   : o.neighbours;
  const int room = StarBlock::kMaxRadius - 1 - static_cast<int>(std::ceil(fwhm));  // for a pair two FWHM apart
  group_fit = fit;
  group_fit.radius = std::max(std::min(fit.radius, room), 1);
  if (fit.free_width) group_fit.fwhm = fwhm;
  group_radius = std::min(StarBlock::kMaxRadius, 3 * group_fit.radius);
  constexpr double kSame = 0.25, kShines = 1.5;  // FWHM
  near.same_px = kSame * fwhm_px;
  near.link_px = o.group_separation * fwhm_px;
  near.reach_px = std::max(near.link_px, fit.radius * pitch + kShines * fwhm_px);
  near.extent_px = 2.0 * pitch * (group_radius - group_fit.radius - 1);
  near.size = static_cast<std::size_t>(std::min(o.group_size, static_cast<int>(GroupProblem::kMost)));
}

}  // namespace starflow
