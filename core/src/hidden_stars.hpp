// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Stars that the light of brighter ones hides.

#include <starflow/core/parallel.hpp>

#include "residual_search.hpp"
#include "scene_residual.hpp"
#include "star_scene.hpp"

#include <vector>

namespace starflow {

/// Fits the known stars together, takes them off, looks for new ones in what is left over, and does so again.
/// \param known  by any order; is_star false for those that are saturated or no star
/// \param times  that the frame is searched again, 1 or more
/// \param residual  memory that is reused
/// \return all stars with their fitted places: the known ones, and those with a round above 0, which are new
/// Source of the method: Stetson 1987, PASP 99, 191, section III.F; the rule for a new star is that of search_residual.
[[nodiscard]] std::vector<SceneStar> find_hidden_stars(
    const SearchJob& job, std::vector<SceneStar> known, int times, SceneResidual& residual, ParallelFor parallel);

}  // namespace starflow
