// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Where a sky is too uneven for its tiles.

#include "sky_levels.hpp"
#include "sky_survey.hpp"

#include <cstdint>
#include <vector>

namespace starflow {

/// A surface through tiles misses what bends within one, and a matched filter of 3 px FWHM sees each 0.1 sigma of that
/// as 0.5 sigma of a star. The levels of three tiles in a row tell: on skies with random clouds their second difference
/// is 3 sigma (median), of smooth skies 0.06 sigma, with 15,000 stars in 2048x2048 px 0.08 sigma, at most 0.34.
/// Stars scatter the levels in inverse proportion to the tiles' side. So a tile of 64 px is uneven where most of the
/// 3x3 tiles about it bend by half a sigma, one of 32 px where they bend by a whole one; but not where it stands off
/// the surface by more than that bends: there it holds an object.
/// \return one for each tile of \p survey, 1 = uneven; empty where none is, or the surface did not have to be followed
[[nodiscard]] std::vector<std::uint8_t> uneven_tiles(const SkySurvey& survey, const SkyLevels& levels, int tile_px);

}  // namespace starflow
