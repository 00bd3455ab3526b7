// SPDX-License-Identifier: MIT
#include "object_pixels.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace starflow {
namespace {

constexpr double kBeta = 3;
constexpr double kFaintest = 0.1;     // of the noise
constexpr double kMostFwhms = 15;     // of the brightest stars, whose light far out is no longer that of the profile
constexpr double kGaussArea = 1.133;  // of a Gaussian, FWHM^2: flux / peak

}  // namespace

std::vector<PixelRun> object_pixels(const Detections& stars, const Background& background) {
  std::vector<PixelRun> runs;
  const double fwhm = stars.fwhm_px;
  if (!(fwhm > 0)) return runs;
  const double alpha = 0.5 * fwhm / std::sqrt(std::pow(2, 1 / kBeta) - 1);
  for (std::size_t i = 0; i < stars.size(); ++i) {
    const double x = stars.x[i], y = stars.y[i];
    // The light of a saturated star is more than its highest pixel tells.
    const double peak = std::max(stars.peak[i], stars.flux[i] / (kGaussArea * fwhm * fwhm));
    const double above = peak / (kFaintest * background.noise(x, y));
    if (!(above > 1)) continue;
    const double radius = std::min(alpha * std::sqrt(std::pow(above, 1 / kBeta) - 1), kMostFwhms * fwhm);
    const int first = static_cast<int>(std::ceil(y - radius)), last = static_cast<int>(std::floor(y + radius));
    for (int row = first; row <= last; ++row) {
      const double half = std::sqrt(radius * radius - (row - y) * (row - y));
      runs.push_back({row, static_cast<int>(std::ceil(x - half)), static_cast<int>(std::floor(x + half)) + 1});
    }
  }
  std::ranges::stable_sort(runs, {}, &PixelRun::y);
  return runs;
}

}  // namespace starflow
