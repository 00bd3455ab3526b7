// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What detection sums up over the pixels of one star.

#include <starflow/core/flags.hpp>
#include <starflow/core/frame_view.hpp>

#include "bright_pixels.hpp"

#include <algorithm>
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
  int x_first = 0, x_last = 0, y_first = 0, y_last = 0;  // box about the pixels
  Flags flags = 0;

  /// Adds \p n pixels of a row from (x, y) on, those of number \p first on. Rows come from the top down.
  /// \param isophote  ADU above the background
  void add(const BrightPixels& bright, std::size_t first, int n, int x, int y, double isophote) {
    double light = 0, soft0 = 0, soft1 = 0,
           soft2 = 0;  // sums of the smoothed light times powers of the place in the row
    float highest = static_cast<float>(peak);
    unsigned seen = 0;
    int highest_at = -1, bad = 0;
    for (int i = 0; i < n; ++i) {
      const std::size_t k = first + static_cast<std::size_t>(i);
      seen |= bright.marks[k];
      bad += (bright.marks[k] & BrightPixels::kBad) != 0 ? 1 : 0;  // its light is 0
      const float signal = bright.signal[k];
      light += static_cast<double>(signal);
      if (signal > highest) {
        highest = signal;
        highest_at = i;
      }
      const auto smooth = static_cast<double>(bright.smooth[k]);
      const double soft = smooth > isophote ? smooth : 0;
      soft0 += soft;
      soft1 += soft * i;
      soft2 += soft * i * i;
    }
    if (n_above == 0) y_first = y;
    y_last = y;
    x_first = n_above == 0 ? x : std::min(x_first, x);
    x_last = n_above == 0 ? x + n - 1 : std::max(x_last, x + n - 1);
    n_above += n;
    n_pix += n - bad;
    flux += light;
    if (highest_at >= 0) {
      peak = static_cast<double>(highest);
      peak_x = x + highest_at;
      peak_y = y;
    }
    if (bad > 0) flags |= flag::bad_pixel;
    if ((seen & BrightPixels::kSaturated) != 0) flags |= flag::saturated;
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
  double beside = 0;     // height of the highest peak whose basin touches its own, sigma
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
