// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The Gaussian fit with one star in each SIMD lane: the same estimator as fit_gaussian(), in float and in units of the
/// background noise. Lanes never mix, so a star's result does not depend on its neighbours in the batch.

#include "gaussian_fit.hpp"
#include "stamp.hpp"

#include <array>
#include <cstddef>

namespace starflow {

inline constexpr int kMaxLaneRadius = 15;  ///< px: stamps up to 31x31; larger ones go to fit_gaussian()
inline constexpr std::size_t kMaxLanes = 16;

/// One batch of stamps and what to fit them with.
class GaussianLanes {
 public:
  /// Stars that fit into one batch on this CPU: 4, 8 or 16.
  [[nodiscard]] static std::size_t lanes();

  /// Empties the batch. \p options hold for all of its stars; options.radius_px must not exceed kMaxLaneRadius.
  void begin(const GaussianFitOptions& options);
  /// Adds a star at (x, y), read from \p stamp. At most lanes() of them.
  void add(const Stamp& stamp, double x, double y);
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Fits all. A fit that did not converge says why, and is better tried again by fit_gaussian().
  void run();
  [[nodiscard]] const GaussianFit& operator[](std::size_t lane) const { return fits_[lane]; }

  static constexpr std::size_t kMaxPixels = (2 * kMaxLaneRadius + 1) * (2 * kMaxLaneRadius + 1);
  static constexpr std::size_t kTriangle = kGaussianParameters * (kGaussianParameters + 1) / 2;
  template <std::size_t N>
  using Lanes = std::array<float, N * kMaxLanes>;

  /// What the kernel reads and writes: arrays of [index][lane], lane fastest. Positions are relative to the central
  /// pixel; values, fluxes and levels in units of the background noise.
  struct Batch {
    int radius = 0;
    int max_iterations = 0;
    float reach = 0;      ///< largest step of a position, px
    float farthest = 0;   ///< from the start, px
    float max_sigma = 0;  ///< px
    alignas(64) Lanes<kMaxPixels> value;
    alignas(64) Lanes<kMaxPixels> variance;  ///< kMaskedVariance = the pixel does not count
    alignas(64) Lanes<kGaussianParameters> start, fitted;
    alignas(64) Lanes<kTriangle> covariance;
    alignas(64) Lanes<1> per_gain, chi2, residual, light, iterations, converged;
  };

 private:
  GaussianFitOptions options_;
  std::size_t size_ = 0, stride_ = 0;
  Batch batch_;
  std::array<GaussianFit, kMaxLanes> fits_;
  std::array<double, kMaxLanes> noise_{}, centre_x_{}, centre_y_{}, start_x_{}, start_y_{};
};

}  // namespace starflow
