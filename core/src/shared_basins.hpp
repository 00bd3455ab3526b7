// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Adds the stars that others hide, and shares the pixels of a basin out among its stars.

#include <starflow/core/parallel.hpp>

#include "candidate.hpp"
#include "residual_search.hpp"

#include <vector>

namespace starflow {

/// \param times  that the frame is searched again, 1 or more
/// \param isophote_adu  above the background, for the sums
/// \param candidates  one for each of the first basins, with its sums. Those in the light of others get their fitted
///        place; the hidden ones are put behind.
/// \param residual  memory that is reused
void add_hidden_stars(const SearchedFrame& searched,
                      int times,
                      double isophote_adu,
                      std::vector<Candidate>& candidates,
                      SceneResidual& residual,
                      ParallelFor parallel);

}  // namespace starflow
