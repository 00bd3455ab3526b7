// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Which measured light is narrower than a star's: it did not come through the optics.

#include "star_row.hpp"

namespace starflow {

/// Whether the width of \p row, if it has one, is the star's and not that of its place within a pixel.
/// \param fwhm_px  of the frame's stars; 0 = not known
[[nodiscard]] bool window_tells_width(const StarRow& row, double fwhm_px);

/// By the width of \p row, where it has one of its own.
/// \param fwhm_px  of the frame's stars; 0 = not known: then what is narrower than any optics make counts
/// \return flag::hot_pixel where the major axis too is less than half of a star's, flag::cosmic_ray where the minor
///         alone is, by more than its noise explains; 0 for all else
[[nodiscard]] Flags judge_narrow(const StarRow& row, double fwhm_px);

}  // namespace starflow
