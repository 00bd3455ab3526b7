// SPDX-License-Identifier: MIT
#include "filtered_star.hpp"

#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace starflow {
namespace {

constexpr double kReachSigmas = 7;  // of the star: what the filter and the star's own 4 sigma reach together
constexpr double kStepsPerPx = 64, kStepsPerFwhm = 512;  // linear in between: right to 2e-4 of the amplitude

/// Light of a unit Gaussian in the pixel at \p u along one axis.
double pixel_light(double u, double sigma) {
  const double scale = 1 / (sigma * std::numbers::sqrt2);
  return 0.5 * (std::erf((u + 0.5) * scale) - std::erf((u - 0.5) * scale));
}

double pixel_slope(double u, double sigma) {
  const auto density = [sigma](double e) { return std::exp(-0.5 * e * e / (sigma * sigma)); };
  return (density(u + 0.5) - density(u - 0.5)) / (sigma * std::sqrt(2 * std::numbers::pi));
}

}  // namespace

FilteredStar::FilteredStar(const StarFilter& filter, double fwhm_px)
    : fwhm_px_(fwhm_px), filter_radius_(filter.radius) {
  const double sigma = fwhm_px * kSigmaPerFwhm;
  reach_ = kReachSigmas * sigma + 1;
  per_px_ = std::min(kStepsPerPx, std::max(8.0, kStepsPerFwhm / fwhm_px));
  const auto filtered = [&](double u, auto light) {
    double sum = 0;
    for (int i = -filter.radius; i <= filter.radius; ++i) {
      if (std::abs(u - i) > reach_) continue;
      sum += static_cast<double>(filter.k[static_cast<std::size_t>(i + filter.radius)]) * light(u - i, sigma);
    }
    return sum;
  };
  const double centre = filtered(0, pixel_light);
  const auto steps = static_cast<std::size_t>(std::ceil(reach_ * per_px_)) + 2;
  for (std::size_t i = 0; i < steps; ++i) {
    const double u = static_cast<double>(i) / per_px_;
    profile_.push_back(static_cast<float>(filtered(u, pixel_light) / centre));
    slope_.push_back(static_cast<float>(filtered(u, pixel_slope) / centre));
  }
  flux_of_unit_ = 1 / (centre * centre);
  double sum = 0;
  for (const float k : filter.k) sum += static_cast<double>(k);
  filter_sum_ = sum * sum;
}

double FilteredStar::radius(double amplitude, double least) const noexcept {
  // Of a Gaussian as wide as star and filter together; the pixels' own width makes it a little wider.
  const double sigma = fwhm_px_ * kSigmaPerFwhm, variance = 2 * sigma * sigma + 2 * kPixelVariance;
  const double fall = amplitude / least;
  return fall > 1 ? std::min(reach_, std::sqrt(2 * variance * std::log(fall))) : 0.0;
}

}  // namespace starflow
