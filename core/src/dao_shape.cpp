// SPDX-License-Identifier: MIT
#include "dao_shape.hpp"

#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace starflow {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kFootprintSigmas = 1.5, kMinFootprint = 2;

}  // namespace

DaoShape::DaoShape(double fwhm_px) {
  const double sigma = fwhm_px * kSigmaPerFwhm, reach = std::max(kMinFootprint, kFootprintSigmas * sigma);
  radius_ = static_cast<int>(reach);
  if (radius_ > kMaxRadius) {
    radius_ = 0;
    return;
  }
  double sum = 0, squares = 0;
  for (int dy = -radius_; dy <= radius_; ++dy) {
    for (int dx = -radius_; dx <= radius_; ++dx) {
      const std::size_t k = at(dx, dy);
      gaussian_[k] = std::exp(-0.5 * (dx * dx + dy * dy) / (sigma * sigma));
      inside_[k] = dx * dx + dy * dy <= reach * reach;
      if (!inside_[k]) continue;
      ++n_inside_;
      half_width_[static_cast<std::size_t>(dy + radius_)] = std::abs(dx);
      sum += gaussian_[k];
      squares += gaussian_[k] * gaussian_[k];
    }
  }
  const double mean = sum / n_inside_, norm = squares - sum * mean;
  for (std::size_t k = 0; k < kernel_.size(); ++k) kernel_[k] = inside_[k] ? (gaussian_[k] - mean) / norm : 0.0;
  std::ranges::transform(kernel_, lane_kernel_.begin(), [](double v) { return static_cast<float>(v); });
  set_marginal();
}

/// The height that marginal_height() fits is linear in the pixels; this is what each place along the axis counts.
void DaoShape::set_marginal() {
  std::array<double, kMaxSide> model{};
  double weights = 0, sum = 0, squares = 0;
  for (int a = -radius_; a <= radius_; ++a) {
    double& g = model[static_cast<std::size_t>(a + radius_)];
    for (int b = -radius_; b <= radius_; ++b) g += static_cast<double>(triangle(b)) * gaussian_[at(a, b)];
    const auto w = static_cast<double>(triangle(a));
    weights += w;
    sum += w * g;
    squares += w * g * g;
  }
  for (int a = -radius_; a <= radius_; ++a) {
    const auto k = static_cast<std::size_t>(a + radius_);
    const double above_mean = model[k] - sum / weights;
    marginal_[k] = static_cast<float>(static_cast<double>(triangle(a)) * above_mean / (squares - sum * sum / weights));
  }
}

/// Height of the Gaussian that fits the pixels about (column, row) best.
double DaoShape::filtered(const Stamp& stamp, int column, int row) const {
  double sum = 0;
  for (int dy = -radius_; dy <= radius_; ++dy) {
    for (int dx = -radius_; dx <= radius_; ++dx)
      sum += kernel_[at(dx, dy)] * stamp.value[stamp.index(column + dx, row + dy)];
  }
  return sum;
}

/// Height of the 1-D Gaussian plus constant that fits the marginal sums best, both axes weighted by a triangle.
double DaoShape::marginal_height(const Stamp& stamp, int column, int row, bool along_x) const {
  double weight = 0, model = 0, model2 = 0, data = 0, data_model = 0;
  for (int a = -radius_; a <= radius_; ++a) {
    double g = 0, f = 0;
    for (int b = -radius_; b <= radius_; ++b) {
      const int dx = along_x ? a : b, dy = along_x ? b : a;
      const double w = radius_ + 1 - std::abs(b);
      g += w * gaussian_[at(dx, dy)];
      f += w * stamp.value[stamp.index(column + dx, row + dy)];
    }
    const double w = radius_ + 1 - std::abs(a);
    weight += w;
    model += w * g;
    model2 += w * g * g;
    data += w * f;
    data_model += w * f * g;
  }
  return (data_model - data * model / weight) / (model2 - model * model / weight);
}

DaoNumbers DaoShape::measure(const Stamp& stamp, int column, int row) const {
  DaoNumbers out{kNaN, kNaN, kNaN};
  const int reach = 2 * radius_;
  if (radius_ == 0 || column < reach || row < reach || column + reach >= stamp.width || row + reach >= stamp.height)
    return out;
  for (int dy = -reach; dy <= reach; ++dy) {
    for (int dx = -reach; dx <= reach; ++dx) {
      if (stamp.variance[stamp.index(column + dx, row + dy)] == 0) return out;
    }
  }
  const double height = filtered(stamp, column, row);
  if (!(height > 0)) return out;
  double around = 0, quadrants = 0, total = 0;
  for (int dy = -radius_; dy <= radius_; ++dy) {
    for (int dx = -radius_; dx <= radius_; ++dx) {
      if (dx == 0 && dy == 0) continue;
      if (inside_[at(dx, dy)]) around += stamp.value[stamp.index(column + dx, row + dy)];
      const double v = filtered(stamp, column + dx, row + dy);
      quadrants += positive_quadrant(dx, dy) ? v : -v;
      total += std::abs(v);
    }
  }
  const double peak = stamp.value[stamp.index(column, row)];
  out.sharpness = (peak - around / (n_inside_ - 1)) / height;
  if (total > 0) out.roundness1 = 2 * quadrants / total;
  const double hx = marginal_height(stamp, column, row, true), hy = marginal_height(stamp, column, row, false);
  if (hx > 0 && hy > 0) out.roundness2 = 2 * (hx - hy) / (hx + hy);
  return out;
}

}  // namespace starflow
