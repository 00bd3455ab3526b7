// SPDX-License-Identifier: MIT
#include "tile_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace starflow {
namespace {

constexpr double kClip = 3;
constexpr int kMaxRounds = 30;

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

/// The value below which `fraction` of \p values lies. Ties are spread over the gap to their neighbours.
float interpolated_quantile(std::span<float> values, double fraction) {
  const double wanted = fraction * static_cast<double>(values.size());
  const auto nth =
      values.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), nth, values.end());
  const float m = *nth;
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
  const double rank = (wanted - static_cast<double>(below)) / static_cast<double>(equal);
  const double low = static_cast<double>(m) - static_cast<double>(gap_below) / 2;
  const double high = static_cast<double>(m) + static_cast<double>(gap_above) / 2;
  return static_cast<float>(low + rank * (high - low));
}

/// Half the width between the median and the 15.9th percentile: the side that stars do not touch.
double lower_sigma(std::span<float> values, float median) {
  return static_cast<double>(median) - static_cast<double>(interpolated_quantile(values, 0.158655));
}

struct Clip {
  double low = 0, high = 0;
};

/// `reach` to both sides; the limits of integer pixels lie half way between two values, so that it is known what is
/// cut.
Clip clip_around(double median, double reach, double quantum) {
  if (quantum == 0) return {median - reach, median + reach};
  return {(std::floor((median - reach) / quantum) + 0.5) * quantum,
          (std::ceil((median + reach) / quantum) - 0.5) * quantum};
}

/// Standard deviation of a unit normal cut at +-c.
double kept_sigma(double c) {
  if (!(c > 0 && c < 10)) return 1;
  const double density = std::exp(-0.5 * c * c) / std::sqrt(2 * std::numbers::pi);
  return std::sqrt(1 - 2 * c * density / std::erf(c / std::numbers::sqrt2));
}

/// The sigma of the normal whose part within +-reach has the standard deviation \p kept. \p guess starts the iteration.
double uncut_sigma(double kept, double reach, double guess) {
  double sigma = guess;
  for (int i = 0; i < 20; ++i) sigma = kept / kept_sigma(reach / sigma);
  return sigma;
}

}  // namespace

float interpolated_median(std::span<float> values) noexcept { return interpolated_quantile(values, 0.5); }

TileStatistics clipped_statistics(std::span<float> values, double quantum) noexcept {
  float median = interpolated_median(values);
  double sigma = lower_sigma(values, median);
  if (!(sigma > 0)) sigma = moments(values).sigma;  // most pixels tie
  double mean = static_cast<double>(median), reach = kClip * sigma;
  for (int round = 0; round < kMaxRounds; ++round) {
    const Clip clip = clip_around(static_cast<double>(median), reach, quantum);
    const auto end = std::partition(values.begin(), values.end(), [&clip](float v) {
      return static_cast<double>(v) >= clip.low && static_cast<double>(v) <= clip.high;
    });
    const bool settled = end == values.end() && round > 0;
    if (end == values.begin()) break;
    values = values.first(static_cast<std::size_t>(end - values.begin()));
    const Moments m = moments(values);
    median = interpolated_median(values);
    mean = m.mean;
    sigma = uncut_sigma(m.sigma, 0.5 * (clip.high - clip.low), sigma);
    if (settled) break;
    reach = std::min(reach, kClip * sigma);  // stars only ever widen it
  }
  const bool crowded = std::abs(mean - static_cast<double>(median)) > 0.3 * sigma;
  const double level = crowded ? static_cast<double>(median) : 2.5 * static_cast<double>(median) - 1.5 * mean;
  return {static_cast<float>(level), static_cast<float>(sigma)};
}

}  // namespace starflow
