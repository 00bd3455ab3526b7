// SPDX-License-Identifier: MIT
/// \file
/// What a star is given before it is measured: its pixels, the sky, its window, the shape of the field, the colours of
/// a mosaic.

#include "measurer.hpp"

#include "blends.hpp"
#include "flat_top.hpp"
#include "flux_radius.hpp"
#include "nearest_pixel.hpp"
#include "pixel_noise.hpp"
#include "square.hpp"
#include "units.hpp"

#include <algorithm>
#include <cmath>

namespace starflow {
namespace {

constexpr double kNearSaturation = 0.95;
constexpr double kSampledMosaic = 2;  // px FWHM; below, the errors leave out what the amplitudes take of the position

}  // namespace

/// Adds the star to the block. \return false where no pixel of the frame lies around it
bool Measurer::start_row(std::size_t star, StarRow& row) {
  const Detections& d = job_.detections;
  row = StarRow();
  row.id = d.id[star];
  row.method = row.method_used = plan_.options.method;
  row.flags = d.flags[star] & ~(flag::edge | flag::bad_pixel);
  if (job_.blends != nullptr && job_.blends->groups.linked(star)) row.flags |= flag::blended;
  if (!job_.background.reliable() || star_in_mesh_) row.flags |= flag::background_unreliable;
  row.x = d.x[star];
  row.y = d.y[star];
  row.peak = d.peak[star];
  const double reach = plan_.fit.radius * plan_.pitch;
  if (!(row.x > -reach && row.y > -reach && row.x < job_.frame.width - 1 + reach &&
        row.y < job_.frame.height - 1 + reach)) {
    row.termination = Termination::too_few_pixels;
    row.flags |= flag::too_few_pixels | flag::no_covariance | flag::edge;
    return false;
  }
  LocalSky& sky = sky_[block_.size];
  read_sky(star, row, sky);
  if (row.peak + row.background >= kNearSaturation * job_.detector.saturation_adu) row.flags |= flag::near_saturation;
  const std::size_t lane = block_.size;
  Detector detector = job_.detector;
  detector.saturation_adu = std::min(detector.saturation_adu, top_of(row, sky));
  add_star(block_, job_.pixels.about(row.x, row.y, block_reach()), detector, sky, row.x, row.y);
  if (plan_.mosaic) read_phases(row, sky, block_.source[lane].phases);
  if (job_.field != nullptr) hold_shape(lane, row);
  return true;
}

/// Where the star's pixels are cut off though no level was given; +infinity of a star that is whole.
double Measurer::top_of(const StarRow& row, const LocalSky& sky) const {
  const PixelIndex at = nearest_pixel(job_.frame, row.x, row.y);
  return flat_top(job_.frame, at.x, at.y, top_noise(sky.level, sky.noise, job_.detector, plan_.fwhm_px));
}

void Measurer::read_sky(std::size_t star, StarRow& row, LocalSky& sky) {
  const Background& map = job_.background;
  const MeshSurface::Tangent level = map.tangent(row.x, row.y);
  sky.level = level.value;
  sky.slope_x = level.slope_x;
  sky.slope_y = level.slope_y;
  sky.noise = map.noise(row.x, row.y);
  const MeasureOptions& o = plan_.options;
  if (plan_.needs_ring) {
    Ring ring = plan_.ring;
    ring.pedestal = map.pedestal();
    for (std::size_t k = 0; plan_.mosaic && k < ring.phase.size(); ++k) {
      ring.phase[k] = map.tangent(row.x, row.y, k).value - level.value;
    }
    const RingSky near = ring_sky(job_.frame, job_.detector, job_.neighbours, star, row.x, row.y, ring, ring_);
    if (near.usable() && near.noise > 0) {
      if (o.level == LevelFrom::annulus) {
        sky.level = near.level;
        row.background_err = near.level_err;
      }
      if (plan_.noise == NoiseFrom::annulus) sky.noise = near.noise;
    } else {
      row.flags |= flag::background_unreliable;
    }
  }
  if (plan_.noise == NoiseFrom::model) {
    const double gain = job_.detector.gain_e_per_adu;
    const double variance =
        std::max(0.0, sky.level - o.pedestal_adu) / gain + square(job_.detector.read_noise_e / gain);
    if (variance > 0) {
      sky.noise = std::sqrt(variance);
    } else {
      row.flags |= flag::background_unreliable;
    }
  }
  const PixelIndex at = nearest_pixel(job_.frame, row.x, row.y);
  if (const double given = given_variance(job_.frame, at.x, at.y); given > 0) sky.noise = std::sqrt(given);
  row.background = sky.level;
  row.noise = sky.noise;
}

void Measurer::set_windows(CentroidLanes& lanes) const {
  const bool own = plan_.options.method == Method::windowed && plan_.options.window == WindowFrom::half_light &&
                   !plan_.mosaic;  // the light of a colour tells no radius
  for (std::size_t lane = 0; lane < block_.lanes; ++lane) {
    const bool star = lane < block_.size;
    lanes.sigma[lane] = star ? static_cast<float>(own ? own_window(lane) : plan_.window_sigma()) : lanes.sigma[0];
  }
}

/// The window after the star's half-light radius, 1 sigma in block px; the other stars' where it has none.
double Measurer::own_window(std::size_t lane) const {
  const Detections& d = job_.detections;
  const std::size_t i = star_[lane];
  const bool centred = std::isfinite(d.iso_x[i]) && std::isfinite(d.iso_y[i]), shaped = d.xx[i] > 0 && d.yy[i] > 0;
  const double x = centred ? d.iso_x[i] : d.x[i], y = centred ? d.iso_y[i] : d.y[i];
  const double own = square(kSigmaPerFwhm * plan_.fwhm_px);
  LocalSky sky = sky_[lane];
  sky.level += sky.slope_x * (x - d.x[i]) + sky.slope_y * (y - d.y[i]);
  const double radius =
      flux_radius(job_.frame, sky, shaped ? Isophote{x, y, d.xx[i], d.yy[i], d.xy[i]} : Isophote{x, y, own, own, 0});
  return radius > 0 ? xwin_sigma(radius) / plan_.pitch : plan_.window_sigma();
}

/// The shape of the field where the star is.
void Measurer::hold_shape(std::size_t lane, const StarRow& row) {
  auto shape = job_.field->at(row.x, row.y);
  if (plan_.options.outline != Outline::rotated) shape[FieldShape::kE2] = 0;
  const double stretch = std::hypot(shape[FieldShape::kE1], shape[FieldShape::kE2]);
  shape[FieldShape::kLogFwhm] =
      std::max(shape[FieldShape::kLogFwhm] - std::log(plan_.pitch), std::log(kMinAxisFwhmPx) + 0.5 * stretch);
  for (std::size_t q = 0; q < shape.size(); ++q) block_.shape[q][lane] = static_cast<float>(shape[q]);
}

/// The sky of each phase of a mosaic: the map's, shifted and scaled as a ring about the star says.
void Measurer::read_phases(const StarRow& row, const LocalSky& sky, std::array<MosaicPhase, 4>& phases) const {
  const Background& map = job_.background;
  const MeasureOptions& o = plan_.options;
  const double shift = sky.level - map.level(row.x, row.y), scale = sky.noise / map.noise(row.x, row.y);
  const double gain = job_.detector.gain_e_per_adu;
  for (std::size_t k = 0; k < phases.size(); ++k) {
    const MeshSurface::Tangent level = map.tangent(row.x, row.y, k);
    LocalSky& own = phases[k].sky;
    own = {level.value + shift, level.slope_x, level.slope_y, map.noise(row.x, row.y, k) * scale};
    if (plan_.noise == NoiseFrom::model) {
      const double variance =
          std::max(0.0, own.level - o.pedestal_adu) / gain + square(job_.detector.read_noise_e / gain);
      if (variance > 0) own.noise = std::sqrt(variance);
    }
    phases[k].response = o.mosaic == MosaicPixels::green && !is_green(job_.frame.mosaic, k) ? 0 : 1;
  }
}

/// Divides the pixels of each phase by the star's amplitude in it. Amplitudes and profile are fitted in turn, which
/// ends where a joint fit would: the amplitudes are linear.
void Measurer::make_grey() {
  // Narrow stars have few pixels of a phase, and the place hangs together with the amplitudes: at FWHM 1.6 px and S/N
  // 400 3 rounds leave 0.8 of the error. At 2 px they leave nothing that shows.
  const int rounds = plan_.fwhm_px < kSampledMosaic ? 8 : 3;
  std::array<Fit, StarBlock::kMaxLanes> fits;
  std::array<GreyStar, StarBlock::kMaxLanes> stars;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t lane = 0; lane < block_.size; ++lane) {
      stars[lane] = grey_star(lane, fits[lane]);
      colour_variance_[lane] = balance_colours(block_, lane, plan_.fit.radius, stars[lane]);
    }
    end_block(block_);
    for (std::size_t lane = 0; lane < block_.size; ++lane) {
      add_shot_noise(block_, lane, plan_.fit.radius, stars[lane]);
      row_[lane]->flags |= flag::cfa_fit;
      if (plan_.fwhm_px < kSampledMosaic) row_[lane]->flags |= flag::undersampled;
    }
    if (round + 1 < rounds) run_fits(block_, plan_.patient_fit, fits);
  }
}

/// As \p fit says; a Gaussian of the frame's FWHM where the star was seen, where there is none.
GreyStar Measurer::grey_star(std::size_t lane, const Fit& fit) const {
  if (fit.termination != Termination::converged) {
    const StarShape shape = star_shape(Profile::gaussian, plan_.fwhm, 0, 0, plan_.options.beta);
    return {shape, static_cast<double>(block_.x[lane]), static_cast<double>(block_.y[lane]), 0, 0};
  }
  const auto& p = fit.value;
  const double ellipticity = -std::expm1(-std::hypot(p[kFitE1], p[kFitE2]));
  const double theta = 0.5 * std::atan2(p[kFitE2], p[kFitE1]) * kDegreesPerRadian;
  const StarShape shape = star_shape(plan_.fit.profile, std::exp(p[kFitWidth]), ellipticity, theta, p[kFitBeta]);
  return {shape, p[kFitX], p[kFitY], p[kFitFlux], p[kFitLevel]};
}

}  // namespace starflow
