// SPDX-License-Identifier: MIT
#include "value_clip.hpp"

#include "clip_rules.hpp"
#include "value_lanes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

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
    picked_.resize(values.size() + kValuesBehind);
  }

  /// The value below which `wanted` of the values lie, ties spread.
  double at(double wanted) {
    const HistogramClip::Place place = histogram_.place_of(wanted);
    if (n_ == 0 || place.first < place_.first || place.end > place_.end) pick(place);
    return static_cast<double>(interpolated_rank({picked_.data(), n_}, wanted - place_.below));
  }

 private:
  static constexpr int kMore = 2;  // bins on each side: the next median lies near

  void pick(const HistogramClip::Place& place) {
    place_ = histogram_.widened(place, kMore);
    const float first = place_.first == 0 ? -INFINITY : static_cast<float>(place_.first);
    const float end = place_.end == TileHistogram::kBins ? INFINITY : static_cast<float>(place_.end);
    n_ = pick_bins(values_, low_, per_width_, first, end, picked_.data());
  }

  std::span<const float> values_;
  const HistogramClip& histogram_;
  float low_, per_width_;
  std::vector<float>& picked_;
  HistogramClip::Place place_;  // of the values that were picked
  std::size_t n_ = 0;
};

/// The values between two limits.
struct Kept {
  double low, high, n, below, mean, variance, skewness;

  [[nodiscard]] double sigma(double guess, int steps) const {
    return uncut_sigma(std::sqrt(variance), 0.5 * (high - low), guess, steps);
  }
};

/// Sums of the values between limits that move a little: those of a core that always counts are kept, and the few
/// values outside it looked at again.
class Limits {
 public:
  Limits(std::span<const float> values, double middle, double reach, std::vector<float>& rest)
      : values_(values), middle_(static_cast<float>(middle)), rest_(rest) {
    rest_.resize(values.size() + kValuesBehind);
    split(middle - kCore * reach, middle + kCore * reach);
  }

  [[nodiscard]] Kept keep(double low, double high) {
    if (low > static_cast<double>(low_) || high < static_cast<double>(high_)) {
      const double centre = 0.5 * (low + high), reach = 0.5 * (high - low);
      split(centre - kCore * reach, centre + kCore * reach);
    }
    ValueSums s = core_;
    double below = 0;
    for (const float value : std::span(rest_).first(n_rest_)) {
      const auto v = static_cast<double>(value);
      const double counts = (v >= low) & (v <= high) ? 1 : 0, d = static_cast<double>(value - middle_) * counts;
      s.n += counts;
      below += v < low ? 1 : 0;
      s.x += d;
      s.xx += d * d;
      s.xxx += d * d * d;
    }
    const double m = s.x / s.n, variance = std::max(0.0, s.xx / s.n - m * m);
    const double cubes = s.xxx / s.n - 3 * m * s.xx / s.n + 2 * m * m * m;
    return {low,
            high,
            s.n,
            below,
            static_cast<double>(middle_) + m,
            variance,
            variance > 0 ? cubes / (variance * std::sqrt(variance)) : 0};
  }

  /// Values that tie with the highest one up to `limit`, as a part of all.
  [[nodiscard]] double ties_below(double limit) const {
    float highest = highest_of(std::span(rest_).first(n_rest_), limit);
    if (highest < high_) highest = highest_of(values_, limit);
    return static_cast<double>(std::ranges::count(values_, highest)) / static_cast<double>(values_.size());
  }

 private:
  static constexpr double kCore = 2.0 / 3;  // of the first reach, which only ever shrinks

  void split(double low, double high) {
    low_ = static_cast<float>(low);
    high_ = static_cast<float>(high);
    n_rest_ = split_values(values_, low_, high_, middle_, core_, rest_.data());
  }

  static float highest_of(std::span<const float> values, double limit) {
    float highest = -INFINITY;
    for (const float v : values) {
      if (static_cast<double>(v) <= limit) highest = std::max(highest, v);
    }
    return highest;
  }

  std::span<const float> values_;
  float middle_, low_ = 0, high_ = 0;  // of the core
  ValueSums core_;
  std::vector<float>& rest_;
  std::size_t n_rest_ = 0;
};

}  // namespace

TileStatistics clip_values(std::span<const float> values,
                           const HistogramClip& histogram,
                           float low,
                           float per_width,
                           TileWorkspace& workspace) {
  Ranks ranks(values, histogram, low, per_width, workspace.picked);
  const auto all = static_cast<double>(values.size());
  const double lower = ranks.at(kLowerSigma * all);
  double median = ranks.at(0.5 * all), sigma = median - lower;
  double reach = kClip * sigma;
  Limits limits(values, median, reach, workspace.rest);
  Kept kept = limits.keep(median - reach, median + reach);
  for (int round = 0; round < kMaxRounds; ++round) {
    median = ranks.at(kept.below + 0.5 * kept.n);
    sigma = kept.sigma(sigma, 2);
    reach = std::min(reach, kClip * sigma);  // stars only ever widen it
    const Kept next = limits.keep(std::max(kept.low, median - reach), std::min(kept.high, median + reach));
    if (next.n == 0) break;
    const bool settled = next.n == kept.n;
    kept = next;
    if (settled) break;
  }
  sigma = kept.sigma(sigma, kExactSteps);
  const double apart = kept.mean - median;
  if (!(kept.variance > 0) || std::abs(apart) > kCrowded * sigma) return {median, sigma};
  const double bright = (all - kept.n - 2 * kept.below) / kept.n;
  const double stars = star_weight(kept.skewness, bright, limits.ties_below(kept.high));
  const double mode = kept.mean - 2.5 * apart;
  if (stars == 1) return {mode, sigma};
  const double further = widening(kept.skewness) * sigma;
  const Kept wide =
      limits.keep(kept.low - (kept.skewness < 0 ? further : 0), kept.high + (kept.skewness > 0 ? further : 0));
  return {stars * mode + (1 - stars) * wide.mean, stars * sigma + (1 - stars) * wide.sigma(sigma, kExactSteps)};
}

}  // namespace starflow
