// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How a star's light is spread, one star in each SIMD lane: half-light radius, DAOFIND's numbers, aperture and sum.

#include "dao_shape.hpp"
#include "star_block.hpp"

#include <array>

namespace starflow {

inline constexpr double kKronReach = 6;  ///< semi-axes of the ellipse in which the Kron radius is measured

/// Lengths in block pixels, light in the block's units; NaN = not defined.
struct LightLanes {
  template <class T>
  using Lanes = std::array<T, StarBlock::kMaxLanes>;

  alignas(64) Lanes<float> xx, yy, xy;        ///< moments of the detections; set by the caller, never <= 0
  alignas(64) Lanes<float> hfr, mean_radius;  ///< half-light and mean radius about StarBlock::x, y
  /// DAOFIND's, at the pixel nearest to the star; NaN also where the footprint leaves the block, holds a bad pixel, or
  /// shows no peak. The central pixel above the mean of its neighbours over the fitted height; the lack of four-fold
  /// symmetry, -2..2; the difference of the marginal Gaussians' heights over their mean.
  alignas(64) Lanes<float> sharpness, roundness1, roundness2;
  alignas(64) Lanes<float> sum, sum_variance;  ///< of the pixels of the fitted square, the star's own noise left out
};

struct ApertureLanes {
  template <class T>
  using Lanes = std::array<T, StarBlock::kMaxLanes>;

  alignas(64) Lanes<float> x, y;            ///< set by the caller
  alignas(64) Lanes<float> flux, variance;  ///< the star's own noise left out
};

/// Half side of the block that the half-light radius of a star with these moments (block px^2) needs, block px.
[[nodiscard]] double light_reach(double xx, double yy, double xy);

/// Everything of LightLanes. \p radius  of the fitted square, block px
void run_light(const StarBlock& block, const DaoShape& dao, int radius, LightLanes& lanes);

/// Flux in the circle of \p radius block px about each star; a pixel on the rim counts by the part of it inside.
void run_aperture(const StarBlock& block, float radius, ApertureLanes& lanes);

}  // namespace starflow
