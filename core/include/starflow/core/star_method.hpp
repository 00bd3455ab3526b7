// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A centroid method from outside: what it is given of a star, and what it gives back.

#include <cstddef>
#include <limits>
#include <span>

namespace starflow {

/// The square of pixels about one star. Lengths are in pixels of the stamp from the centre of its first pixel, x to the
/// right, y down. A pixel of the stamp is one of the frame, or, where stars are very wide, a square of them.
struct StarStamp {
  int side;                ///< pixels, odd
  const float* light_adu;  ///< side * side, row by row: above the background
  const float* weight;     ///< the same: 1 / variance of the background, ADU^-2; 0 = the pixel does not count
  double x, y;             ///< where the star is thought to be
  double fwhm;             ///< of the frame's stars
  double gain_e_per_adu;   ///< 0 = not known
  double move_limit;       ///< an estimate farther than this from (x, y) is refused
  int max_iterations;      ///< as the options say

  [[nodiscard]] double light(int column, int row) const noexcept {
    return static_cast<double>(light_adu[index(column, row)]);
  }
  [[nodiscard]] double weight_of(int column, int row) const noexcept {
    return static_cast<double>(weight[index(column, row)]);
  }

 private:
  [[nodiscard]] std::size_t index(int column, int row) const noexcept {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(side) + static_cast<std::size_t>(column);
  }
};

/// What a method found, in the stamp's lengths and ADU. NaN = not measured; without a finite x and y, or with a flux
/// that is infinite or too large for a float, the star counts as not measured at all.
struct StarEstimate {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double x = kNone, y = kNone;
  double x_variance = kNone, y_variance = kNone, xy_covariance = 0;  ///< without them the row has no errors, and a flag
  double flux = kNone, flux_variance = kNone;
  double xx = kNone, yy = kNone,
         xy = kNone;  ///< second moments of the star's light, of which the row's widths are made
  int iterations = 1;
};

/// A method, with its settings. Called by several threads at once. The node `centroid` takes an exception as an empty
/// estimate; here it is let through.
class StarMethod {
 public:
  virtual ~StarMethod() = default;
  [[nodiscard]] virtual StarEstimate measure(const StarStamp& stamp) const = 0;
  /// Some stars of a frame, up to 16, by one call: for a method that works on several at once. One after another unless
  /// a method says otherwise. What is found of a star must not depend on those it came with: nothing says which.
  /// \param found  as many as stamps, all empty
  virtual void measure_all(std::span<const StarStamp> stamps, std::span<StarEstimate> found) const {
    for (std::size_t i = 0; i < stamps.size(); ++i) found[i] = measure(stamps[i]);
  }
};

}  // namespace starflow
