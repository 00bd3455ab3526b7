// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The filtered frame about one place, dim pixels too.

#include <starflow/core/background.hpp>
#include <starflow/core/frame_view.hpp>

#include "bright_pixels.hpp"

#include <span>
#include <vector>

namespace starflow {

/// A square lattice of (2 * reach + 1)^2 points about a pixel, `step` px apart.
struct PatchLattice {
  int x = 0, y = 0;  ///< px, the middle
  int reach = 0;     ///< points on each side of it
  int step = 1;      ///< px
};

/// Whitens and filters the frame at the points of a lattice, row by row into \p out. As bright_pixels() does, but with
/// the background's plane and its noise in the middle; pixels that are masked or outside of the frame count as sky.
/// \param memory  that is reused
void filter_patch(const FrameView& frame,
                  const Background& background,
                  const StarFilter& filter,
                  const PatchLattice& lattice,
                  std::vector<float>& memory,
                  std::span<float> out);

}  // namespace starflow
