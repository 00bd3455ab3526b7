// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What detection sums up over the pixels of one star.

#include <starflow/core/flags.hpp>
#include <starflow/core/frame_view.hpp>

#include "bright_pixels.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starflow {

/// Sums over the pixels of one basin, or over its share of one that holds several stars.
struct PixelSums {
  double from_x = 0, from_y = 0;  // where first moments count from, px
  double flux = 0, peak = 0;
  int peak_x = 0, peak_y = 0;                                    // the brightest pixel
  double weight = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;  // smoothed, above the isophote
  std::int32_t n_pix = 0, n_above = 0;
  Flags flags = 0;

  /// Adds \p n pixels of a row from (x, y) on, those of number \p first on.
  /// \param isophote  ADU above the background
  void add(const BrightPixels& bright, std::size_t first, int n, int x, int y, double isophote) {
    n_above += n;
    double soft0 = 0, soft1 = 0, soft2 = 0;  // sums of the smoothed light times powers of the place in the row
    for (int i = 0; i < n; ++i) {
      const std::size_t k = first + static_cast<std::size_t>(i);
      const std::uint8_t marks = bright.marks[k];
      if ((marks & BrightPixels::kBad) != 0) {
        flags |= flag::bad_pixel;
        continue;
      }
      if ((marks & BrightPixels::kSaturated) != 0) flags |= flag::saturated;
      const double signal = static_cast<double>(bright.signal[k]), soft = static_cast<double>(bright.smooth[k]);
      flux += signal;
      if (signal > peak) {
        peak = signal;
        peak_x = x + i;
        peak_y = y;
      }
      if (soft > isophote) {
        soft0 += soft;
        soft1 += soft * i;
        soft2 += soft * i * i;
      }
      ++n_pix;
    }
    const double dx = x - from_x, dy = y - from_y, along = soft1 + dx * soft0;
    weight += soft0;
    sx += along;
    sy += dy * soft0;
    sxx += soft2 + dx * (soft1 + along);
    syy += dy * dy * soft0;
    sxy += dy * along;
  }
};

struct Candidate {
  double x = 0, y = 0;   // px
  double amplitude = 0;  // of its peak in the filtered frame, sigma
  Flags flags = 0;       // less those of its pixels
  Flags artefact = 0;    // flag::hot_pixel, flag::cosmic_ray or flag::trailed
  bool faint = false;    // does not stand out of its surroundings
  bool hidden = false;   // found when the light of others was taken off
  double light = 0;      // of a hidden star, ADU
  PixelSums sums;

  [[nodiscard]] double flux() const noexcept { return hidden ? light : sums.flux; }
};

[[nodiscard]] inline bool at_edge(const FrameView& frame, int x, int y) noexcept {
  return x == 0 || y == 0 || x == frame.width - 1 || y == frame.height - 1;
}

/// Calls visit(index of the first, number of pixels) for the stretches of \p run that share a basin.
template <class Visit>
void visit_stretches(const BrightRun& run, const std::vector<std::int32_t>& basin_of, const Visit& visit) {
  for (int i = 0; i < run.n;) {
    const std::int32_t basin = basin_of[run.first + static_cast<std::size_t>(i)];
    int end = i + 1;
    while (end < run.n && basin_of[run.first + static_cast<std::size_t>(end)] == basin) ++end;
    visit(i, end - i);
    i = end;
  }
}

}  // namespace starflow
