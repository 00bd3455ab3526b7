// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The Cramer-Rao bound of a star: the smallest error that any unbiased measurement of these pixels can have.

#include <starflow/core/star_profile.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace starflow {

/// A star on a flat sky, in electrons.
struct StarScene {
  StarShape shape;
  double x = 0, y = 0;      ///< px
  double flux_e = 0;        ///< e-
  double background_e = 0;  ///< e- a pixel, with its shot noise
  double read_noise_e = 0;  ///< e-, 1 sigma of a pixel
};

/// What is unknown besides x, y, flux and background.
enum class FreeWidths : std::uint8_t {
  none,  ///< the shape is known
  one,   ///< both widths together (a circular model)
  two,   ///< each width
  three  ///< each width and the orientation
};

/// 1 sigma bounds; NaN where the parameter is not free or the pixels don't determine it.
struct StarBounds {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double x = kNone, y = kNone;              ///< px
  double flux = kNone;                      ///< e-
  double background = kNone;                ///< e- a pixel
  double width_u = kNone, width_v = kNone;  ///< px; equal with FreeWidths::one
  double beta = kNone;
};

/// The bound from the Fisher matrix I_ab = sum_i (dm_i/da)(dm_i/db) / (m_i + read_noise^2) over the pixels of \p box,
/// with the pixel-integrated model m and exact derivatives. Against the exact information of Poisson plus Gaussian
/// noise it is 1.0000-1.0002 for m >= 100 e- and at most 1.06 too pessimistic (m near 1 e-). \param free_beta  beta of
/// a Moffat is unknown; ignored for a Gaussian \return all NaN where the matrix is singular: fewer pixels than
/// parameters, no flux Source: S. M. Kay, Fundamentals of Statistical Signal Processing I, ch. 3.
[[nodiscard]] StarBounds cramer_rao(const StarScene& scene,
                                    const PixelBox& box,
                                    FreeWidths widths,
                                    bool free_beta = false);

inline constexpr std::size_t kMaxBoundStars = 12;

/// The same for up to kMaxBoundStars stars that overlap, one entry of \p bounds each: positions and fluxes of all are
/// unknown, and one background and one shape that they share, which are the first one's.
void cramer_rao(std::span<const StarScene> stars,
                const PixelBox& box,
                FreeWidths widths,
                bool free_beta,
                std::span<StarBounds> bounds);

}  // namespace starflow
