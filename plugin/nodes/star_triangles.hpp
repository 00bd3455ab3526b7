// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Triangles of stars, which look alike in two frames of one field however these are turned, shifted, scaled or
/// mirrored.

#include "frame_transform.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace starflow {

struct StarTriangle {
  std::array<std::size_t, 3> star{};  ///< opposite to the longest, the middle and the shortest side
  double middle = 0, shortest = 0;    ///< sides, in parts of the longest
};

/// Those that each of \p stars makes with two of its nearest neighbours, each once, ordered by `middle`.
[[nodiscard]] std::vector<StarTriangle> star_triangles(std::span<const StarPoint> stars);

/// Which star of one frame a star of another may be: for each pair, in how many triangles of equal shape the two stand
/// in the same place. Source: Groth 1986, AJ 91, 1244; Valdes et al. 1995, PASP 107, 1119; triangles of neighbours
/// alone: Beroiz et al. 2020, Astronomy and Computing 32, 100384.
class TriangleVotes {
 public:
  TriangleVotes(std::span<const StarPoint> stars, std::span<const StarPoint> reference);

  /// Two triangles of equal shape, and how well their stars are voted for.
  struct Match {
    std::array<std::size_t, 3> star{}, reference{};
    std::size_t votes = 0;
  };
  /// The best first.
  [[nodiscard]] const std::vector<Match>& matches() const noexcept { return matches_; }

 private:
  std::vector<Match> matches_;
};

}  // namespace starflow
