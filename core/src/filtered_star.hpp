// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the matched filter makes of a star: the profile of a Gaussian of the frame's FWHM, integrated over pixels and
/// filtered.

#include "bright_pixels.hpp"

#include <cstddef>
#include <vector>

namespace starflow {

/// Separable: the light of a star at (x, y) in the filtered frame is amplitude * at(i - x) * at(j - y). Exact for any
/// place within a pixel, so for undersampled stars too.
class FilteredStar {
 public:
  FilteredStar(const StarFilter& filter, double fwhm_px);

  /// Along one axis, \p u px from the centre; 1 at the centre. 0 from reach() on.
  [[nodiscard]] double at(double u) const noexcept { return look_up(profile_, u < 0 ? -u : u); }
  /// Its derivative, per px.
  [[nodiscard]] double slope(double u) const noexcept { return u < 0 ? -look_up(slope_, -u) : look_up(slope_, u); }

  [[nodiscard]] double reach() const noexcept { return reach_; }  ///< px
  /// Distance at which a star of this amplitude has come down to \p least, px; reach() at most.
  [[nodiscard]] double radius(double amplitude, double least) const noexcept;

  [[nodiscard]] double fwhm_px() const noexcept { return fwhm_px_; }
  /// Light of a star of amplitude 1, in parts of the noise of a pixel.
  [[nodiscard]] double flux_of_unit() const noexcept { return flux_of_unit_; }
  /// Sum of the filter over both axes: the height that light of 1 noise in every pixel is filtered to.
  [[nodiscard]] double filter_sum() const noexcept { return filter_sum_; }
  [[nodiscard]] int filter_radius() const noexcept { return filter_radius_; }

 private:
  [[nodiscard]] double look_up(const std::vector<float>& table, double u) const noexcept {
    const double t = u * per_px_;
    const auto i = static_cast<std::size_t>(t);
    if (!(u < reach_)) return 0;
    const auto low = static_cast<double>(table[i]), high = static_cast<double>(table[i + 1]);
    return low + (t - static_cast<double>(i)) * (high - low);
  }

  double fwhm_px_, reach_ = 0, per_px_ = 0, flux_of_unit_ = 0, filter_sum_ = 0;
  int filter_radius_;
  std::vector<float> profile_, slope_;
};

}  // namespace starflow
