// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Weights of DAOFIND's three numbers, which tell stars from hot pixels, bad columns and galaxies.

#include <array>
#include <cstddef>

namespace starflow {

/// For stars of one FWHM. Source: P. B. Stetson 1987, PASP 99, 191, section III, with a footprint of 1.5 sigma (at
/// least 2 px) as in IRAF's DAOFIND and photutils.
class DaoShape {
 public:
  explicit DaoShape(double fwhm_px);
  [[nodiscard]] int reach() const { return 2 * radius_; }  ///< px around the star that must be there

  /// Of the footprint, px; 0 = the stars are too wide for the numbers to be defined.
  [[nodiscard]] int radius() const { return radius_; }
  [[nodiscard]] int n_inside() const { return n_inside_; }  ///< pixels of the footprint
  /// The footprint's row dy holds the pixels |dx| <= this.
  [[nodiscard]] int half_width(int dy) const { return half_width_[static_cast<std::size_t>(dy + radius_)]; }
  /// Weight of a pixel in the height of the Gaussian about the centre.
  [[nodiscard]] float kernel(int dx, int dy) const { return kernel_[at(dx, dy)]; }
  /// Weight of a pixel in the height of the marginal Gaussian: of its place along the axis, and across it.
  [[nodiscard]] float marginal(int a) const { return marginal_[static_cast<std::size_t>(a + radius_)]; }
  [[nodiscard]] float triangle(int b) const { return static_cast<float>(radius_ + 1 - (b < 0 ? -b : b)); }
  /// Each quadrant holds one half axis: right with up, up with left, left with down, down with right.
  [[nodiscard]] static bool positive_quadrant(int dx, int dy) { return (dx <= 0 && dy < 0) || (dx >= 0 && dy > 0); }

 private:
  static constexpr int kMaxRadius = 16;  // px; beyond, in stars wider than 25 px, the numbers are not defined
  static constexpr int kMaxSide = 2 * kMaxRadius + 1;
  [[nodiscard]] std::size_t at(int dx, int dy) const {
    return static_cast<std::size_t>((dy + radius_) * (2 * radius_ + 1) + dx + radius_);
  }
  void set_kernel(double sigma, double reach);
  void set_marginal(double sigma);

  int radius_ = 0;
  int n_inside_ = 0;
  std::array<int, kMaxSide> half_width_{};
  std::array<float, kMaxSide> marginal_{};
  std::array<float, kMaxSide * kMaxSide> kernel_{};
};

}  // namespace starflow
