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

}  // namespace
}  // namespace starflow
