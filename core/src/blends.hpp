// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the stars of a frame are to each other while it is measured: neighbours, groups, and their light as known.

#include "group_fit.hpp"
#include "measure_plan.hpp"
#include "neighbours.hpp"
#include "star_block.hpp"
#include "star_groups.hpp"
#include "star_row.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// One member's part of a group's fit, in px of the frame and ADU; the width in block px.
struct GroupStar {
  Fit fit;
  int n_pix = 0, n_masked = 0, parameters = 0;  ///< of the group
  Flags flags = 0;                              ///< of the group's sky
  bool fitted = false;                          ///< it stands; false: the group's fit went without it
  bool together = false;                        ///< it was fitted with another one
};

/// Memory and state of one call of measure(). Threads write the rows of their own stars and groups only.
struct Blends {
  /// Finds neighbours and groups. Reuses its memory.
  void build(const Detections& list, const MeasurePlan& plan, int width, int height);

  /// Those whose light matters to a star, nearest first; duplicates are left out.
  void near(std::size_t star, NearStars& out) const;

  /// Lists the stars that another one is near to: those outside of groups first.
  void list_crowded();

  /// Whether the light of another group matters to this one.
  [[nodiscard]] bool touches_others(std::size_t group) const;

  /// Makes the fits of the groups the light that is known.
  void publish(const MeasurePlan& plan);

  const Detections* stars = nullptr;
  double reach_px = 0, same_px = 0;
  NeighbourGrid grid;
  StarGroups groups;
  std::vector<StarModel> model;   ///< of each star
  std::vector<GroupStar> fitted;  ///< of each member
  std::vector<std::uint32_t> crowded;
};

/// The light of a measured star, as wide as the frame's stars where its own width is not to be trusted.
[[nodiscard]] StarModel model_of(const StarRow& row, const MeasurePlan& plan);

/// Takes the pixels out of a lane that belong to a neighbour: those where the neighbour's Gaussian of \p fwhm_px is the
/// brighter one, by the peaks of the list; the border is no nearer to either star than a quarter of their distance.
/// Where a peak is not known both count as equally bright. \return whether there were any
bool mask_neighbour(
    StarBlock& block, std::size_t lane, const Detections& stars, std::size_t star, std::size_t other, double fwhm_px);

}  // namespace starflow
