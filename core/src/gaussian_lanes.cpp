// SPDX-License-Identifier: MIT
#include "gaussian_lanes.hpp"

#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gaussian_lanes.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "gaussian_lanes-inl.hpp"

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(fit_batch);
HWY_EXPORT(batch_lanes);

namespace {

constexpr float kMaskedVariance = 1e30F;  // its weight is 0 beside any other

/// Index of (i, j), j <= i, in a packed lower triangle.
std::size_t packed(std::size_t i, std::size_t j) { return i * (i + 1) / 2 + j; }

}  // namespace

std::size_t GaussianLanes::lanes() { return HWY_DYNAMIC_DISPATCH(batch_lanes)(); }

void GaussianLanes::begin(const GaussianFitOptions& options) {
  options_ = options;
  size_ = 0;
  stride_ = lanes();
  batch_.radius = static_cast<int>(options.radius_px);
  batch_.max_iterations = options.max_iterations;
  batch_.reach = static_cast<float>(options.max_step_px());
  batch_.farthest = static_cast<float>(options.farthest_px());
  batch_.max_sigma = static_cast<float>(options.max_sigma_px());
}

void GaussianLanes::add(const Stamp& stamp, double x, double y) {
  const std::size_t lane = size_++, stride = stride_;
  const int cx = static_cast<int>(std::lround(x)), cy = static_cast<int>(std::lround(y)), r = batch_.radius;
  GaussianFit& fit = fits_[lane];
  fit = {};
  double peak = 0, lowest = 0;
  const StampWindow box = window_around(stamp, cx, cy, r);
  for (int j = box.y_begin; j < box.y_end; ++j) {
    for (int i = box.x_begin; i < box.x_end; ++i) {
      const double v = stamp.variance[stamp.index(i, j)];
      if (v > 0 && (lowest == 0 || v < lowest)) lowest = v;
    }
  }
  noise_[lane] = lowest > 0 ? std::sqrt(lowest) : 1.0;
  const double unit = 1 / noise_[lane];
  for (int j = -r; j <= r; ++j) {
    for (int i = -r; i <= r; ++i) {
      const int column = cx + i - stamp.x0, row = cy + j - stamp.y0;
      const bool inside = column >= 0 && row >= 0 && column < stamp.width && row < stamp.height;
      const double variance = inside ? stamp.variance[stamp.index(column, row)] : 0.0;
      const double value = inside ? stamp.value[stamp.index(column, row)] : 0.0;
      const std::size_t k = static_cast<std::size_t>((j + r) * (2 * r + 1) + i + r) * stride + lane;
      batch_.value[k] = variance > 0 ? static_cast<float>(value * unit) : 0.0F;
      batch_.variance[k] = variance > 0 ? static_cast<float>(variance * unit * unit) : kMaskedVariance;
      fit.n_pix += variance > 0 ? 1 : 0;
      fit.n_masked += inside && variance <= 0 ? 1 : 0;
      const bool central = std::abs(cx + i - x) < 1.5 && std::abs(cy + j - y) < 1.5;
      if (central && variance != 0) peak = std::max(peak, value);
    }
  }
  const double sigma = options_.start_sigma_px();
  const double flux = peak * unit * 2 * std::numbers::pi * (sigma * sigma + kPixelVariance);
  const std::array<double, kGaussianParameters> start = {x - cx, y - cy, flux, sigma, sigma, 0};
  for (std::size_t p = 0; p < kGaussianParameters; ++p) {
    batch_.start[p * stride + lane] = static_cast<float>(start[p]);
  }
  batch_.per_gain[lane] = options_.gain_e_per_adu > 0 ? static_cast<float>(unit / options_.gain_e_per_adu) : 0.0F;
  centre_x_[lane] = cx;
  centre_y_[lane] = cy;
  start_x_[lane] = x;
  start_y_[lane] = y;
}

void GaussianLanes::run() {
  const std::size_t stride = stride_;
  for (std::size_t lane = size_; lane < stride; ++lane) {  // idle lanes repeat the first star: no arithmetic on rubbish
    const auto repeat = [&](auto& array, std::size_t n) {
      for (std::size_t k = 0; k < n; ++k) array[k * stride + lane] = array[k * stride];
    };
    const auto side = static_cast<std::size_t>(2 * batch_.radius + 1);
    repeat(batch_.value, side * side);
    repeat(batch_.variance, side * side);
    repeat(batch_.start, kGaussianParameters);
    repeat(batch_.per_gain, 1);
  }
  HWY_DYNAMIC_DISPATCH(fit_batch)(batch_);
  for (std::size_t lane = 0; lane < size_; ++lane) {
    GaussianFit& fit = fits_[lane];
    const double noise = noise_[lane];
    const std::array<double, kGaussianParameters> unit = {1, 1, noise, 1, 1, noise};
    for (std::size_t i = 0; i < kGaussianParameters; ++i) {
      fit.value[i] = static_cast<double>(batch_.fitted[i * stride + lane]) * unit[i];
      for (std::size_t j = 0; j <= i; ++j) {
        const double c = static_cast<double>(batch_.covariance[packed(i, j) * stride + lane]) * unit[i] * unit[j];
        fit.covariance[i][j] = fit.covariance[j][i] = c;
      }
    }
    fit.value[0] += centre_x_[lane];
    fit.value[1] += centre_y_[lane];
    fit.chi2 = static_cast<double>(batch_.chi2[lane]);
    fit.residual_fraction = static_cast<double>(batch_.residual[lane]) / static_cast<double>(batch_.light[lane]);
    fit.iterations = static_cast<int>(batch_.iterations[lane]);
    fit.termination = batch_.converged[lane] > 0 ? Termination::converged : Termination::max_iterations;
    if (fit.n_pix <= kGaussianParameters) fit.termination = Termination::too_few_pixels;
    if (fit.termination == Termination::converged) {
      fit.termination = judge_gaussian(fit, start_x_[lane], start_y_[lane], options_);
    }
  }
}

}  // namespace starflow
#endif  // HWY_ONCE
