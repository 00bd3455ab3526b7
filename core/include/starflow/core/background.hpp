// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Sky level and noise over the frame: a mesh of clipped tile statistics with smooth interpolation between them.

#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>

#include <limits>
#include <span>
#include <vector>

namespace starflow {

struct BackgroundOptions {
  int tile_px = 64;      ///< side of a mesh tile, 8..1024 px
  int filter_tiles = 3;  ///< side of the median filter over the mesh, odd, 1..9 tiles
};

/// A smooth surface through the centres of mesh tiles: a cubic B-spline with natural ends, continued linearly over the
/// outer half tiles. Evaluation touches 4x4 coefficients.
class MeshSurface {
 public:
  MeshSurface() = default;
  /// \p values row by row, columns * rows of them, at the tile centres of a frame of width x height px.
  MeshSurface(std::vector<float> values, int columns, int rows, int width, int height);

  /// The plane that touches the surface at a point.
  struct Tangent {
    double value = 0, slope_x = 0, slope_y = 0;  ///< slopes per px
  };

  [[nodiscard]] float at(double x, double y) const noexcept;
  [[nodiscard]] Tangent tangent(double x, double y) const noexcept;
  void row(int y, std::span<float> out) const noexcept;  ///< at (0..out.size()-1, y)

 private:
  int columns_ = 0, rows_ = 0;
  double per_px_x_ = 0, per_px_y_ = 0;
  std::vector<float> coefficients_;  // (columns + 4) * (rows + 4)
};

/// Level and noise of the sky, defined at every position of the frame. Immutable once made; cheap to share.
class Background {
 public:
  [[nodiscard]] double level(double x, double y) const noexcept {
    return pedestal_ + static_cast<double>(level_.at(x, y));
  }  ///< ADU
  /// Level and its slopes, ADU and ADU/px.
  [[nodiscard]] MeshSurface::Tangent tangent(double x, double y) const noexcept {
    MeshSurface::Tangent t = level_.tangent(x, y);
    t.value += pedestal_;
    return t;
  }
  [[nodiscard]] double noise(double x, double y) const noexcept;  ///< ADU, 1 sigma of one pixel, > 0

  /// A constant near the level, ADU. Taking it off in the input's precision keeps float arithmetic exact on a high sky.
  [[nodiscard]] double pedestal() const noexcept { return pedestal_; }
  /// Writes level less pedestal, and noise, of the pixels (0..size-1, y). Never allocates.
  void row(int y, std::span<float> level_above_pedestal, std::span<float> noise_adu) const noexcept;

  /// ADU; NaN where no pixel is valid.
  [[nodiscard]] double median_level() const noexcept { return median_level_; }
  /// ADU; NaN where the pixels tell none: reliable() is false then.
  [[nodiscard]] double median_noise() const noexcept { return median_noise_; }
  /// False where the pixels gave no usable noise (a constant or almost fully masked frame).
  [[nodiscard]] bool reliable() const noexcept { return reliable_; }

 private:
  friend Background estimate_background(const FrameView&, const BackgroundOptions&, ParallelFor);

  MeshSurface level_, noise_;
  float lowest_noise_ = 1, highest_noise_ = 1;  // the surface may overshoot between tiles: held to the tiles' range
  double pedestal_ = 0;
  double median_level_ = std::numeric_limits<double>::quiet_NaN(), median_noise_ = median_level_;
  bool reliable_ = false;
};

/// Estimates the background of \p frame: per tile an iteratively clipped mean and standard deviation, the level being
/// the mode 2.5 median - 1.5 mean where the tile is not crowded, else the median; tiles with too few valid pixels are
/// filled from their neighbours; the mesh is median-filtered and interpolated smoothly.
/// A frame without a valid pixel gives level 0, noise 1 at every position, no medians, reliable() false. Source: Bertin
/// & Arnouts 1996, A&AS 117, 393.
[[nodiscard]] Background estimate_background(const FrameView& frame,
                                             const BackgroundOptions& options,
                                             ParallelFor parallel);

}  // namespace starflow
