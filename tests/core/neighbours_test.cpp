// SPDX-License-Identifier: MIT
/// \file
/// Which stars are near to each other, and which are measured together.

#include "neighbours.hpp"
#include "star_groups.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace starflow {
namespace {

constexpr int kSide = 200;

/// Positions all over the frame and beyond its border, some twice, some that are none.
Detections crowd(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
  Detections d;
  d.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    d.x[i] = -20 + 240 * uniform();
    d.y[i] = -20 + 240 * uniform();
    d.peak[i] = 100 * uniform();
    d.id[i] = static_cast<std::int64_t>(i);
  }
  d.x[3] = d.x[4];
  d.y[3] = d.y[4];
  d.x[7] = std::numeric_limits<double>::quiet_NaN();
  d.y[8] = 1e300;
  return d;
}

TEST(NeighbourGrid, FindsWhatLooking) {
  const Detections d = crowd(500, 1);
  NeighbourGrid grid;
  for (const double reach : {0.5, 7.0, 60.0, 1000.0}) {
    grid.build(d.x, d.y, kSide, kSide, reach);
    for (std::size_t i = 0; i < d.size(); ++i) {
      std::set<std::uint32_t> found, expected;
      if (!std::isfinite(d.x[i]) || !std::isfinite(d.y[i])) continue;
      grid.near(d.x[i], d.y[i], reach, [&](const NeighbourGrid::Entry& e) { found.insert(e.star); });
      for (std::size_t k = 0; k < d.size(); ++k) {
        if (std::abs(d.x[k] - d.x[i]) <= reach && std::abs(d.y[k] - d.y[i]) <= reach)
          expected.insert(static_cast<std::uint32_t>(k));
      }
      ASSERT_EQ(found, expected) << "star " << i << " reach " << reach;
    }
  }
}

TEST(NeighbourGrid, IsEmptyWithoutStars) {
  NeighbourGrid grid;
  grid.build({}, {}, kSide, kSide, 5);
  grid.near(10, 10, 5, [](const NeighbourGrid::Entry&) { FAIL(); });
}

constexpr GroupRules kRules{0.5, 12, 6, 40, 4};

StarGroups groups_of(const Detections& d, const GroupRules& rules) {
  NeighbourGrid grid;
  grid.build(d.x, d.y, kSide, kSide, rules.reach_px);
  StarGroups groups;
  groups.build(d, grid, kSide, kSide, rules);
  return groups;
}

/// The groups as sets of ids.
std::set<std::set<std::int64_t>> sets(const StarGroups& groups, const Detections& d) {
  std::set<std::set<std::int64_t>> out;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::set<std::int64_t> ids;
    for (const std::uint32_t star : groups.members(g)) ids.insert(d.id[star]);
    out.insert(ids);
  }
  return out;
}

Detections row(const std::vector<double>& x) {
  Detections d;
  d.resize(x.size());
  d.x = x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    d.y[i] = 50;
    d.id[i] = static_cast<std::int64_t>(i);
  }
  return d;
}

TEST(StarGroups, AreFriendsOfFriends) {
  const Detections d = row({10, 15, 20, 40, 60, 65.9});
  EXPECT_EQ(sets(groups_of(d, kRules), d), (std::set<std::set<std::int64_t>>{{0, 1, 2}, {4, 5}}));
}

TEST(StarGroups, AreCutAtTheLongestLink) {
  const Detections d = row({10, 15, 20, 25.5, 30, 35});
  EXPECT_EQ(sets(groups_of(d, kRules), d), (std::set<std::set<std::int64_t>>{{0, 1, 2}, {3, 4, 5}}));
}

TEST(StarGroups, AreNoWiderThanTheirBlock) {
  GroupRules rules = kRules;
  rules.extent_px = 11;
  rules.size = 10;
  const Detections d = row({10, 15, 20, 25.5, 30, 35});
  EXPECT_EQ(sets(groups_of(d, rules), d), (std::set<std::set<std::int64_t>>{{0, 1, 2}, {3, 4, 5}}));
}

TEST(StarGroups, LeaveOutTheFainterOfTwoListedTwice) {
  Detections d = row({10, 10.2, 14});
  d.peak = {5, 9, 3};
  const StarGroups groups = groups_of(d, kRules);
  EXPECT_EQ(sets(groups, d), (std::set<std::set<std::int64_t>>{{1, 2}}));
  EXPECT_TRUE(groups.shadow(0));
}

TEST(StarGroups, DoNotDependOnTheOrderOfTheList) {
  const Detections d = crowd(1500, 2);
  const auto expected = sets(groups_of(d, kRules), d);
  ASSERT_GT(expected.size(), 100U);
  std::vector<std::size_t> order(d.size());
  std::iota(order.begin(), order.end(), 0U);
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    std::ranges::shuffle(order, std::mt19937_64(seed));
    Detections e;
    e.resize(d.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
      e.x[k] = d.x[order[k]];
      e.y[k] = d.y[order[k]];
      e.peak[k] = d.peak[order[k]];
      e.id[k] = d.id[order[k]];
    }
    EXPECT_EQ(sets(groups_of(e, kRules), e), expected) << seed;
  }
  for (const auto& group : expected) EXPECT_LE(group.size(), kRules.size);
}

}  // namespace
}  // namespace starflow
