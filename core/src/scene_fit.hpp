// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Fits the places and amplitudes of all stars of a scene together.

#include <starflow/core/parallel.hpp>

#include "bright_index.hpp"
#include "filtered_star.hpp"
#include "star_scene.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// Least squares in the matched-filtered frame. There the condition for the best amplitude of a star is that the light
/// left over at its place is 0, and that for the best place that it has no slope there: the 3x3 pixels about each star
/// tell all. Solved star by star, neighbours held, in sweeps over the frame until nothing moves (Gauss-Seidel). Of
/// strips that touch, one rests while the other is worked on, so the result does not depend on the number of threads.
class SceneFit {
 public:
  /// \param scene  its stars get new x, y, amplitude and reach; those that are settled only if another one near changes
  SceneFit(const BrightPixels& bright, const BrightIndex& index, const FilteredStar& shape, StarScene& scene)
      : bright_(bright), index_(index), shape_(shape), scene_(scene) {}

  void run(int sweeps, ParallelFor parallel);

 private:
  /// The filtered pixels about a star.
  struct Patch {
    int x = 0, y = 0;                     // the middle one
    std::array<float, 9> height{};        // row by row
    std::array<bool, 9> bright{};         // else the height is not known
    bool known = false, movable = false;  // known: read; movable: all that tells the place is bright
  };

  void find_neighbours(ParallelFor parallel);
  void read(Patch& patch, int x, int y) const;
  [[nodiscard]] bool must_fit(std::size_t star, std::int32_t sweep) const;
  /// \return whether the star changed
  bool improve(std::size_t star);

  const BrightPixels& bright_;
  const BrightIndex& index_;
  const FilteredStar& shape_;
  StarScene& scene_;
  std::vector<Patch> patches_;
  std::vector<std::size_t> first_neighbour_;  // of each star, into neighbours_
  std::vector<std::uint32_t> neighbours_;     // whose light reaches the star
  std::vector<std::int32_t> changed_;         // sweep of the last change
};

}  // namespace starflow
