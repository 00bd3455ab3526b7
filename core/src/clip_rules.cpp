// SPDX-License-Identifier: MIT
#include "clip_rules.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace starflow {
namespace {

// Pixels that the clip took from the bright side less those from the dark one, as a part of those it left. Noise alone
// has about 0.02 s + 0.12 s^2 of them, s being the skewness of those that were left (Poisson and gamma
// distributions of skewness 0.03..1, by their formulas). Above that come stars, and from kManyBright more of them on,
// their wings below the clip matter.
constexpr double kFewBright = 0.001, kBrightPerSkew = 0.02, kBrightPerSkew2 = 0.12, kManyBright = 0.005;
// The clip reaches further by this many sigma and unit of skewness into the longer tail of mere noise: the mean of the
// same distributions is then right to 0.004 sigma, and sigma to 0.6 %; of Poisson to 0.0011 sigma and 0.25 %.
constexpr double kWiden = 6, kMostSkew = 0.6;

/// Standard deviation of a unit normal cut at +-c.
double kept_sigma(double c) {
  if (!(c > 0 && c < 10)) return 1;
  const double density = std::exp(-0.5 * c * c) / std::sqrt(2 * std::numbers::pi);
  return std::sqrt(1 - 2 * c * density / std::erf(c / std::numbers::sqrt2));
}

}  // namespace

double uncut_sigma(double kept, double reach, double guess, int steps) noexcept {
  double sigma = guess;
  for (int i = 0; i < steps; ++i) {
    const double before = sigma;
    sigma = kept / kept_sigma(reach / sigma);
    if (std::abs(sigma - before) < 1e-7 * sigma) break;
  }
  return sigma;
}

double star_weight(double skew, double bright, double edge) noexcept {
  const double lopsided = std::clamp(skew, 0.0, kMostSkew);
  const double few = kFewBright + lopsided * (kBrightPerSkew + lopsided * kBrightPerSkew2) + 0.5 * edge;
  return std::clamp((bright - few) / kManyBright, 0.0, 1.0);
}

double widening(double skew) noexcept { return kWiden * std::min(std::abs(skew), kMostSkew); }

}  // namespace starflow
