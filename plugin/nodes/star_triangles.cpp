// SPDX-License-Identifier: MIT
#include "star_triangles.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

namespace starflow {
namespace {

constexpr std::size_t kNeighbours = 6;
constexpr double kTolerance = 0.01;  // of the sides, in parts of the longest
constexpr double kLeastSide = 0.1;   // of the shortest: flatter ones tell little
constexpr double kAlike = 0.02;      // two sides more alike may change places

StarTriangle triangle(std::span<const StarPoint> stars, std::array<std::size_t, 3> corner) {
  struct Side {
    double length;
    std::size_t opposite;
  };
  std::array<Side, 3> side{};
  for (std::size_t k = 0; k < 3; ++k)
    side[k] = {distance(stars[corner[(k + 1) % 3]], stars[corner[(k + 2) % 3]]), corner[k]};
  std::ranges::sort(side, [](const Side& a, const Side& b) {
    return a.length != b.length ? a.length > b.length : a.opposite < b.opposite;
  });
  return {{side[0].opposite, side[1].opposite, side[2].opposite},
          side[1].length / side[0].length,
          side[2].length / side[0].length};
}

bool telling(const StarTriangle& t) {
  return t.shortest > kLeastSide && 1 - t.middle > kAlike && t.middle - t.shortest > kAlike;
}

}  // namespace

std::vector<StarTriangle> star_triangles(std::span<const StarPoint> stars) {
  std::set<std::array<std::size_t, 3>> corners;
  std::vector<std::size_t> near(stars.size());
  const std::size_t last = std::min(kNeighbours + 1, stars.size());
  for (std::size_t i = 0; i < stars.size(); ++i) {
    std::iota(near.begin(), near.end(), std::size_t{0});
    std::ranges::partial_sort(near, near.begin() + static_cast<std::ptrdiff_t>(last),
                              [&](std::size_t a, std::size_t b) {
                                const double p = distance(stars[a], stars[i]), q = distance(stars[b], stars[i]);
                                return p != q ? p < q : a < b;
                              });
    for (std::size_t a = 0; a < last; ++a) {
      for (std::size_t b = a + 1; b < last; ++b) {
        std::array<std::size_t, 3> c = {i, near[a], near[b]};
        std::ranges::sort(c);
        if (c[0] != c[1] && c[1] != c[2]) corners.insert(c);
      }
    }
  }
  std::vector<StarTriangle> triangles;
  for (const auto& c : corners) {
    const StarTriangle t = triangle(stars, c);
    if (telling(t)) triangles.push_back(t);
  }
  std::ranges::stable_sort(triangles, {}, &StarTriangle::middle);
  return triangles;
}

TriangleVotes::TriangleVotes(std::span<const StarPoint> stars, std::span<const StarPoint> reference) {
  const std::vector<StarTriangle> ours = star_triangles(stars), theirs = star_triangles(reference);
  std::vector<std::size_t> votes(stars.size() * reference.size(), 0);
  const auto vote = [&](std::size_t star, std::size_t other) -> std::size_t& {
    return votes[star * reference.size() + other];
  };
  for (const StarTriangle& t : ours) {
    auto r = std::ranges::lower_bound(theirs, t.middle - kTolerance, {}, &StarTriangle::middle);
    for (; r != theirs.end() && r->middle <= t.middle + kTolerance; ++r) {
      if (std::abs(r->shortest - t.shortest) > kTolerance) continue;
      matches_.push_back({t.star, r->star, 0});
      for (std::size_t k = 0; k < 3; ++k) ++vote(t.star[k], r->star[k]);
    }
  }
  for (Match& m : matches_) {
    for (std::size_t k = 0; k < 3; ++k) m.votes += vote(m.star[k], m.reference[k]);
  }
  std::ranges::stable_sort(matches_, std::ranges::greater(), &Match::votes);
}

}  // namespace starflow
