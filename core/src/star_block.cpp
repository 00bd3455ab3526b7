// SPDX-License-Identifier: MIT
#include "star_block.hpp"

#include "nearest_pixel.hpp"
#include "plain_pixels.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace starflow {
namespace {

constexpr float kAlike = 1e-5F;  // rounding of variances that are 1

/// A star with the pixels of its frame in their type.
template <class T>
struct Typed : StarBlock::Source {
  Plane<T> pixels;
};

/// One block pixel summed over its pixels of the frame.
struct Cell {
  double sum = 0, variance = 0;
  int counted = 0, inside = 0;
  bool saturated = false;
  bool other = false;  // of a colour that is not to be read
};

template <class T>
Cell cell(const Typed<T>& s, int first_x, int first_y, int pitch) {
  Cell c;
  const FrameView& f = s.frame;
  const bool mosaic = f.mosaic != Mosaic::none;
  for (int y = std::max(0, first_y); y < std::min(f.height, first_y + pitch); ++y) {
    for (int x = std::max(0, first_x); x < std::min(f.width, first_x + pitch); ++x) {
      ++c.inside;
      const T raw = s.pixels.row(y)[x];
      const MosaicPhase* phase = mosaic ? &s.phases[mosaic_phase(x, y)] : nullptr;
      const LocalSky& sky = mosaic ? phase->sky : s.sky;
      const double response = mosaic ? phase->response : 1;
      c.other = c.other || response == 0;
      if (response == 0 || !is_valid(f, x, y, raw)) continue;
      ++c.counted;
      const double level = sky.level + sky.slope_x * (x - s.x) + sky.slope_y * (y - s.y);
      c.sum += (static_cast<double>(raw) - level) / response;
      const double variance = f.variance ? static_cast<double>(f.variance.row(y)[x]) : sky.noise * sky.noise;
      c.variance += variance / (response * response);
      c.saturated = c.saturated || static_cast<double>(raw) >= s.detector.saturation_adu;
    }
  }
  return c;
}

/// The smallest variance of a whole block pixel in ADU^2; the sky's where none is whole.
template <class T>
double lowest_variance(const Typed<T>& s, int side, int pitch) {
  const int area = pitch * pitch;
  double lowest = std::numeric_limits<double>::infinity();
  if (s.frame.variance) {
    for (int j = 0; j < side; ++j) {
      for (int i = 0; i < side; ++i) {
        const Cell c = cell(s, s.first_x + i * pitch, s.first_y + j * pitch, pitch);
        if (c.counted == area && !c.saturated) lowest = std::min(lowest, c.variance);
      }
    }
  }
  return std::isfinite(lowest) ? lowest : s.sky.noise * s.sky.noise * area;
}

template <class T>
void fill_any(StarBlock& block, std::size_t lane, const Typed<T>& s) {
  const int side = static_cast<int>(block.side()), pitch = block.pitch;
  const double area = pitch * pitch, unit = std::sqrt(lowest_variance(s, side, pitch));
  block.unit_adu[lane] = unit;
  std::size_t k = lane;
  for (int j = 0; j < side; ++j) {
    for (int i = 0; i < side; ++i, k += block.lanes) {
      const Cell c = cell(s, s.first_x + i * pitch, s.first_y + j * pitch, pitch);
      float value = 0, variance = c.other        ? StarBlock::kOtherColour
                                  : c.inside > 0 ? StarBlock::kMasked
                                                 : StarBlock::kOutside;
      if (2 * c.counted > pitch * pitch) {  // what is missing of a block pixel counts as the mean of the rest
        const double whole = area / c.counted, light = c.sum * whole / unit;
        if (std::abs(light) <= static_cast<double>(StarBlock::kHighest)) {
          value = static_cast<float>(light);
          variance = static_cast<float>(std::min(c.variance * whole * whole / (unit * unit), 1e28));
          if (c.saturated) variance = -variance;
        }
      }
      block.value[k] = value;
      block.variance[k] = variance;
      block.clean[lane] = block.clean[lane] && std::abs(variance - 1) < kAlike;
    }
  }
}

/// The middle of the central block pixel of a square about (x, y), less what an even pitch shifts it by. Far outside of
/// the frame every pixel is missing, wherever it is exactly: this keeps hostile positions out of integer arithmetic.
PixelIndex central_pixel(const FrameView& frame, int pitch, double& x, double& y) {
  const double far = 4.0 * StarBlock::kMaxSide * pitch, half = 0.5 * (pitch - 1);
  x = std::clamp(x, -far, frame.width + far);
  y = std::clamp(y, -far, frame.height + far);
  return nearest_pixel(frame, x, y, half, 3 * pitch);
}

}  // namespace

void begin_block(StarBlock& block, int radius, int pitch) {
  block.radius = radius;
  block.pitch = pitch;
  block.lanes = simd_lanes();
  block.size = 0;
  const std::size_t n = block.side() * block.side() * block.lanes;
  if (block.plain < n) std::fill_n(block.variance.begin(), n, 1.0F);
  block.plain = std::max(block.plain, n);
}

void add_star(
    StarBlock& block, const FrameView& frame, const Detector& detector, const LocalSky& sky, double x, double y) {
  const std::size_t lane = block.size++;
  const int pitch = block.pitch;
  const PixelIndex corner = central_pixel(frame, pitch, x, y);
  const double half = 0.5 * (pitch - 1);  // an even pitch has its middle between two pixels of the frame
  block.centre_x[lane] = corner.x + half;
  block.centre_y[lane] = corner.y + half;
  block.x[lane] = static_cast<float>((x - block.centre_x[lane]) / pitch);
  block.y[lane] = static_cast<float>((y - block.centre_y[lane]) / pitch);
  block.source[lane] = {frame, detector, sky, x, y, corner.x - block.radius * pitch, corner.y - block.radius * pitch,
                        {}};
}

void fetch_ahead(const StarBlock& block, const FrameView& frame, double x, double y) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  const PixelIndex middle = central_pixel(frame, block.pitch, x, y);
  const int reach = block.radius * block.pitch, side = static_cast<int>(block.side()) * block.pitch;
  const PixelIndex corner{middle.x - reach, middle.y - reach};
  const int first = std::max(0, corner.x), last = std::min(frame.width, corner.x + side) - 1;
  if (last < first) return;
  visit_pixels(frame, [&](auto pixels) {
    for (int row = std::max(0, corner.y); row < std::min(frame.height, corner.y + side); ++row) {
      __builtin_prefetch(pixels.row(row) + first);
      __builtin_prefetch(pixels.row(row) + last);
    }
  });
}

void end_block(StarBlock& block) {
  for (std::size_t lane = block.size; lane < block.lanes; ++lane) {
    block.source[lane] = block.source[0];
    block.x[lane] = block.x[0];
    block.y[lane] = block.y[0];
    for (auto& quantity : block.shape) quantity[lane] = quantity[0];
  }
  read_plain(block);
  for (std::size_t lane = 0; lane < block.lanes; ++lane) {
    const StarBlock::Source& source = block.source[lane];
    block.unit_adu[lane] = source.sky.noise;
    if (!block.clean[lane]) {
      block.clean[lane] = true;
      block.plain = 0;
      visit_pixels(source.frame, [&]<class T>(Plane<T> pixels) { fill_any(block, lane, Typed<T>{source, pixels}); });
    }
    const double gain = source.detector.gain_e_per_adu;
    block.per_gain[lane] = gain > 0 ? static_cast<float>(1 / (gain * block.unit_adu[lane])) : 0.0F;
  }
}

PixelCensus census(const StarBlock& block, std::size_t lane, int radius) {
  PixelCensus out;
  const int side = 2 * radius + 1;
  if (block.clean[lane]) {
    out.n_pix = side * side;
    return out;
  }
  for (int j = -radius; j <= radius; ++j) {
    for (int i = -radius; i <= radius; ++i) {
      const std::size_t k =
          block.index(static_cast<std::size_t>(i + block.radius), static_cast<std::size_t>(j + block.radius), lane);
      const float v = block.variance[k];
      if (v > 0 && v < StarBlock::kMissing) {
        ++out.n_pix;
      } else if (v == StarBlock::kOutside) {
        out.flags |= flag::edge;
      } else if (v == StarBlock::kNeighbour) {
        ++out.n_masked;
        out.flags |= flag::neighbour_masked;
      } else if (v != StarBlock::kOtherColour) {
        ++out.n_masked;
        out.flags |= v < 0 ? flag::saturated : flag::bad_pixel;
        if (v > 0 && std::hypot(static_cast<float>(i) - block.x[lane], static_cast<float>(j) - block.y[lane]) <= 1)
          out.flags |= flag::bad_pixel_center;
      }
    }
  }
  return out;
}

}  // namespace starflow
