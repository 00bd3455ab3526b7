// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Stars that overlap: fitted together, or taken out of each other's pixels.

#include "fit.hpp"

#include <array>
#include <cstddef>

namespace starflow {

/// Where a star is and how its light is spread, px of the frame and ADU.
struct StarModel {
  double x = 0, y = 0, flux = 0;  ///< flux <= 0: no light is known
  double log_fwhm = 0, e1 = 0, e2 = 0, beta = 0;
};

/// Takes the light of \p star out of a lane of \p block; its shot noise stays in the variance of the pixels. A profile
/// is cut beyond model_reach().
void take_out(StarBlock& block, std::size_t lane, const FitRules& rules, const StarModel& star);

/// Half side of the square about a star that its light is evaluated in, block px.
[[nodiscard]] int model_reach(const FitRules& rules);

/// Stars that are fitted together, in a lane of a block; lengths in block px.
struct GroupProblem {
  static constexpr std::size_t kMost = 12;
  struct Member {
    double x = 0, y = 0;  ///< where it is thought to be, from the centre of the block
    double limit = 0;     ///< it is not looked for farther away
    double start_x = 0, start_y = 0, flux = 0;
  };
  std::array<Member, kMost> member;
  std::size_t size = 0;
  bool known = false;  ///< flux of all, level and shape are near to the solution; else they are not read
  double level = 0, width = 0, e1 = 0, e2 = 0, beta = 0;
  int radius = 0;  ///< half side of the square that is fitted; pixels that no star needs are missing in the block
};

/// What a group's fit gives.
struct GroupFit {
  /// One a member. Level, shape, chi2, residual_fraction and iterations are the group's; a member that was left out has
  /// the reason as its termination, the others that of the fit.
  std::array<Fit, GroupProblem::kMost> star;
  std::size_t fitted = 0;  ///< members that were not left out
  int parameters = 0;      ///< free ones
};

/// Fits positions and fluxes of all members together, with one shape and one level, in double: Fisher scoring from the
/// fluxes that suit the positions best, and once more with Marquardt's damping where that did not end. The covariance
/// is that of the joint Fisher matrix, with Estimator::least_squares the sandwich; what rests on a bound is free in it.
/// A member without light, or that ran to its limit, is left out, the worst first, and the rest is fitted again. A fit
/// that fails leaves out the faintest member. The numbers do not depend on the other lanes.
void fit_group(
    const StarBlock& block, std::size_t lane, const FitRules& rules, const GroupProblem& problem, GroupFit& out);

}  // namespace starflow
