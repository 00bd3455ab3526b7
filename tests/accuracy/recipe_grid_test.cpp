// SPDX-License-Identifier: MIT
/// \file
/// The whole accuracy recipe: every method from undersampled to wide stars, from faint to bright ones.

#include "accuracy/recipe.hpp"

#include <gtest/gtest.h>

namespace starflow {
namespace {

class RecipeGrid : public ::testing::TestWithParam<test::RecipeCell> {};

TEST_P(RecipeGrid, ReachesItsBoundWithHonestErrors) { test::check_recipe(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All,
                         RecipeGrid,
                         ::testing::ValuesIn(test::recipe_cells({1.2, 1.5, 2, 3, 5}, {10, 30, 100, 1000})),
                         test::cell_name);

}  // namespace
}  // namespace starflow
