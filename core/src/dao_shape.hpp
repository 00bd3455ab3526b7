// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// DAOFIND's three numbers that tell stars from hot pixels, bad columns and galaxies.

#include "stamp.hpp"

#include <array>
#include <cstddef>

namespace starflow {

/// NaN = not defined: the footprint leaves the stamp, holds a bad pixel, or shows no peak.
struct DaoNumbers {
  double sharpness = 0;   ///< central pixel above the mean of its neighbours, over the fitted height
  double roundness1 = 0;  ///< SROUND: lack of four-fold symmetry, -2..2
  double roundness2 = 0;  ///< GROUND: difference of the marginal Gaussians' heights over their mean
};

/// For stars of one FWHM. Source: P. B. Stetson 1987, PASP 99, 191, section III, with a footprint of 1.5 sigma (at
/// least 2 px) as in IRAF's DAOFIND and photutils.
class DaoShape {
 public:
  explicit DaoShape(double fwhm_px);
  [[nodiscard]] int reach() const { return 2 * radius_; }  ///< px around the star that must be there
  /// At the pixel (column, row) of \p stamp.
  [[nodiscard]] DaoNumbers measure(const Stamp& stamp, int column, int row) const;

 private:
  static constexpr int kMaxRadius = 16;  // px; beyond, in stars wider than 25 px, the numbers are not defined
  static constexpr int kMaxSide = 2 * kMaxRadius + 1;
  [[nodiscard]] std::size_t at(int dx, int dy) const {
    return static_cast<std::size_t>((dy + radius_) * (2 * radius_ + 1) + dx + radius_);
  }
  [[nodiscard]] double filtered(const Stamp& stamp, int column, int row) const;
  [[nodiscard]] double marginal_height(const Stamp& stamp, int column, int row, bool along_x) const;

  int radius_ = 0;
  int n_inside_ = 0;
  std::array<double, kMaxSide * kMaxSide> gaussian_{}, kernel_{};
  std::array<bool, kMaxSide * kMaxSide> inside_{};
};

}  // namespace starflow
