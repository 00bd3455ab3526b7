// SPDX-License-Identifier: MIT
#include "dao_shape.hpp"

#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace starflow {
namespace {

constexpr double kFootprintSigmas = 1.5, kMinFootprint = 2;

double gaussian(int dx, int dy, double sigma) { return std::exp(-0.5 * (dx * dx + dy * dy) / (sigma * sigma)); }

}  // namespace

DaoShape::DaoShape(double fwhm_px) {
  const double sigma = fwhm_px * kSigmaPerFwhm, reach = std::max(kMinFootprint, kFootprintSigmas * sigma);
  radius_ = static_cast<int>(reach);
  if (radius_ > kMaxRadius) {
    radius_ = 0;
    return;
  }
  set_kernel(sigma, reach);
  set_marginal(sigma);
}

/// The height of the Gaussian plus constant that fits the footprint best is linear in the pixels.
void DaoShape::set_kernel(double sigma, double reach) {
  const auto each = [&](auto&& visit) {
    for (int dy = -radius_; dy <= radius_; ++dy) {
      for (int dx = -radius_; dx <= radius_; ++dx) {
        if (dx * dx + dy * dy <= reach * reach) visit(dx, dy, gaussian(dx, dy, sigma));
      }
    }
  };
  double sum = 0, squares = 0;
  each([&](int dx, int dy, double g) {
    ++n_inside_;
    half_width_[static_cast<std::size_t>(dy + radius_)] = std::abs(dx);
    sum += g;
    squares += g * g;
  });
  const double mean = sum / n_inside_, norm = squares - sum * mean;
  each([&](int dx, int dy, double g) { kernel_[at(dx, dy)] = static_cast<float>((g - mean) / norm); });
}

/// So is that of the 1-D Gaussian plus constant that fits the marginal sums best, both axes weighted by a triangle.
void DaoShape::set_marginal(double sigma) {
  std::array<double, kMaxSide> model{};
  double weights = 0, sum = 0, squares = 0;
  for (int a = -radius_; a <= radius_; ++a) {
    double& g = model[static_cast<std::size_t>(a + radius_)];
    for (int b = -radius_; b <= radius_; ++b) g += static_cast<double>(triangle(b)) * gaussian(a, b, sigma);
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

}  // namespace starflow
