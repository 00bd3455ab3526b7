// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Sky level and noise over the frame: a mesh of clipped tile statistics with smooth interpolation between them.

#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>

#include <span>
#include <vector>

namespace starflow {

struct BackgroundOptions {
  int tile_px = 64;      ///< side of a mesh tile, 8..1024 px
  int filter_tiles = 3;  ///< side of the median filter over the mesh, odd, 1..9 tiles
};

/// Level and noise of the sky, defined at every position of the frame. Immutable once made; cheap to share.
class Background {
 public:
  Background() = default;

  [[nodiscard]] double level(double x, double y) const noexcept;  ///< ADU
  [[nodiscard]] double noise(double x, double y) const noexcept;  ///< ADU, 1 sigma of one pixel, > 0
  /// Writes the level and the noise of the pixels (0..width-1, y). Never allocates.
  void row(int y, std::span<float> level_adu, std::span<float> noise_adu) const noexcept;
  [[nodiscard]] double median_level() const noexcept { return median_level_; }
  [[nodiscard]] double median_noise() const noexcept { return median_noise_; }
  /// False where the pixels gave no usable noise (constant or almost fully masked frame).
  [[nodiscard]] bool reliable() const noexcept { return reliable_; }

 private:
  friend Background estimate_background(const FrameView&, const BackgroundOptions&, ParallelFor);

  int width_ = 0, height_ = 0, tile_px_ = 64, columns_ = 0, rows_ = 0;
  std::vector<float> level_, level_yy_, noise_, noise_yy_;  // mesh values and their spline curvature along y
  double median_level_ = 0, median_noise_ = 1;
  bool reliable_ = false;
};

/// Estimates the background of \p frame: per tile an iteratively clipped mean and standard deviation, the level being
/// the mode 2.5 median - 1.5 mean where the tile is not crowded, else the median; tiles with too few valid pixels are
/// filled from their neighbours; the mesh is median-filtered and interpolated by natural bicubic splines.
/// A frame without a valid pixel gives level 0, noise 1, reliable() false. Source: Bertin & Arnouts 1996, A&AS 117, 393.
[[nodiscard]] Background estimate_background(const FrameView& frame, const BackgroundOptions& options, ParallelFor parallel);

}  // namespace starflow
