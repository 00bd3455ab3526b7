// SPDX-License-Identifier: MIT
#include <starflow/core/background.hpp>

#include "fine_sky.hpp"
#include "median.hpp"
#include "sky_levels.hpp"
#include "sky_survey.hpp"
#include "tile_mesh.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

namespace starflow {
namespace {

/// The first valid pixel, searched row by row.
std::optional<double> any_value(const FrameView& frame) {
  return visit_pixels(frame, [&frame](auto pixels) -> std::optional<double> {
    for (int y = 0; y < frame.height; ++y) {
      const auto* row = pixels.row(y);
      for (int x = 0; x < frame.width; ++x) {
        if (is_valid(frame, x, y, row[x])) return static_cast<double>(row[x]);
      }
    }
    return std::nullopt;
  });
}

/// A pixel near the level: the middle one of some that lie scattered over the frame. A single one may be a hot pixel,
/// and would cost floats their digits.
std::optional<double> middle_value(const FrameView& frame) {
  constexpr int kASide = 16;
  std::vector<double> values;
  visit_pixels(frame, [&](auto pixels) {
    for (int j = 0; j < kASide; ++j) {
      const int y = tile_edge(2 * j + 1, 2 * kASide, frame.height);
      for (int i = 0; i < kASide; ++i) {
        const int x = tile_edge(2 * i + 1, 2 * kASide, frame.width);
        const auto value = pixels.row(y)[x];
        if (is_valid(frame, x, y, value)) values.push_back(static_cast<double>(value));
      }
    }
  });
  if (values.empty()) return any_value(frame);
  return upper_median(std::span(values));
}

double median_of(std::vector<float> v) { return static_cast<double>(upper_median(std::span(v))); }

/// Noise of a frame whose tiles are flat: the rounding of integer pixels; for floats a millionth of the frame's range.
double noise_floor(const FrameView& frame) {
  return visit_pixels(frame, [&frame]<class T>(Plane<T> pixels) -> double {
    if constexpr (std::is_integral_v<T>) return 0.28867513459481287;  // 1 / sqrt(12)
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (int y = 0; y < frame.height; ++y) {
      for (int x = 0; x < frame.width; ++x) {
        const T value = pixels.row(y)[x];
        if (!is_valid(frame, x, y, value)) continue;
        low = std::min(low, static_cast<double>(value));
        high = std::max(high, static_cast<double>(value));
      }
    }
    return high > low ? 1e-6 * (high - low) : 1.0;
  });
}

constexpr int kLeastDivided = 32;  // px: halves of smaller tiles have too few pixels

bool known(float v) { return std::isfinite(v); }

std::vector<TileOrigin> origins(const SkySurvey& mesh) {
  std::vector<TileOrigin> out(mesh.level.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] = !known(mesh.level[k])   ? TileOrigin::repaired
             : !known(mesh.noise[k]) ? TileOrigin::flat
                                     : TileOrigin::measured;
  }
  return out;
}

struct Place {
  double x, y;
};

/// A place of the frame in the pixels of a phase.
Place in_phase(double x, double y, std::size_t phase) {
  return {0.5 * (x - static_cast<double>(phase % 2)), 0.5 * (y - static_cast<double>(phase >> 1U))};
}

/// Two rows of phases as one of the frame. \param read  fills level and noise of a row of a phase
template <class Read>
void interleave(const std::array<Background, 4>& phases,
                int y,
                std::span<float> level,
                std::span<float> noise,
                double pedestal,
                const Read& read) {
  const std::size_t half = (level.size() + 1) / 2;
  std::vector<float> own(2 * half);
  const std::span<float> own_level(own.data(), half), own_noise(own.data() + half, half);
  for (std::size_t q = 0; q < 2; ++q) {
    const Background& phase = phases[mosaic_phase(static_cast<int>(q), y)];
    read(phase, y / 2, own_level, own_noise);
    const auto more = static_cast<float>(phase.pedestal() - pedestal);
    for (std::size_t x = q, k = 0; x < level.size(); x += 2, ++k) {
      level[x] = own_level[k] + more;
      noise[x] = own_noise[k];
    }
  }
}

/// Every second pixel of every second row of a plane.
template <class T>
std::vector<T> phase_of(const Plane<T>& plane, int width, int height, std::size_t phase) {
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>((width + 1) / 2) * static_cast<std::size_t>((height + 1) / 2));
  for (int y = static_cast<int>(phase / 2); y < height; y += 2) {
    const T* row = plane.row(y);
    for (int x = static_cast<int>(phase % 2); x < width; x += 2) out.push_back(row[x]);
  }
  return out;
}

/// The pixels of objects that belong to a phase.
std::vector<PixelRun> objects_of(std::span<const PixelRun> objects, std::size_t phase) {
  const int px = static_cast<int>(phase % 2), py = static_cast<int>(phase / 2);
  std::vector<PixelRun> out;
  for (const PixelRun& run : objects) {
    if ((run.y & 1) == py) out.push_back({(run.y - py) / 2, (run.x0 - px + 1) >> 1, (run.x1 - px + 1) >> 1});
  }
  return out;
}

Background estimate_phase(const FrameView& frame,
                          const BackgroundOptions& options,
                          ParallelFor parallel,
                          std::span<const PixelRun> objects,
                          std::size_t phase) {
  constexpr int kLeastTile = 8;
  FrameView own;
  own.type = frame.type;
  own.width = (frame.width + 1 - static_cast<int>(phase % 2)) / 2;
  own.height = (frame.height + 1 - static_cast<int>(phase / 2)) / 2;
  const auto copy = [&](const auto& plane) { return phase_of(plane, frame.width, frame.height, phase); };
  const auto rows_of = [&own]<class T>(const std::vector<T>& data) {
    return Plane<T>{data.data(), own.width * static_cast<std::ptrdiff_t>(sizeof(T))};
  };
  std::vector<std::uint8_t> mask;
  std::vector<float> variance;
  if (frame.mask) own.mask = rows_of(mask = copy(frame.mask));
  if (frame.variance) own.variance = rows_of(variance = copy(frame.variance));
  BackgroundOptions halved = options;
  halved.tile_px = std::max(kLeastTile, options.tile_px / 2);
  const std::vector<PixelRun> hidden = objects_of(objects, phase);
  return visit_pixels(frame, [&](auto plane) {
    const auto pixels = copy(plane);
    own.pixels = pixels.data();
    own.row_bytes = rows_of(pixels).row_bytes;
    return estimate_background(own, halved, parallel, hidden);
  });
}

}  // namespace

/// The phases of a mosaic as one.
Background join_phases(std::array<Background, 4> phases) {
  Background result = phases[0];  // for its tiles
  result.level_ = result.noise_ = {};
  result.reliable_ = true;
  double level = 0, squares = 0, pedestal = 0;
  for (const Background& one : phases) {
    level += one.median_level_ / 4;
    squares += one.median_noise_ * one.median_noise_ / 4;
    pedestal += one.pedestal_ / 4;
    result.reliable_ = result.reliable_ && one.reliable_;
  }
  result.pedestal_ = pedestal;
  result.median_level_ = level;
  result.median_noise_ = std::sqrt(squares);
  result.tiles_per_px_x_ /= 2;
  result.tiles_per_px_y_ /= 2;
  result.finest_tile_px_ = 2 * std::ranges::min_element(phases, {}, &Background::finest_tile_px_)->finest_tile_px_;
  result.phases_ = std::make_shared<const std::array<Background, 4>>(std::move(phases));
  return result;
}

MeshSurface::Tangent Background::tangent(double x, double y) const noexcept {
  MeshSurface::Tangent t;
  if (phases_) {
    for (std::size_t k = 0; k < phases_->size(); ++k) {
      const MeshSurface::Tangent one = tangent(x, y, k);
      t.value += one.value / 4;
      t.slope_x += one.slope_x / 4;
      t.slope_y += one.slope_y / 4;
    }
    return t;
  }
  t = level_.tangent(x, y);
  t.value += pedestal_;
  return t;
}

double Background::noise(double x, double y) const noexcept {
  if (!phases_) return static_cast<double>(std::clamp(noise_.at(x, y), noise_range_.low, noise_range_.high));
  double squares = 0;
  for (std::size_t k = 0; k < phases_->size(); ++k) squares += noise(x, y, k) * noise(x, y, k);
  return std::sqrt(squares / 4);
}

MeshSurface::Tangent Background::tangent(double x, double y, std::size_t phase) const noexcept {
  if (!phases_) return tangent(x, y);
  const auto [u, v] = in_phase(x, y, phase);
  MeshSurface::Tangent t = (*phases_)[phase].tangent(u, v);
  t.slope_x /= 2;
  t.slope_y /= 2;
  return t;
}

double Background::noise(double x, double y, std::size_t phase) const noexcept {
  if (!phases_) return noise(x, y);
  const auto [u, v] = in_phase(x, y, phase);
  return (*phases_)[phase].noise(u, v);
}

TileOrigin Background::origin(double x, double y) const noexcept {
  if (origins_.empty()) return TileOrigin::repaired;
  const auto tile = [](double px, double per_px, int n) {
    return static_cast<std::size_t>(std::clamp((px + 0.5) * per_px, 0.0, static_cast<double>(n - 1)));
  };
  return origins_[tile(y, tiles_per_px_y_, rows_) * static_cast<std::size_t>(columns_) +
                  tile(x, tiles_per_px_x_, columns_)];
}

double Background::measured_fraction() const noexcept {
  if (origins_.empty()) return 0;
  return static_cast<double>(std::ranges::count(origins_, TileOrigin::measured)) / static_cast<double>(origins_.size());
}

void Background::row(int y, std::span<float> level, std::span<float> noise) const noexcept {
  if (phases_) {
    return interleave(*phases_, y, level, noise, pedestal_,
                      [](const Background& b, int v, auto l, auto n) { b.row(v, l, n); });
  }
  level_.row(y, level, {});
  noise_.row(y, noise, noise_range_);
}

void Background::weighted_row(int y, std::span<float> level, std::span<float> per_noise) const noexcept {
  if (phases_) {
    return interleave(*phases_, y, level, per_noise, pedestal_,
                      [](const Background& b, int v, auto l, auto n) { b.weighted_row(v, l, n); });
  }
  level_.row(y, level, {});
  noise_.inverse_row(y, per_noise, noise_range_);
}

Background estimate_background(const FrameView& frame,
                               const BackgroundOptions& options,
                               ParallelFor parallel,
                               std::span<const PixelRun> objects) {
  if (frame.mosaic != Mosaic::none && frame.width > 1 && frame.height > 1) {
    std::array<Background, 4> phases;
    for (std::size_t k = 0; k < phases.size(); ++k) phases[k] = estimate_phase(frame, options, parallel, objects, k);
    return join_phases(std::move(phases));
  }
  Background result;
  const std::optional<double> pedestal = frame.empty() ? std::nullopt : middle_value(frame);
  if (!pedestal) return result;
  result.pedestal_ = *pedestal;
  SkySurvey survey(frame, options.tile_px, objects, *pedestal);
  survey.measure(parallel);
  if (std::ranges::none_of(survey.level, known)) return result;

  const auto noise_known = [](const SkySurvey& mesh) { return std::ranges::any_of(mesh.noise, known); };
  const auto take = [&](SkySurvey& mesh, const SkyLevels& of, bool reliable, const BackgroundOptions& by) {
    result.columns_ = mesh.columns;
    result.rows_ = mesh.rows;
    result.tiles_per_px_x_ = static_cast<double>(mesh.columns) / frame.width;
    result.tiles_per_px_y_ = static_cast<double>(mesh.rows) / frame.height;
    result.reliable_ = reliable;
    result.origins_ = origins(mesh);
    result.divide(mesh, of, {frame, by, parallel, objects});
    return std::move(result);
  };
  const bool reliable = noise_known(survey);
  SkyLevels levels(survey, frame, options.filter_tiles);
  levels.follow(parallel);
  if (!levels.is_lost() || options.tile_px < kLeastDivided) return take(survey, levels, reliable, options);

  BackgroundOptions halved = options;
  halved.tile_px /= 2;
  SkySurvey finer(frame, halved.tile_px, objects, *pedestal);
  finer.measure(parallel);
  if (std::ranges::none_of(finer.level, known)) return take(survey, levels, reliable, options);
  const bool finer_reliable = noise_known(finer);
  SkyLevels followed(finer, frame, halved.filter_tiles);
  followed.follow(parallel);
  return followed.followed_part() >= SkyLevels::kFewFollowed ? take(finer, followed, finer_reliable, halved)
                                                             : take(survey, levels, reliable, options);
}

/// Down to kLeastDivided.
void Background::divide(SkySurvey& survey, const SkyLevels& levels, const Sources& from) {
  BackgroundOptions halved = from.options;
  halved.tile_px /= 2;
  const std::vector<std::uint8_t> uneven = from.options.tile_px < kLeastDivided
                                               ? std::vector<std::uint8_t>{}
                                               : uneven_tiles(survey, levels, from.options.tile_px);
  if (uneven.empty()) return take(survey, levels, from.frame, from.options.filter_tiles);
  SkySurvey fine(from.frame, halved.tile_px, from.objects, pedestal_);
  SkyLevels fine_levels(fine, levels, uneven, from.parallel);
  fine_levels.follow(from.parallel);
  divide(fine, fine_levels, {from.frame, halved, from.parallel, from.objects});
}

void Background::take(SkySurvey& survey, const SkyLevels& levels, const FrameView& frame, int filter_tiles) {
  std::vector<float>& noise = survey.noise;
  if (!reliable_) std::ranges::fill(noise, static_cast<float>(noise_floor(frame)));
  fill_unknown(noise, survey);
  const auto [lowest, highest] = std::ranges::minmax(noise);
  median_filter(noise, survey, filter_tiles, levels.follows());
  noise_range_ = {lowest, highest};
  median_level_ = pedestal_ + median_of(levels.values());
  if (reliable_) median_noise_ = median_of(noise);
  finest_tile_px_ =
      std::min(static_cast<double>(frame.width) / survey.columns, static_cast<double>(frame.height) / survey.rows);
  level_ = levels.surface();
  noise_ = MeshSurface(std::move(noise), survey.columns, survey.rows, frame.width, frame.height);
}

}  // namespace starflow
