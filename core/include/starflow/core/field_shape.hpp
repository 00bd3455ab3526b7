// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How the shape of stars varies over a frame: robust polynomials through its good stars.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace starflow {

/// The shape of one star.
struct ShapeSample {
  double x = 0, y = 0;  ///< px
  /// ln of the FWHM in px; (cos, sin)(2 theta) ln(a / b) of the ellipse; exponent of a Moffat.
  std::array<double, 4> value{};
  double weight = 1;  ///< 1 / variance, of all four
  double trust = 1;   ///< used by FieldShape::fit()
};

/// Shapes over a frame as polynomials in the place. Never allocates once made.
class FieldShape {
 public:
  static constexpr std::size_t kTerms = 6;
  static constexpr std::size_t kPlaneStars = 9, kCurveStars = 24;  ///< from which slopes and curvatures are told
  static constexpr std::size_t kLeastStars = 3;

  enum Quantity : std::size_t { kLogFwhm, kE1, kE2, kBeta, kQuantities };

  /// Weighted least squares, first with less trust in what lies far off, then without the stars that lie more than 4
  /// sigma (of the median deviation) off in any quantity. Of fewer than kPlaneStars the median is taken. The order of
  /// the samples does not count. \param samples  are reordered
  void fit(std::span<ShapeSample> samples, int width, int height);

  [[nodiscard]] std::size_t stars() const noexcept { return stars_; }  ///< that the polynomials rest on
  /// False: there were too few stars, and there is no shape.
  [[nodiscard]] bool usable() const noexcept { return stars_ >= kLeastStars; }
  [[nodiscard]] int order() const noexcept { return order_; }  ///< of the polynomials, 0..2

  /// Within the frame, and by no more than half of their range beyond the stars' own values.
  [[nodiscard]] std::array<double, kQuantities> at(double x, double y) const noexcept;
  /// Of 1, u, v, u^2, u v, v^2, with u and v from -1 to 1 over the frame.
  [[nodiscard]] std::span<const double, kTerms> coefficients(Quantity q) const noexcept { return coefficients_[q]; }

 private:
  using Terms = std::array<double, kTerms>;
  using Quantities = std::array<double, kQuantities>;
  [[nodiscard]] Terms terms(double x, double y) const noexcept;
  [[nodiscard]] bool solve(std::span<const ShapeSample> samples);
  void approximate(std::span<ShapeSample> samples);
  [[nodiscard]] Quantities scatter(std::span<const ShapeSample> samples) const;
  [[nodiscard]] double distance(const ShapeSample& sample, const Quantities& sigma) const;
  void note_ranges(std::span<const ShapeSample> samples);
  [[nodiscard]] double value(std::size_t quantity, const Terms& t) const noexcept;

  double half_x_ = 1, half_y_ = 1;  // px
  int order_ = 0;
  std::size_t stars_ = 0;
  std::array<Terms, kQuantities> coefficients_{};
  std::array<double, kQuantities> low_{}, high_{};
};

}  // namespace starflow
