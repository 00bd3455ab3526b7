// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Sky level and noise over the frame: a mesh of clipped tile statistics with smooth interpolation between them.

#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

namespace starflow {

struct SurfaceRow;  // of the implementation
struct SkySurvey;
class SkyLevels;

struct BackgroundOptions {
  int tile_px = 64;      ///< side of a mesh tile, 8..1024 px
  int filter_tiles = 3;  ///< side of the median filter over the mesh, odd, 1..9 tiles
};

/// Pixels [x0, x1) of row y that belong to an object.
struct PixelRun {
  int y = 0, x0 = 0, x1 = 0;  ///< px
};

/// Where the background of a place comes from.
enum class TileOrigin : std::uint8_t {
  measured,  ///< from the tile's own pixels
  flat,      ///< its pixels are all equal: the level is theirs, the noise that of its neighbours
  repaired,  ///< too few valid pixels: both are its neighbours'
};

/// A smooth surface through the centres of mesh tiles: a cubic B-spline. Evaluation touches 4x4 coefficients.
class MeshSurface {
 public:
  /// How the surface goes on over the outer half tiles. Bent: with the second difference of the three tiles next to the
  /// end, as a vignetted sky does, whose rim a straight one misses by an eighth of that; but the scatter of a tile's
  /// value counts 2.3 times there, not 1.6 times.
  enum class Rim : std::uint8_t { straight, bent };

  MeshSurface() = default;
  /// \p values row by row, columns * rows of them, at the tile centres of a frame of width x height px.
  MeshSurface(std::vector<float> values, int columns, int rows, int width, int height, Rim rim = Rim::straight);

  /// The plane that touches the surface at a point.
  struct Tangent {
    double value = 0, slope_x = 0, slope_y = 0;  ///< slopes per px
  };

  [[nodiscard]] float at(double x, double y) const noexcept;
  [[nodiscard]] Tangent tangent(double x, double y) const noexcept;

  /// Values below or above are set to these.
  struct Range {
    float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
  };
  void row(int y, std::span<float> out, Range range) const noexcept;          ///< at (0..out.size()-1, y)
  void inverse_row(int y, std::span<float> out, Range range) const noexcept;  ///< 1 / value

 private:
  [[nodiscard]] SurfaceRow at_row(int y, Range range) const noexcept;

  int columns_ = 0, rows_ = 0;
  double per_px_x_ = 0, per_px_y_ = 0;
  std::vector<float> coefficients_;  // (columns + 4) * (rows + 4)
};

/// Level and noise of the sky, defined at every position of the frame. Immutable once made; cheap to share.
/// On a colour mosaic each of the four phases of its 2x2 pixels has its own: a place has their mean level and their
/// root mean square noise, a pixel its own.
class Background {
 public:
  [[nodiscard]] double level(double x, double y) const noexcept { return tangent(x, y).value; }  ///< ADU
  /// Level and its slopes, ADU and ADU/px.
  [[nodiscard]] MeshSurface::Tangent tangent(double x, double y) const noexcept;
  [[nodiscard]] double noise(double x, double y) const noexcept;  ///< ADU, 1 sigma of one pixel, > 0

  [[nodiscard]] bool has_phases() const noexcept { return phases_ != nullptr; }
  /// The same for the pixels of one phase, see mosaic_phase(); without phases for all pixels.
  [[nodiscard]] MeshSurface::Tangent tangent(double x, double y, std::size_t phase) const noexcept;
  [[nodiscard]] double noise(double x, double y, std::size_t phase) const noexcept;
  [[nodiscard]] double pixel_level(int x, int y) const noexcept { return tangent(x, y, mosaic_phase(x, y)).value; }
  [[nodiscard]] double pixel_noise(int x, int y) const noexcept { return noise(x, y, mosaic_phase(x, y)); }

  /// A constant near the level, ADU. Taking it off in the input's precision keeps float arithmetic exact on a high sky.
  [[nodiscard]] double pedestal() const noexcept { return pedestal_; }
  /// Writes level less pedestal, and noise, of the pixels (0..size-1, y). Allocates a row on a mosaic alone.
  void row(int y, std::span<float> level_above_pedestal, std::span<float> noise_adu) const noexcept;
  /// The same with 1 / noise: a filter multiplies.
  void weighted_row(int y, std::span<float> level_above_pedestal, std::span<float> per_noise) const noexcept;

  /// Of the tile that holds the position; of positions outside the frame, the nearest tile. Repaired where no pixel of
  /// the frame is valid.
  [[nodiscard]] TileOrigin origin(double x, double y) const noexcept;
  /// Side of the mesh's smallest tiles, px; infinite where there is none.
  [[nodiscard]] double tile_px() const noexcept { return finest_tile_px_; }
  /// Part of the tiles that were measured, 0..1.
  [[nodiscard]] double measured_fraction() const noexcept;

  /// ADU; NaN where no pixel is valid.
  [[nodiscard]] double median_level() const noexcept { return median_level_; }
  /// ADU; NaN where the pixels tell none: reliable() is false then.
  [[nodiscard]] double median_noise() const noexcept { return median_noise_; }
  /// False where the pixels gave no usable noise (a constant or almost fully masked frame).
  [[nodiscard]] bool reliable() const noexcept { return reliable_; }

 private:
  friend Background estimate_background(const FrameView&,
                                        const BackgroundOptions&,
                                        ParallelFor,
                                        std::span<const PixelRun>);
  friend Background join_phases(std::array<Background, 4>);
  struct Sources {
    const FrameView& frame;
    const BackgroundOptions& options;
    ParallelFor parallel;
    std::span<const PixelRun> objects;
  };
  /// Takes the mesh, or where it is uneven a finer one.
  void divide(SkySurvey& survey, const SkyLevels& levels, const Sources& from);
  void take(SkySurvey& survey, const SkyLevels& levels, const FrameView& frame, int filter_tiles);

  MeshSurface level_, noise_;
  std::vector<TileOrigin> origins_;
  int columns_ = 0, rows_ = 0;  // tiles
  double tiles_per_px_x_ = 0, tiles_per_px_y_ = 0;
  double finest_tile_px_ = std::numeric_limits<double>::infinity();
  MeshSurface::Range noise_range_{1, 1};  // the surface may overshoot between tiles: held to the tiles' range
  double pedestal_ = 0;
  double median_level_ = std::numeric_limits<double>::quiet_NaN(), median_noise_ = median_level_;
  bool reliable_ = false;
  std::shared_ptr<const std::array<Background, 4>> phases_;  // in pixels of their own; null = none
};

/// Estimates the background of \p frame. Per tile the pixels are clipped at 3 sigma; the level is their mean where the
/// clip met nothing but noise, the mode 2.5 median - 1.5 mean where it met stars, and the median where the tile is
/// crowded; tiles with too few valid pixels are filled from their neighbours; the mesh is median-filtered and
/// interpolated smoothly. Source of mode, median and mesh: Bertin & Arnouts 1996, A&AS 117, 393.
/// Where the sky slopes or bends within a tile, its pixels are measured again about the surface, so that a slope is no
/// noise: sigma is right to 1 % there too. Where it bends from tile to tile by half a sigma (of tiles of 64 px; in
/// inverse proportion to their side), tiles of 32 px and more are divided in four; all of them where the sky can be
/// followed in the quarters alone. Structure smaller than that counts as noise.
/// On frames of mere noise (normal or Poisson of 1 e- and more, rounded or not; sigma of 1 ADU and more) the level is
/// right to 0.01 sigma and the noise to 1 %.
/// \param objects  pixels to leave out, for a second pass; ordered by y, may reach beyond the frame
/// Each phase of a colour mosaic is a frame of its own, of half the width and height, in tiles of as many pixels of the
/// whole frame; it is copied for that.
/// A frame without a valid pixel gives level 0, noise 1 at every position, no medians, reliable() false. The bits do
/// not depend on the number of threads; between instruction sets rows differ by float's rounding.
[[nodiscard]] Background estimate_background(const FrameView& frame,
                                             const BackgroundOptions& options,
                                             ParallelFor parallel,
                                             std::span<const PixelRun> objects = {});

}  // namespace starflow
