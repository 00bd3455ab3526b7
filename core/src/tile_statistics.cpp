// SPDX-License-Identifier: MIT
#include "tile_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace starflow {
namespace {

constexpr double kClip = 3;
// Standard deviation of a unit normal cut at +-3: sqrt(1 - 6 phi(3) / (2 Phi(3) - 1)).
constexpr double kClippedSigma = 0.986578;
constexpr int kMaxRounds = 20;

struct Moments {
  double mean = 0, sigma = 0;
};

Moments moments(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v);
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (const float v : values) squares += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size()))};
}

/// Half the width between the median and the 15.9th percentile: the side that stars do not touch.
double lower_sigma(std::span<float> values, float median) {
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(0.158655 * static_cast<double>(values.size()));
  std::nth_element(values.begin(), nth, values.end());
  return static_cast<double>(median) - static_cast<double>(*nth);
}

}  // namespace

float interpolated_median(std::span<float> values) noexcept {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  const float m = *middle;
  std::size_t below = 0, equal = 0;
  float next_below = -INFINITY, next_above = INFINITY;
  for (const float v : values) {
    if (v < m) {
      ++below;
      next_below = std::max(next_below, v);
    } else if (v > m) {
      next_above = std::min(next_above, v);
    } else {
      ++equal;
    }
  }
  if (equal == values.size()) return m;
  // A side without a neighbour gets the other side's gap.
  const float gap_below = std::isfinite(next_below) ? m - next_below : next_above - m;
  const float gap_above = std::isfinite(next_above) ? next_above - m : gap_below;
  const double rank =
      (static_cast<double>(values.size()) / 2 - static_cast<double>(below)) / static_cast<double>(equal);
  const double low = static_cast<double>(m) - static_cast<double>(gap_below) / 2;
  const double high = static_cast<double>(m) + static_cast<double>(gap_above) / 2;
  return static_cast<float>(low + rank * (high - low));
}

TileStatistics clipped_statistics(std::span<float> values) noexcept {
  float median = interpolated_median(values);
  double sigma = lower_sigma(values, median);
  if (!(sigma > 0)) sigma = moments(values).sigma;  // most pixels tie
  double mean = static_cast<double>(median);
  for (int round = 0; round < kMaxRounds; ++round) {
    const double low = static_cast<double>(median) - kClip * sigma, high = static_cast<double>(median) + kClip * sigma;
    const auto end = std::partition(values.begin(), values.end(), [low, high](float v) {
      return static_cast<double>(v) >= low && static_cast<double>(v) <= high;
    });
    const auto kept = static_cast<std::size_t>(end - values.begin());
    if (kept == 0) break;
    const bool settled = kept == values.size() && round > 0;
    values = values.first(kept);
    const Moments m = moments(values);
    median = interpolated_median(values);
    mean = m.mean;
    sigma = m.sigma / kClippedSigma;
    if (settled) break;
  }
  const bool crowded = std::abs(mean - static_cast<double>(median)) > 0.3 * sigma;
  const double level = crowded ? static_cast<double>(median) : 2.5 * static_cast<double>(median) - 1.5 * mean;
  return {static_cast<float>(level), static_cast<float>(sigma)};
}

}  // namespace starflow
