// SPDX-License-Identifier: MIT
#include "histogram_clip.hpp"

#include "clip_rules.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace starflow {
namespace {

constexpr int kBins = TileHistogram::kBins;
constexpr double kCentre = 0.5 * kBins;
}  // namespace

HistogramClip::HistogramClip(Counts counts, const BinScale& bins) : counts_(counts), bins_(bins) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    below_[i] = sum;
    sum += counts[i];
  }
  below_[counts.size()] = sum;
  clip();
  if (!cut_off_) choose_level();
}

HistogramClip::Sums HistogramClip::sums(int first, int end) const {
  Sums s;
  for (int i = first; i < end; ++i) {
    const auto c = static_cast<double>(counts_[static_cast<std::size_t>(i)]);
    const double x = i + 0.5 - kCentre;
    s.n += c;
    s.x += c * x;
    s.xx += c * x * x;
  }
  return s;
}

/// The place below which `fraction` of the pixels in [first, end) lies. A bin's pixels are spread over the gap to the
/// neighbours that hold any.
double HistogramClip::quantile(int first, int end, double fraction) const {
  const double wanted = below(first) + fraction * (below(end) - below(first));
  const auto above = std::upper_bound(below_.begin() + first, below_.begin() + end, wanted,
                                      [](double w, std::uint32_t b) { return w < b; });
  const int bin = static_cast<int>(above - below_.begin()) - 1;
  const auto empty = [this](int i) { return counts_[static_cast<std::size_t>(i)] == 0; };
  int left = bin - 1, right = bin + 1;
  while (left >= first && empty(left)) --left;
  while (right < end && empty(right)) ++right;
  if (left < first && right >= end) return bin + 0.5;
  // A side without a neighbour gets the other side's gap.
  const double gap_left = left >= first ? bin - left : right - bin, gap_right = right < end ? right - bin : bin - left;
  const double rank = (wanted - below(bin)) / (below(bin + 1) - below(bin));
  return bin + 0.5 - 0.5 * gap_left + 0.5 * rank * (gap_left + gap_right);
}

/// \return whether pixels were cut
bool HistogramClip::narrow(double median, double reach) {
  const int first = std::clamp(static_cast<int>(std::lround(median - reach)), first_, end_ - 1);
  const int end = std::clamp(static_cast<int>(std::lround(median + reach)), first + 1, end_);
  const Sums low = sums(first_, first), high = sums(end, end_);
  if (low.n + high.n >= kept_.n) return false;
  kept_ = {kept_.n - low.n - high.n, kept_.x - low.x - high.x, kept_.xx - low.xx - high.xx};
  first_ = first;
  end_ = end;
  return low.n + high.n > 0;
}

void HistogramClip::summarise() {
  mean_ = kept_.x / kept_.n;
  const double quanta = bins_.quantum / bins_.width;
  variance_ = std::max(0.0, kept_.xx / kept_.n - mean_ * mean_ - (1 - quanta * quanta) / 12);  // less that in a bin
  mean_ += kCentre;
  median_ = quantile(first_, end_, 0.5);
}

void HistogramClip::clip() {
  median_ = quantile(0, kBins, 0.5);
  sigma_ = median_ - quantile(0, kBins, kLowerSigma);
  double reach = kClip * sigma_;
  cut_off_ = !(median_ - reach > 1.5 && median_ + reach < kBins - 1.5);
  if (cut_off_) return;
  if (!(sigma_ > 0)) return;  // all in one bin
  first_ = std::max(1, static_cast<int>(std::lround(median_ - reach)));
  end_ = std::max(first_ + 1, static_cast<int>(std::lround(median_ + reach)));
  kept_ = sums(first_, end_);
  for (int round = 0; round < kMaxRounds; ++round) {
    summarise();
    sigma_ = uncut_sigma(std::sqrt(variance_), 0.5 * (end_ - first_), sigma_, 2);
    reach = std::max(0.5, std::min(reach, kClip * sigma_));  // stars only ever widen it; the median's bin is kept
    if (!narrow(median_, reach)) break;
  }
  sigma_ = uncut_sigma(std::sqrt(variance_), 0.5 * (end_ - first_), sigma_, kExactSteps);
}

double HistogramClip::skewness() const {
  double cubes = 0;
  for (int i = first_; i < end_; ++i) {
    const double x = i + 0.5 - mean_;
    cubes += static_cast<double>(counts_[static_cast<std::size_t>(i)]) * x * x * x;
  }
  return cubes / (kept_.n * variance_ * std::sqrt(variance_));
}

/// Takes back the longer tail of lopsided noise.
void HistogramClip::widen(double skew) {
  const auto further = static_cast<int>(std::lround(widening(skew) * sigma_));
  const int first = skew < 0 ? std::max(1, first_ - further) : first_;
  const int end = skew > 0 ? std::min(kBins - 1, end_ + further) : end_;
  const Sums low = sums(first, first_), high = sums(end_, end);
  kept_ = {kept_.n + low.n + high.n, kept_.x + low.x + high.x, kept_.xx + low.xx + high.xx};
  first_ = first;
  end_ = end;
  summarise();
}

void HistogramClip::choose_level() {
  if (!(variance_ > 0)) {
    level_ = median_;
    return;
  }
  const double apart = mean_ - median_;
  if (std::abs(apart) > kCrowded * sigma_) {
    level_ = median_;
    return;
  }
  const double skew = skewness();
  const double bright = ((below(kBins) - below(end_)) - static_cast<double>(below(first_))) / kept_.n;
  // Where noise is a few quanta wide, the clip may have cut half a bin more.
  int last = end_ - 1;
  while (last > first_ && counts_[static_cast<std::size_t>(last)] == 0) --last;
  const double edge = counts_[static_cast<std::size_t>(last)] / kept_.n;
  const double stars = star_weight(skew, bright, edge);
  const double mode = mean_ - 2.5 * apart, clipped_sigma = sigma_;
  level_ = mode;
  if (stars == 1) return;
  widen(skew);
  const double wide_sigma = uncut_sigma(std::sqrt(variance_), 0.5 * (end_ - first_), sigma_, kExactSteps);
  level_ = stars * mode + (1 - stars) * mean_;
  sigma_ = stars * clipped_sigma + (1 - stars) * wide_sigma;
}

HistogramClip::Place HistogramClip::place_of(double wanted) const {
  const double rank = std::min(wanted, below(kBins) - 1.0);
  const auto above =
      std::upper_bound(below_.begin(), below_.end(), rank, [](double w, std::uint32_t b) { return w < b; });
  const int bin = static_cast<int>(above - below_.begin()) - 1;
  int first = std::max(0, bin - 1), end = std::min(kBins, bin + 2);
  while (first > 0 && below(first) == below(bin)) --first;
  while (end < kBins && below(end) == below(bin + 1)) ++end;
  return {first, end, below(first)};
}

HistogramClip::Place HistogramClip::widened(const Place& place, int more) const {
  const int first = std::max(0, place.first - more);
  return {first, std::min(kBins, place.end + more), below(first)};
}

}  // namespace starflow
