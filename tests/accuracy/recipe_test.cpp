// SPDX-License-Identifier: MIT
/// \file
/// A few cells of the accuracy recipe, with its full number of stars; recipe_grid_test has all of them.

#include "accuracy/recipe.hpp"

#include <gtest/gtest.h>

namespace starflow {
namespace {

class Recipe : public ::testing::TestWithParam<test::RecipeCell> {};

TEST_P(Recipe, ReachesItsBoundWithHonestErrors) { test::check_recipe(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Faint, Recipe, ::testing::ValuesIn(test::recipe_cells({3}, {10})), test::cell_name);
INSTANTIATE_TEST_SUITE_P(Bright, Recipe, ::testing::ValuesIn(test::recipe_cells({1.2, 3}, {100})), test::cell_name);

// A covariance in which the parameter on its bound is held gives 1.135 and, with beta on it, 1.20. The limits are the
// recipe's; the scatter of a spread over 20,000 stars is 0.005.
TEST(RecipeAtABound, GivesAnHonestPositionWhereNoiseHasPutAnAxisThere) {
  const test::TrialScore score = test::run_recipe({&test::method_preset("gaussian"), 1.2, 10}).score;
  EXPECT_GT(score.at_bound, score.n / 10);
  EXPECT_NEAR(pooled(score.x, score.y).rms_pull(), 1, 0.12);
  EXPECT_NEAR(score.flux.rms_pull(), 1, 0.12);
}

TEST(RecipeAtABound, GivesAnHonestFluxWhereNoiseHasPutBetaThere) {
  const test::TrialScore score = test::run_recipe({&test::method_preset("moffat_free"), 3, 30}).score;
  EXPECT_GT(score.at_bound, score.n / 100);
  EXPECT_NEAR(score.flux.rms_pull(), 1, 0.05);
}

}  // namespace
}  // namespace starflow
