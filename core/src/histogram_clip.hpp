// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Clipped level and scatter of pixels that were counted into bins.

#include "tile_histogram.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace starflow {

/// What the bins stand for.
struct BinScale {
  double origin = 0;    ///< value at the lower edge of bin 0
  double width = 1;     ///< of a bin
  double quantum = 0;   ///< step between neighbouring values; 0 = continuous
  float per_width = 1;  ///< what real numbers were counted with
};

/// Clips at 3 sigma around the median until nothing changes. The first sigma is that of the lower side, and the clip
/// never widens. Its edges lie between bins, so that it is known what is cut.
class HistogramClip {
 public:
  using Counts = std::span<const std::uint16_t, TileHistogram::kBins>;
  HistogramClip(Counts counts, const BinScale& bins);

  /// The first clip reached beyond the bins: nothing else is known.
  [[nodiscard]] bool cut_off() const { return cut_off_; }
  [[nodiscard]] double median() const { return value(median_); }
  [[nodiscard]] double level() const { return value(level_); }
  [[nodiscard]] double sigma() const { return sigma_ * bins_.width; }
  [[nodiscard]] double sigma_bins() const { return sigma_; }
  [[nodiscard]] double low() const { return value(first_); }  ///< edges of the clip
  [[nodiscard]] double high() const { return value(end_); }
  /// Bins [first, end) that hold the pixels of rank `wanted` and its neighbours in value; `below` lie below.
  struct Place {
    int first = 0, end = 0;
    std::uint32_t below = 0;
  };
  [[nodiscard]] Place place_of(double wanted) const;
  /// With `more` bins on each side.
  [[nodiscard]] Place widened(const Place& place, int more) const;

 private:
  struct Sums {
    double n = 0, x = 0, xx = 0;  // of bins' centres, from kBins / 2
  };

  [[nodiscard]] double value(double bin) const { return bins_.origin + bin * bins_.width; }
  [[nodiscard]] std::uint32_t below(int bin) const { return below_[static_cast<std::size_t>(bin)]; }
  [[nodiscard]] Sums sums(int first, int end) const;
  [[nodiscard]] double quantile(int first, int end, double fraction) const;
  bool narrow(double median, double reach);
  void summarise();
  void clip();
  void widen(double skew);
  void choose_level();
  [[nodiscard]] double skewness() const;  // of the kept pixels

  Counts counts_;
  BinScale bins_;
  std::array<std::uint32_t, TileHistogram::kBins + 1> below_;  // pixels in the bins below
  int first_ = 0, end_ = TileHistogram::kBins;
  Sums kept_;
  double median_ = 0, mean_ = 0, variance_ = 0, sigma_ = 0, level_ = 0;  // in bins
  bool cut_off_ = false;
};

}  // namespace starflow
