// SPDX-License-Identifier: MIT
#include "stamp_trials.hpp"

#include <starflow/core/parallel.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace starflow::test {
namespace {

FrameView view_of(const std::vector<float>& pixels, int width, int height) {
  FrameView v;
  v.pixels = pixels.data();
  v.type = PixelType::f32;
  v.width = width;
  v.height = height;
  v.row_bytes = static_cast<std::ptrdiff_t>(sizeof(float)) * width;
  return v;
}

}  // namespace

double TrialSky::level_adu() const { return pedestal_adu + background_e / gain_e_per_adu; }
double TrialSky::noise_e() const { return std::sqrt(background_e + read_noise_e * read_noise_e); }
Detector TrialSky::detector() const {
  Detector d;
  d.gain_e_per_adu = gain_e_per_adu;
  d.read_noise_e = read_noise_e;
  return d;
}

Background flat_background(double level_adu, double noise_adu) {
  constexpr int kSide = 64;  // one tile: the same level and noise everywhere
  std::vector<double> normal(kSide * kSide);
  Random random(1, 1);
  for (double& v : normal) v = random.normal();
  std::vector<float> pixels(normal.size());
  double level = level_adu, noise = noise_adu;
  const auto estimate = [&] {
    for (std::size_t i = 0; i < normal.size(); ++i) pixels[i] = static_cast<float>(level + noise * normal[i]);
    return estimate_background(view_of(pixels, kSide, kSide), {.tile_px = kSide, .filter_tiles = 1}, serial_for);
  };
  const Background first = estimate();
  noise *= noise_adu / first.median_noise();
  level -= (first.median_level() - level_adu) * noise_adu / first.median_noise();
  return estimate();
}

StampField::StampField(const FieldOptions& options, const TrialSky& sky, Random& random)
    : sky_(sky),
      columns_(static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(options.places))))),
      cell_(static_cast<std::size_t>(2 * options.half_cell_px + 1)) {
  const std::size_t rows = (options.places + columns_ - 1) / columns_;
  const std::size_t width = columns_ * cell_, height = rows * cell_;
  width_ = static_cast<int>(width);
  height_ = static_cast<int>(height);
  expected_e_.assign(width * height, sky.background_e);
  pixels_.resize(width * height);
  starts_.resize(options.places);
  std::vector<double> light(cell_ * cell_);
  for (std::size_t n = 0; n < options.places; ++n) {
    const std::size_t left = n % columns_ * cell_, top = n / columns_ * cell_;
    const double half = options.half_cell_px;
    x_.push_back(static_cast<double>(left) + half + random.uniform() - 0.5);
    y_.push_back(static_cast<double>(top) + half + random.uniform() - 0.5);
    const PixelBox cell{static_cast<int>(left), static_cast<int>(left + cell_), static_cast<int>(top),
                        static_cast<int>(top + cell_)};
    pixel_light(options.shape, x_[n], y_[n], cell, light);
    double brightest = 0;
    for (std::size_t i = 0; i < light.size(); ++i) {
      expected_e_[(top + i / cell_) * width + left + i % cell_] += options.flux_e * light[i];
      brightest = std::max(brightest, light[i]);
    }
    double dx = 0, dy = 0;
    do {
      dx = options.start_reach_px * (2 * random.uniform() - 1);
      dy = options.start_reach_px * (2 * random.uniform() - 1);
    } while (options.start_area == StartArea::disc && std::hypot(dx, dy) > options.start_reach_px);
    starts_.x[n] = x_[n] + dx;
    starts_.y[n] = y_[n] + dy;
    starts_.peak[n] = options.flux_e * brightest / sky.gain_e_per_adu;
    starts_.flux[n] = options.flux_e / sky.gain_e_per_adu;
    starts_.id[n] = static_cast<std::int64_t>(n);
    starts_.xx[n] = starts_.yy[n] = starts_.xy[n] = 0;  // none
    starts_.flags[n] = 0;
  }
}

std::size_t StampField::place_of(double x, double y) const noexcept {
  if (!(x >= -0.5 && y >= -0.5 && x < width_ - 0.5 && y < height_ - 0.5)) return size();
  const auto column = static_cast<std::size_t>(x + 0.5) / cell_, row = static_cast<std::size_t>(y + 0.5) / cell_;
  return std::min(size(), row * columns_ + column);
}

void StampField::expose(Random& noise) {
  for (std::size_t i = 0; i < expected_e_.size(); ++i) {
    const double electrons = noise.poisson(expected_e_[i]) + sky_.read_noise_e * noise.normal();
    pixels_[i] = static_cast<float>(sky_.pedestal_adu + electrons / sky_.gain_e_per_adu);
  }
}

void StampField::expose_without_noise() {
  for (std::size_t i = 0; i < expected_e_.size(); ++i)
    pixels_[i] = static_cast<float>(sky_.pedestal_adu + expected_e_[i] / sky_.gain_e_per_adu);
}

FrameView StampField::view() const noexcept { return view_of(pixels_, width_, height_); }

}  // namespace starflow::test
