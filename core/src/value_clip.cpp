// SPDX-License-Identifier: MIT
#include "value_clip.hpp"

#include "clip_rules.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace starflow {
namespace {

/// Finds values by their rank.
class Ranks {
 public:
  Ranks(std::span<const float> values,
        const HistogramClip& histogram,
        float low,
        float per_width,
        std::vector<float>& picked)
      : values_(values), histogram_(histogram), low_(low), per_width_(per_width), picked_(picked) {
    picked_.resize(values.size());
  }

  /// The value below which `wanted` of the values lie, ties spread.
  double at(double wanted) {
    const HistogramClip::Place place = histogram_.place_of(wanted);
    const bool all_below = place.first == 0, all_above = place.end == TileHistogram::kBins;
    const float first = all_below ? -INFINITY : static_cast<float>(place.first);
    const float end = all_above ? INFINITY : static_cast<float>(place.end);
    std::size_t n = 0;
    float* out = picked_.data();
    for (const float v : values_) {               // no branch: each value is written, few are kept
      const float bin = (v - low_) * per_width_;  // as it was counted
      out[n] = v;
      n += static_cast<std::size_t>((bin >= first) & (bin < end));
    }
    return static_cast<double>(interpolated_rank({out, n}, wanted - place.below));
  }

 private:
  std::span<const float> values_;
  const HistogramClip& histogram_;
  float low_, per_width_;
  std::vector<float>& picked_;
};

struct Sums {
  double n = 0, below = 0, x = 0, xx = 0, xxx = 0;  // of those within the clip, from its centre
};

Sums sums_within(std::span<const float> values, double low, double high, double centre) {
  // Four at once, so that no sum waits for the one before.
  double n[4] = {}, below[4] = {}, x[4] = {}, xx[4] = {}, xxx[4] = {};
  const auto add = [&](std::size_t k, float value) {
    const auto v = static_cast<double>(value);
    const double counts = (v >= low) & (v <= high) ? 1 : 0, d = (v - centre) * counts;
    n[k] += counts;
    below[k] += v < low ? 1 : 0;
    x[k] += d;
    xx[k] += d * d;
    xxx[k] += d * d * d;
  };
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    for (std::size_t k = 0; k < 4; ++k) add(k, values[i + k]);
  }
  for (; i < values.size(); ++i) add(0, values[i]);
  const auto total = [](const double(&v)[4]) { return (v[0] + v[1]) + (v[2] + v[3]); };
  return {total(n), total(below), total(x), total(xx), total(xxx)};
}

/// Values that tie with the highest one up to `limit`, as a part of all.
double ties_below(std::span<const float> values, double limit) {
  float highest = -INFINITY;
  for (const float v : values) {
    if (static_cast<double>(v) <= limit) highest = std::max(highest, v);
  }
  return static_cast<double>(std::ranges::count(values, highest)) / static_cast<double>(values.size());
}

/// The values between two limits.
struct Kept {
  double low, high, n, below, mean, variance, skewness;

  Kept(std::span<const float> values, double from, double to, double centre) : low(from), high(to) {
    const Sums s = sums_within(values, low, high, centre);
    n = s.n;
    below = s.below;
    const double m = s.x / n;
    mean = centre + m;
    variance = std::max(0.0, s.xx / n - m * m);
    skewness = variance > 0 ? (s.xxx / n - 3 * m * s.xx / n + 2 * m * m * m) / (variance * std::sqrt(variance)) : 0;
  }
  [[nodiscard]] double sigma(double guess, int steps) const {
    return uncut_sigma(std::sqrt(variance), 0.5 * (high - low), guess, steps);
  }
};

}  // namespace

TileStatistics clip_values(std::span<const float> values,
                           const HistogramClip& histogram,
                           float low,
                           float per_width,
                           std::vector<float>& picked) {
  Ranks ranks(values, histogram, low, per_width, picked);
  const auto all = static_cast<double>(values.size());
  double median = ranks.at(0.5 * all), sigma = median - ranks.at(kLowerSigma * all);
  double reach = kClip * sigma;
  Kept kept(values, median - reach, median + reach, median);
  for (int round = 0; round < kMaxRounds; ++round) {
    median = ranks.at(kept.below + 0.5 * kept.n);
    sigma = kept.sigma(sigma, 2);
    reach = std::min(reach, kClip * sigma);  // stars only ever widen it
    const Kept next(values, std::max(kept.low, median - reach), std::min(kept.high, median + reach), median);
    if (next.n == 0) break;
    const bool settled = next.n == kept.n;
    kept = next;
    if (settled) break;
  }
  sigma = kept.sigma(sigma, kExactSteps);
  const double apart = kept.mean - median;
  if (!(kept.variance > 0) || std::abs(apart) > kCrowded * sigma) return {median, sigma};
  const double bright = (all - kept.n - 2 * kept.below) / kept.n;
  const double stars = star_weight(kept.skewness, bright, ties_below(values, kept.high));
  const double mode = kept.mean - 2.5 * apart;
  if (stars == 1) return {mode, sigma};
  const double further = widening(kept.skewness) * sigma;
  const Kept wide(values, kept.low - (kept.skewness < 0 ? further : 0), kept.high + (kept.skewness > 0 ? further : 0),
                  median);
  return {stars * mode + (1 - stars) * wide.mean, stars * sigma + (1 - stars) * wide.sigma(sigma, kExactSteps)};
}

}  // namespace starflow
