// SPDX-License-Identifier: MIT
#include "usual_width.hpp"

#include "median.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace starflow {
namespace {

constexpr double kSharpSnr = 20;      // of a sample
constexpr double kLeastSlack = 0.25;  // optics, focus and profile move a width that much over a frame
constexpr double kFewSlack = 0.5;     // the least where few samples tell neither the width nor its scatter well
constexpr double kScatters = 5;       // of the samples
constexpr double kTrail = 2.5;        // major over minor axis of what moved
constexpr double kSigmaPerMad = 1.4826;

/// What may be set of a lone star that is measured well.
constexpr Flags kHarmless =
    flag::forced_position | flag::undersampled | flag::background_unreliable | flag::at_bound | flag::cfa_fit;

/// Of a width in parts of itself, times S/N: the most that 8,000 lone stars of FWHM 1.4 to 4.2 px, S/N 10 to 800, were
/// above their frame's median; the parabola sees nine pixels alone.
double noise_of_width(Method method) { return method == Method::quadratic ? 45 : 7; }

bool measured(const StarRow& row) {
  return row.termination == Termination::converged && row.method_used == row.method && row.fwhm_major > 0;
}

}  // namespace

bool UsualWidth::offer(const StarRow& row) {
  if (measured(row) && row.snr > kSharpSnr && (row.flags & ~kHarmless) == 0) sample_[size_++] = row.fwhm_major;
  return size_ < kMost;
}

void UsualWidth::settle() {
  if (size_ < kFew) return;
  const std::span<double> samples(sample_.data(), size_);
  usual_ = upper_median(samples);
  for (double& v : samples) v = std::abs(v - usual_);
  const double least = size_ < kEnough ? kFewSlack : kLeastSlack;
  slack_ = std::max(least, kScatters * kSigmaPerMad * upper_median(samples) / usual_);
}

Flags UsualWidth::judge(const StarRow& row) const {
  const double snr = row.flux_aperture / row.flux_aperture_err;  // of all light that is there: it has made the width
  if (!measured(row) || !(snr > 0)) return 0;
  const double noise = noise_of_width(row.method) / snr;
  // Nine pixels do not tell a pair from a trail.
  const double ratio = row.method == Method::quadratic ? 1 : row.fwhm_major / row.fwhm_minor;
  if (!(usual_ > 0)) return ratio > kTrail * (1 + noise) ? flag::trailed : 0;
  if (row.fwhm_major / usual_ <= 1 + slack_ + noise) return 0;
  return ratio > kTrail ? flag::trailed : flag::extended;
}

}  // namespace starflow
