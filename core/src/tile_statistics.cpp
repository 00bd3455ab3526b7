// SPDX-License-Identifier: MIT
#include "tile_statistics.hpp"

#include "clip_rules.hpp"
#include "histogram_clip.hpp"
#include "value_clip.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <type_traits>

namespace starflow {
namespace {

constexpr int kBins = TileHistogram::kBins;
constexpr double kBinsPerSigma = 64;
constexpr double kFewestBinsPerSigma = 24;
constexpr std::size_t kSampled = 128;  // pixels that tell where the bins are to lie: their sigma is known to 13 %
constexpr int kMaxTrials = 30;

using Scale = TileWorkspace::Scale;

/// From the side that stars do not touch; where a third of the values ties, from all. Reorders \p values.
Scale scale_of(std::span<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  const auto median = static_cast<double>(*middle);
  const auto low = values.begin() + static_cast<std::ptrdiff_t>(kLowerSigma * static_cast<double>(values.size()));
  std::nth_element(values.begin(), low, middle + 1);
  const double sigma = median - static_cast<double>(*low);
  if (sigma > 0) return {median, sigma};
  double squares = 0;
  for (const float v : values) squares += (static_cast<double>(v) - median) * (static_cast<double>(v) - median);
  return {median, std::sqrt(squares / static_cast<double>(values.size()))};
}

template <class T>
Scale sampled_scale(std::span<const T> values, std::vector<float>& picked) {
  // An odd step: no pattern of columns is picked.
  const std::size_t step = values.size() <= kSampled ? 1 : (values.size() / kSampled - 1) | 1;
  picked.clear();
  for (std::size_t i = 0; i < values.size() && picked.size() < kSampled; i += step)
    picked.push_back(static_cast<float>(values[i]));
  return scale_of(picked);
}

/// Of the values in [low, high], all of them.
template <class T>
Scale full_scale(std::span<const T> values, double low, double high, std::vector<float>& picked) {
  picked.clear();
  for (const T v : values) {
    if (static_cast<double>(v) >= low && static_cast<double>(v) <= high) picked.push_back(static_cast<float>(v));
  }
  return scale_of(picked);
}

/// Shift that makes bins of 2^shift hold the scatter.
int shift_for(double sigma) {
  const double wanted = 16 * sigma / kBins;
  return wanted <= 1 ? 0 : std::ilogb(wanted) + 1;
}

BinScale count(std::span<const std::uint16_t> values, const Scale& scale, double quantum, TileHistogram& histogram) {
  const int fine = std::countr_zero(static_cast<unsigned>(quantum));
  const int shift = std::max(fine, shift_for(scale.sigma));
  // Above 2^6 the bins reach over all 16 bits.
  // On a grid that does not depend on the guess.
  const int middle = static_cast<int>(scale.median) >> shift << shift;
  const int low = shift > 6 ? -(1 << shift) : middle - (kBins / 2 << shift);
  count_whole(values, low, shift, histogram);
  return {low - 0.5 * quantum, static_cast<double>(1 << shift), quantum, 0};
}

BinScale count(std::span<const float> values, const Scale& scale, double quantum, TileHistogram& histogram) {
  constexpr double kExactHalves = 1 << 22;  // below this a float holds every half
  const double whole_width = quantum > 0 ? std::ldexp(1.0, shift_for(scale.sigma)) : 0;
  const double whole_low = std::rint(scale.median) - 0.5 * kBins * whole_width - 0.5;
  if (quantum > 0 && std::abs(whole_low) < kExactHalves) {
    count_real(values, static_cast<float>(whole_low), static_cast<float>(1 / whole_width), histogram);
    return {whole_low, whole_width, quantum, static_cast<float>(1 / whole_width)};
  }
  const auto per_width = static_cast<float>(kBinsPerSigma / scale.sigma);
  const double width = 1 / static_cast<double>(per_width);
  const auto low = static_cast<float>(scale.median - 0.5 * kBins * width);
  count_real(values, low, per_width, histogram);
  return {static_cast<double>(low), width, 0, per_width};
}

template <class T>
TileStatistics statistics(std::span<const T> values, double quantum, TileWorkspace& workspace) {
  Scale scale = workspace.last;
  bool guess = scale.sigma > 0;
  if (!guess) scale = sampled_scale(values, workspace.picked);
  if (!(scale.sigma > 0)) scale = full_scale(values, -INFINITY, INFINITY, workspace.picked);
  for (int trial = 0; trial < kMaxTrials && scale.sigma > 0; ++trial) {
    const BinScale bins = count(values, scale, quantum, workspace.histogram);
    const HistogramClip clip(workspace.histogram.counts(), bins);
    const bool coarse = !clip.cut_off() && bins.width > quantum && clip.sigma_bins() < kFewestBinsPerSigma;
    if (!clip.cut_off() && !coarse) {
      workspace.last = {clip.median(), clip.sigma()};
      if constexpr (std::is_same_v<T, float>) {
        if (bins.quantum == 0) {
          return clip_values(values, clip, static_cast<float>(bins.origin), bins.per_width, workspace);
        }
      }
      return {clip.level(), clip.sigma()};
    }
    if (guess) {
      scale = sampled_scale(values, workspace.picked);
      guess = false;
    } else if (coarse) {  // far pixels made the bins too wide
      scale = full_scale(values, clip.low() - bins.width, clip.high() + bins.width, workspace.picked);
    } else {  // the sample misled
      scale = full_scale(values, -INFINITY, INFINITY, workspace.picked);
    }
  }
  workspace.last = {};
  return {scale.median, 0};
}

/// The value below which `wanted` of \p values lie. Ties are spread over the gap to their neighbours.
float ranked(std::span<float> values, double wanted) {
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

}  // namespace

TileStatistics clipped_statistics(std::span<const std::uint16_t> values, double quantum, TileWorkspace& workspace) {
  return statistics(values, quantum, workspace);
}

TileStatistics clipped_statistics(std::span<const float> values, double quantum, TileWorkspace& workspace) {
  return statistics(values, quantum, workspace);
}

float interpolated_rank(std::span<float> values, double wanted) noexcept { return ranked(values, wanted); }

float interpolated_median(std::span<float> values) noexcept {
  return ranked(values, 0.5 * static_cast<double>(values.size()));
}

}  // namespace starflow
