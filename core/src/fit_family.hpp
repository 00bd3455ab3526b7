// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What fit.cpp calls to fit the models of one family.

#include "fit.hpp"

#include <array>
#include <cstddef>

namespace starflow {

using Fits = std::array<Fit, StarBlock::kMaxLanes>;

/// Fits whose end nobody has judged: all stars of a block in SIMD lanes, or one in double.
struct FitFamily {
  void (*lanes)(const StarBlock& block, const FitRules& rules, Fits& fits);
  void (*again)(const StarBlock& block, const FitRules& rules, std::size_t lane, Fit& fit);
};

[[nodiscard]] FitFamily separable_fits();
[[nodiscard]] FitFamily gaussian_fits();
[[nodiscard]] FitFamily half_moffat_fits();
[[nodiscard]] FitFamily moffat_fits();

}  // namespace starflow
