// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The pixels around up to 16 stars, one star in each SIMD lane: what every kernel reads.

#include <starflow/core/detector.hpp>
#include <starflow/core/flags.hpp>
#include <starflow/core/frame_view.hpp>

#include <array>
#include <cstddef>

namespace starflow {

/// The sky about one star: a plane and its noise.
struct LocalSky {
  double level = 0;                 ///< ADU, at the star
  double slope_x = 0, slope_y = 0;  ///< ADU/px
  double noise = 1;                 ///< ADU, 1 sigma of a pixel, > 0
};

/// One of the four phases of a colour mosaic about one star.
struct MosaicPhase {
  LocalSky sky;
  double response = 1;  ///< light of the star in it, in parts of its mean over the four; 0 = its pixels are not read
};

/// Squares of pixels in lanes. A block pixel is a square of `pitch` x `pitch` pixels of the frame; lengths are in
/// block pixels from the centre of the central one, light in units of the star's own background noise of one block
/// pixel (`unit_adu`). Lanes never mix, so a star's numbers do not depend on the stars beside it.
struct StarBlock {
  static constexpr int kMaxRadius = 32;
  static constexpr std::size_t kMaxSide = 2 * kMaxRadius + 1, kMaxPixels = kMaxSide * kMaxSide, kMaxLanes = 16;
  static constexpr float kMasked = 1e30F;       ///< variance of a bad pixel: its weight is 0 beside any other
  static constexpr float kNeighbour = 1.5e30F;  ///< variance of a pixel that belongs to another star
  static constexpr float kOutside = 2e30F;      ///< variance beyond the frame's edge
  /// Of a value, either way, so that its square times all that the kernels multiply it by stays finite. Beside more, a
  /// float holds nothing of any star: the pixel counts as bad.
  static constexpr float kHighest = 1e15F;
  static constexpr float kOtherColour = 3e30F;  ///< variance of a pixel of a mosaic that is not to be read
  static constexpr float kMissing = 1e29F;      ///< above: the pixel holds nothing, and its value is 0

  int radius = 0;         ///< of the squares, 1..kMaxRadius block px
  int pitch = 1;          ///< frame px
  std::size_t lanes = 0;  ///< stride between pixels; the lanes of this CPU
  std::size_t size = 0;   ///< stars held; the lanes after them repeat the first
  /// [row][column][lane]. A negative variance -v marks a saturated pixel, whose value is a lower limit: fits leave it
  /// out, moments take it with the variance v.
  alignas(64) std::array<float, kMaxPixels * kMaxLanes> value, variance;
  alignas(64) std::array<float, kMaxLanes> x, y;      ///< where the star is thought to be, within half a block px
  alignas(64) std::array<float, kMaxLanes> per_gain;  ///< variance of one unit of light; 0 = gain unknown
  /// ln FWHM (block px), e1, e2 and beta that a fit with FitRules::lane_shapes holds.
  alignas(64) std::array<std::array<float, kMaxLanes>, 4> shape;
  /// A star whose pixels end_block() reads.
  struct Source {
    FrameView frame;
    Detector detector;
    LocalSky sky;
    double x, y;           ///< px of the frame
    int first_x, first_y;  ///< of the square, px of the frame
    /// Of a mosaic: pixels are divided by the response of their phase, so that the star is grey.
    std::array<MosaicPhase, 4> phases;
  };
  std::array<Source, kMaxLanes> source;
  std::array<double, kMaxLanes> unit_adu;            ///< ADU of one unit of light
  std::array<double, kMaxLanes> centre_x, centre_y;  ///< of the central block pixel, px of the frame
  std::array<bool, kMaxLanes> clean;  ///< every pixel of the square counts, none is saturated, all variances are 1
  std::size_t plain = 0;              ///< variances from the first on that are 1 when a block begins

  [[nodiscard]] std::size_t side() const noexcept { return static_cast<std::size_t>(2 * radius + 1); }
  [[nodiscard]] std::size_t index(std::size_t column, std::size_t row, std::size_t lane) const noexcept {
    return (row * side() + column) * lanes + lane;
  }
  [[nodiscard]] double to_frame_x(std::size_t lane, double v) const noexcept { return centre_x[lane] + v * pitch; }
  [[nodiscard]] double to_frame_y(std::size_t lane, double v) const noexcept { return centre_y[lane] + v * pitch; }
};

/// Lanes of a batch on this CPU: 4..16, and 1 without SIMD.
[[nodiscard]] std::size_t simd_lanes();

/// Makes \p block empty, for squares of half side \p radius (1..StarBlock::kMaxRadius block px of \p pitch px).
void begin_block(StarBlock& block, int radius, int pitch);

/// Adds the square about (x, y), which must be finite, as the next lane. Pixels beyond the frame are missing. The frame
/// is read by end_block().
void add_star(
    StarBlock& block, const FrameView& frame, const Detector& detector, const LocalSky& sky, double x, double y);

/// Asks for the pixels about (x, y), so that they are near when a later block reads them.
void fetch_ahead(const StarBlock& block, const FrameView& frame, double x, double y);

/// Reads the pixels. The lanes that hold no star repeat the first, so that no arithmetic meets rubbish. \p block holds
/// one star or more.
void end_block(StarBlock& block);

/// How many pixels within `radius` block px of the central one, the square, count, and what the others are.
struct PixelCensus {
  int n_pix = 0;     ///< neither missing nor saturated
  int n_masked = 0;  ///< bad, saturated or another star's, inside the frame
  /// edge, bad_pixel, bad_pixel_center (within 1 block px of the star), saturated, neighbour_masked
  Flags flags = 0;
};
[[nodiscard]] PixelCensus census(const StarBlock& block, std::size_t lane, int radius);

}  // namespace starflow
