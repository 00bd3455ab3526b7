// SPDX-License-Identifier: MIT
#include "usual_skew.hpp"

#include "median.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace starflow {
namespace {

constexpr double kTells = 100;  // S/N of a sample: fainter ones show no skewness of 0.04 though they have it
/// Of the samples: not all that are lopsided are bright enough to show it.
constexpr double kUsual = 0.75;
/// No Gaussian in place of a Moffat, round star in place of an ellipse or pixel of an undersampled star leaves more.
constexpr double kLeastSlack = 0.02;
constexpr double kScatters = 5;  // of the samples
constexpr double kSigmaPerMad = 1.4826;

}  // namespace

void UsualSkew::offer(const StarRow& row) {
  if (size_ == kMost || row.termination != Termination::converged || row.method_used != row.method) return;
  if (row.snr > kTells && (row.flags & (flag::saturated | flag::edge)) == 0) sample_[size_++] = row.skew;
}

void UsualSkew::settle() {
  if (size_ < kEnough) return;
  const std::span<double> samples(sample_.data(), size_);
  const auto at = samples.begin() + static_cast<std::ptrdiff_t>(kUsual * static_cast<double>(size_));
  std::ranges::nth_element(samples, at);
  const double usual = *at;
  for (double& v : samples) v = std::abs(v - usual);
  limit_ = usual + std::max(kLeastSlack, kScatters * kSigmaPerMad * upper_median(samples));
}

Flags UsualSkew::judge(const StarRow& row) const { return limit_ > 0 && row.skew > limit_ ? flag::poor_fit : 0; }

}  // namespace starflow
