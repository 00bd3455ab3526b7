// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Level and noise of every tile of a frame, about nothing at first and then about a surface that follows the sky.

#include "tile_mesh.hpp"

#include <starflow/core/background.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// First of the n tiles' pixels along a side; `i` = n gives the end.
[[nodiscard]] inline int tile_edge(int i, int n, int size_px) {
  return static_cast<int>(static_cast<long long>(i) * size_px / n);
}

/// The tiles of a frame and what was measured of them. Holds references: lives shorter than the frame.
struct SkySurvey : MeshSize {
  /// \param pedestal  ADU, near the level: taken off before anything becomes float
  SkySurvey(const FrameView& frame, int tile_px, std::span<const PixelRun> objects, double pedestal);

  /// Measures every tile.
  void measure(ParallelFor parallel);
  /// Measures the tiles with `which` != 0 by their pixels' distances to a surface of levels less the pedestal, whose
  /// values at the tiles' centres are \p at_centres. A tile that scatters more about it than it did before keeps what
  /// it had, and its `which` turns 0: a surface does not follow a step, and swings on both its sides.
  void measure_about(const MeshSurface& surface,
                     std::span<const float> at_centres,
                     std::span<std::uint8_t> which,
                     ParallelFor parallel);

  std::vector<float> level;    ///< less the pedestal, at the tile's centre; NaN = unknown
  std::vector<float> noise;    ///< NaN = unknown: a flat tile says nothing about it
  std::vector<float> samples;  ///< pixels that were looked at
  std::vector<float> quantum;  ///< step between the pixels' values, 0 = continuous

 private:
  const FrameView& frame_;
  std::span<const PixelRun> objects_;
  double pedestal_;
};

}  // namespace starflow
