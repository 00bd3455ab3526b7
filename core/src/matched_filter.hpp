// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The frame seen through a filter of the stars' shape, in units of its own noise.

#include <starflow/core/background.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/core/parallel.hpp>

#include <cstddef>
#include <vector>

namespace starflow {

/// Signal to noise of a star of Gaussian shape at every pixel, row by row: on pure background noise the values have
/// mean 0 and standard deviation 1, at edges and beside masked pixels too. 0 where fewer than a quarter of the filter's
/// weight falls on valid pixels.
[[nodiscard]] std::vector<float> matched_filter(const FrameView& frame,
                                                const Background& background,
                                                double fwhm_px,
                                                ParallelFor parallel);

}  // namespace starflow
