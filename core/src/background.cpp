// SPDX-License-Identifier: MIT
#include <starflow/core/background.hpp>

#include "tile_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

namespace starflow {
namespace {

constexpr int kMaxTilesASide = 2048;
constexpr double kMinValidFraction = 0.1;   // of a tile's pixels
constexpr std::size_t kMaxSamples = 16384;  // of a tile: more does not lower the error that matters

struct Mesh {
  int columns = 0, rows = 0;
  std::vector<float> level, noise;  // NaN = not known
};

int tiles(int size_px, int tile_px) {
  return std::clamp(static_cast<int>(std::lround(static_cast<double>(size_px) / tile_px)), 1, kMaxTilesASide);
}

int tile_edge(int i, int n, int size_px) { return static_cast<int>(static_cast<long long>(i) * size_px / n); }

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

/// Fills the mesh of one row of tiles.
template <class T>
void measure_tiles(
    const FrameView& frame, Plane<T> pixels, double pedestal, int j, Mesh& mesh, std::vector<float>& values) {
  const int y0 = tile_edge(j, mesh.rows, frame.height), y1 = tile_edge(j + 1, mesh.rows, frame.height);
  for (int i = 0; i < mesh.columns; ++i) {
    const int x0 = tile_edge(i, mesh.columns, frame.width), x1 = tile_edge(i + 1, mesh.columns, frame.width);
    const std::size_t area = static_cast<std::size_t>(x1 - x0) * static_cast<std::size_t>(y1 - y0);
    const int step = std::max(1, static_cast<int>(area / kMaxSamples));
    values.clear();
    for (int y = y0; y < y1; ++y) {
      const T* row = pixels.row(y);
      for (int x = x0 + (y * 7) % step; x < x1; x += step) {  // the phase walks, so that no column pattern is picked
        if (is_valid(frame, x, y, row[x])) values.push_back(static_cast<float>(static_cast<double>(row[x]) - pedestal));
      }
    }
    const double sampled = static_cast<double>(area) / step;
    const auto k = static_cast<std::size_t>(j * mesh.columns + i);
    if (values.empty() || static_cast<double>(values.size()) < kMinValidFraction * sampled) continue;
    const TileStatistics s = clipped_statistics(values, std::is_integral_v<T> ? 1.0 : 0.0);
    mesh.level[k] = s.level;
    mesh.noise[k] = s.noise;
  }
}

/// Calls visit(value) for the known values of the tiles within `reach` of (i, j).
void visit_neighbours(const std::vector<float>& v, const Mesh& mesh, int i, int j, int reach, auto&& visit) {
  for (int q = std::max(0, j - reach); q <= std::min(mesh.rows - 1, j + reach); ++q) {
    for (int p = std::max(0, i - reach); p <= std::min(mesh.columns - 1, i + reach); ++p) {
      const float value = v[static_cast<std::size_t>(q * mesh.columns + p)];
      if (std::isfinite(value)) visit(value);
    }
  }
}

/// Gives each unknown tile the mean of the nearest ring of known ones. At least one must be known.
void fill_unknown(std::vector<float>& v, const Mesh& mesh) {
  const std::vector<float> known = v;
  for (int j = 0; j < mesh.rows; ++j) {
    for (int i = 0; i < mesh.columns; ++i) {
      float& cell = v[static_cast<std::size_t>(j * mesh.columns + i)];
      for (int reach = 1; !std::isfinite(cell); ++reach) {
        double sum = 0;
        int n = 0;
        visit_neighbours(known, mesh, i, j, reach, [&](float value) {
          sum += static_cast<double>(value);
          ++n;
        });
        if (n > 0) cell = static_cast<float>(sum / n);
      }
    }
  }
}

/// The step between tiles (di, dj) apart that all pairs in the window around (i, j) share: the smallest where all have
/// the same sign, else 0, so that scatter does not pass for a slope.
float common_step(const std::vector<float>& v, const Mesh& mesh, int i, int j, int reach, int di, int dj) {
  float low = std::numeric_limits<float>::infinity(), high = -low;
  for (int q = std::max(0, j - reach); q + dj <= std::min(mesh.rows - 1, j + reach); ++q) {
    for (int p = std::max(0, i - reach); p + di <= std::min(mesh.columns - 1, i + reach); ++p) {
      const float step = v[static_cast<std::size_t>((q + dj) * mesh.columns + p + di)] -
                         v[static_cast<std::size_t>(q * mesh.columns + p)];
      low = std::min(low, step);
      high = std::max(high, step);
    }
  }
  if (low > high) return 0;  // no pair
  if (low > 0) return low;
  return high < 0 ? high : 0.0F;
}

/// Median filter. \p keep_slope: at the rim the window lies to one side, so its own gradient is taken out first.
void median_filter(std::vector<float>& v, const Mesh& mesh, int side, bool keep_slope) {
  const std::vector<float> in = v;
  const int reach = side / 2;
  std::vector<float> window;
  for (int j = 0; j < mesh.rows; ++j) {
    for (int i = 0; i < mesh.columns; ++i) {
      const float along_x = keep_slope ? common_step(in, mesh, i, j, reach, 1, 0) : 0.0F;
      const float along_y = keep_slope ? common_step(in, mesh, i, j, reach, 0, 1) : 0.0F;
      window.clear();
      for (int q = std::max(0, j - reach); q <= std::min(mesh.rows - 1, j + reach); ++q) {
        for (int p = std::max(0, i - reach); p <= std::min(mesh.columns - 1, i + reach); ++p) {
          window.push_back(in[static_cast<std::size_t>(q * mesh.columns + p)] - static_cast<float>(p - i) * along_x -
                           static_cast<float>(q - j) * along_y);
        }
      }
      v[static_cast<std::size_t>(j * mesh.columns + i)] = interpolated_median(window);
    }
  }
}

double median_of(std::vector<float> v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return static_cast<double>(*middle);
}

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

}  // namespace

double Background::noise(double x, double y) const noexcept {
  return static_cast<double>(std::clamp(noise_.at(x, y), lowest_noise_, highest_noise_));
}

void Background::row(int y, std::span<float> level, std::span<float> noise) const noexcept {
  level_.row(y, level);
  noise_.row(y, noise);
  for (float& n : noise) n = std::clamp(n, lowest_noise_, highest_noise_);
}

Background estimate_background(const FrameView& frame, const BackgroundOptions& options, ParallelFor parallel) {
  Background result;
  const std::optional<double> first = frame.empty() ? std::nullopt : any_value(frame);
  if (!first) return result;
  result.pedestal_ = *first;

  Mesh mesh{tiles(frame.width, options.tile_px), tiles(frame.height, options.tile_px), {}, {}};
  const std::size_t n = static_cast<std::size_t>(mesh.columns) * static_cast<std::size_t>(mesh.rows);
  mesh.level.assign(n, std::numeric_limits<float>::quiet_NaN());
  mesh.noise = mesh.level;
  visit_pixels(frame, [&](auto pixels) {
    parallel(static_cast<std::size_t>(mesh.rows), 1, [&](std::size_t begin, std::size_t end) {
      std::vector<float> values;
      for (std::size_t j = begin; j < end; ++j) measure_tiles(frame, pixels, *first, static_cast<int>(j), mesh, values);
    });
  });
  if (std::ranges::none_of(mesh.level, [](float v) { return std::isfinite(v); })) return result;

  for (float& noise : mesh.noise) {  // a flat tile says nothing about the noise
    if (!(noise > 0)) noise = std::numeric_limits<float>::quiet_NaN();
  }
  result.reliable_ = std::ranges::any_of(mesh.noise, [](float v) { return std::isfinite(v); });
  if (!result.reliable_) std::ranges::fill(mesh.noise, static_cast<float>(noise_floor(frame)));
  for (auto* v : {&mesh.level, &mesh.noise}) {
    fill_unknown(*v, mesh);
  }
  const auto [lowest, highest] = std::ranges::minmax(mesh.noise);
  median_filter(mesh.level, mesh, options.filter_tiles, true);
  median_filter(mesh.noise, mesh, options.filter_tiles, false);
  result.lowest_noise_ = lowest;
  result.highest_noise_ = highest;
  result.median_level_ = *first + median_of(mesh.level);
  if (result.reliable_) result.median_noise_ = median_of(mesh.noise);
  result.level_ = MeshSurface(std::move(mesh.level), mesh.columns, mesh.rows, frame.width, frame.height);
  result.noise_ = MeshSurface(std::move(mesh.noise), mesh.columns, mesh.rows, frame.width, frame.height);
  return result;
}

}  // namespace starflow
