// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Centroids by a method from outside.

#include "centroid_lanes.hpp"
#include "star_block.hpp"

#include <starflow/core/star_method.hpp>

namespace starflow {

/// As run_centroids(). What the method gives is believed no further than it can be, and ends as with our own: a
/// position that is not finite, outside of the stamp, or farther than CentroidRules::move_limit from where the star is
/// thought to be is a failure; so is a flux that is not positive, or more iterations than are allowed.
/// \param method  null: every star fails
void run_method(const StarBlock& block,
                const CentroidRules& rules,
                const StarMethod* method,
                double gain_e_per_adu,
                CentroidLanes& lanes);

}  // namespace starflow
