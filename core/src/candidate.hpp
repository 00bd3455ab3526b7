// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What detection sums up over the pixels of one star.

#include <starflow/core/flags.hpp>
#include <starflow/core/frame_view.hpp>

#include "bright_pixels.hpp"

#include <cstdint>

namespace starflow {

/// Sums over the pixels of one basin, or over its share of one that holds several stars.
struct PixelSums {
  double from_x = 0, from_y = 0;  // where first moments count from, px
  double flux = 0, peak = 0;
  int peak_x = 0, peak_y = 0;                                    // the brightest pixel
  double weight = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;  // smoothed, above the isophote
  std::int32_t n_pix = 0, n_above = 0;
  Flags flags = 0;

  /// \param isophote  ADU above the background
  void add(const BrightPixel& p, int px, int py, bool edge, double isophote) {
    ++n_above;
    if (edge) flags |= flag::edge;
    if ((p.marks & BrightPixel::kBad) != 0) {
      flags |= flag::bad_pixel;
      return;
    }
    if ((p.marks & BrightPixel::kSaturated) != 0) flags |= flag::saturated;
    const double signal = static_cast<double>(p.signal), soft = static_cast<double>(p.smooth);
    flux += signal;
    if (signal > peak) {
      peak = signal;
      peak_x = px;
      peak_y = py;
    }
    if (soft > isophote) {
      const double dx = px - from_x, dy = py - from_y;
      weight += soft;
      sx += soft * dx;
      sy += soft * dy;
      sxx += soft * dx * dx;
      syy += soft * dy * dy;
      sxy += soft * dx * dy;
    }
    ++n_pix;
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

}  // namespace starflow
