// SPDX-License-Identifier: MIT
/// \file
/// Which rows a filter takes because of others that are near: duplicates and neighbours.

#include <starflow/core/star_filter.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

#include "support/star_rows.hpp"

namespace starflow {
namespace {

using test::good_stars;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr FilterFrame kFrame{100, 80, 4};

using Reasons = std::vector<std::string_view>;

// Radius 0.5 of 4 px: 2 px.
TEST(StarFilterPairs, TakesTheLowerSignalToNoiseOfTwoRowsThatAgree) {
  StarTable t = good_stars(4);
  t.x = {20, 22, 30, 32.001};
  t.snr = {5, 50, 50, 5};
  EXPECT_EQ(filter_stars(t, {.duplicate_radius = 0.5}, kFrame), (Reasons{"duplicate", "", "", ""}));
}

TEST(StarFilterPairs, KeepsTheEarlierOfDuplicatesThatAreEqual) {
  StarTable t = good_stars(3);
  t.x = {20, 20, 20};
  t.snr = {7, 7, 7};
  EXPECT_EQ(filter_stars(t, {.duplicate_radius = 0.1}, kFrame), (Reasons{"", "duplicate", "duplicate"}));
  t.snr = {kNan, kNan, 1};
  EXPECT_EQ(filter_stars(t, {.duplicate_radius = 0.1}, kFrame), (Reasons{"duplicate", "duplicate", ""}));
}

// The middle one of a chain is a duplicate of the best; the last is near that one alone, which is gone.
TEST(StarFilterPairs, KeepsARowWhoseBetterDuplicateIsGone) {
  StarTable t = good_stars(3);
  t.x = {20, 21.5, 23};
  t.snr = {30, 20, 10};
  EXPECT_EQ(filter_stars(t, {.duplicate_radius = 0.5}, kFrame), (Reasons{"", "duplicate", ""}));
}

TEST(StarFilterPairs, KnowsNoDuplicatesOfRowsWithoutAPosition) {
  StarTable t = good_stars(2);
  t.x = {kNan, kNan};
  EXPECT_EQ(filter_stars(t, {.duplicate_radius = 1, .neighbour_radius = 1}, kFrame), Reasons(2));
}

TEST(StarFilterPairs, TakesEqualPositionsAloneWhereTheWidthIsUnknown) {
  StarTable t = good_stars(3);
  t.x = {20, 20, 20.001};
  EXPECT_EQ(filter_stars(t, {.duplicate_radius = 1}, {100, 80, 0}), (Reasons{"", "duplicate", ""}));
}

TEST(StarFilterPairs, TakesBothOfTwoNeighbours) {
  StarTable t = good_stars(4);
  t.x = {20, 28, 36.001, 60};
  EXPECT_EQ(filter_stars(t, {.neighbour_radius = 2}, kFrame), (Reasons{"neighbour", "neighbour", "", ""}));
}

// At 30 something lies beside every star; what goes for another reason is still there, what is no star never was.
TEST(StarFilterPairs, CountsLightThatAnotherRuleTakesAsANeighbour) {
  const auto beside = [](Flags flags, const FilterRules& rules) {
    StarTable t = good_stars(2);
    t.x = {20, 21};
    t.snr = {50, 2};
    t.flags[1] = flags;
    return filter_stars(t, rules, kFrame);
  };
  const auto near = reason::neighbour;
  EXPECT_EQ(beside(0, {.snr_min = 5, .neighbour_radius = 1}), (Reasons{near, "snr"}));
  EXPECT_EQ(beside(flag::saturated, {.flags = flag::saturated, .neighbour_radius = 1}), (Reasons{near, "saturated"}));
  EXPECT_EQ(beside(0, {.duplicate_radius = 0.5, .neighbour_radius = 1}), (Reasons{"", "duplicate"}));
  EXPECT_EQ(beside(flag::hot_pixel, {.neighbour_radius = 1}), (Reasons{"", near}));
  EXPECT_EQ(beside(flag::cosmic_ray, {.flags = flag::cosmic_ray, .neighbour_radius = 1}), (Reasons{"", "cosmic_ray"}));
}

// Against a search through all pairs: a crowd at places on a half-pixel lattice, so that distances tie with the radius.
TEST(StarFilterPairs, FindsWhatASearchThroughAllPairsFinds) {
  constexpr std::size_t kN = 600;
  constexpr double kRadius = 2;
  StarTable t = good_stars(kN);
  std::mt19937 random(20);
  for (std::size_t i = 0; i < kN; ++i) {
    t.x[i] = static_cast<double>(random() % 200) / 2;
    t.y[i] = static_cast<double>(random() % 160) / 2;
    t.snr[i] = static_cast<double>(random() % 40);
  }
  const auto near = [&](std::size_t a, std::size_t b) {
    return a != b && std::hypot(t.x[a] - t.x[b], t.y[a] - t.y[b]) <= kRadius;
  };
  Reasons duplicate(kN), neighbour(kN);
  for (double snr = 39; snr >= 0; --snr) {
    for (std::size_t i = 0; i < kN; ++i) {
      if (t.snr[i] != snr || !duplicate[i].empty()) continue;
      for (std::size_t k = 0; k < kN; ++k) {
        const bool worse = t.snr[k] < snr || (t.snr[k] == snr && k > i);
        if (near(i, k) && worse) duplicate[k] = reason::duplicate;
      }
    }
  }
  for (std::size_t i = 0; i < kN; ++i) {
    for (std::size_t k = 0; k < kN; ++k) {
      if (near(i, k)) neighbour[i] = reason::neighbour;
    }
  }
  EXPECT_EQ(filter_stars(t, {.duplicate_radius = kRadius / 4}, kFrame), duplicate);
  EXPECT_EQ(filter_stars(t, {.neighbour_radius = kRadius / 4}, kFrame), neighbour);
}

}  // namespace
}  // namespace starflow
