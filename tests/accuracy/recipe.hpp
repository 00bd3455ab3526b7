// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The accuracy recipe: one cell of method x FWHM x signal-to-noise ratio, and what it must reach.
/// Statistics: N = 20,000 stars a cell, fixed seeds, all stars count. An RMS over x and y is known to 1/sqrt(80,000) =
/// 0.35 %, one of a single quantity to 0.5 %; a mean pull to 0.0071.

#include "method_presets.hpp"
#include "pull_bias.hpp"
#include "trial_score.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace starflow::test {

struct RecipeCell {
  const Preset* preset = nullptr;
  double fwhm_px = 0, snr = 0;
};
void PrintTo(const RecipeCell& cell, std::ostream* out);
[[nodiscard]] std::string cell_name(const ::testing::TestParamInfo<RecipeCell>& cell);

/// All presets at these widths and ratios, where the recipe asks for them.
[[nodiscard]] std::vector<RecipeCell> recipe_cells(std::initializer_list<double> fwhm_px,
                                                   std::initializer_list<double> snr);

struct RecipeRun {
  TrialScore score;
  MeanPulls expected;  ///< of a fit
  double peak_over_noise = 0;
};
/// Draws, measures and prints a line.
[[nodiscard]] RecipeRun run_recipe(const RecipeCell& cell);

/// The same, and checks the limits.
void check_recipe(const RecipeCell& cell);

}  // namespace starflow::test
