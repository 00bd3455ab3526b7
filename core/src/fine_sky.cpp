// SPDX-License-Identifier: MIT
#include "fine_sky.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace starflow {
namespace {

constexpr double kBend = 32;  // sigma px

/// The larger second difference along x and y, ADU; of a tile at the rim, that of the next one.
double bend_at(const MeshSize& mesh, const std::vector<float>& level, int i, int j) {
  const int ci = std::clamp(i, 1, mesh.columns - 2), cj = std::clamp(j, 1, mesh.rows - 2);
  const auto k = static_cast<std::size_t>(cj * mesh.columns + ci), below = static_cast<std::size_t>(mesh.columns);
  const auto bend = [&level, k](std::size_t step) {
    return std::abs(static_cast<double>(level[k - step]) - 2 * static_cast<double>(level[k]) +
                    static_cast<double>(level[k + step]));
  };
  return std::max(bend(1), bend(below));
}

}  // namespace

std::vector<std::uint8_t> uneven_tiles(const SkySurvey& survey, const SkyLevels& levels, int tile_px) {
  if (!levels.follows() || survey.columns < 3 || survey.rows < 3) return {};
  const auto index = [&survey](int i, int j) { return static_cast<std::size_t>(j * survey.columns + i); };
  std::vector<double> bends;
  bends.reserve(survey.level.size());
  for (int j = 0; j < survey.rows; ++j) {
    for (int i = 0; i < survey.columns; ++i) bends.push_back(bend_at(survey, levels.values(), i, j));
  }
  const auto is_uneven = [&](int i, int j) {
    int bent = 0, of = 0;
    double most = 0;
    for (int q = std::max(0, j - 1); q <= std::min(survey.rows - 1, j + 1); ++q) {
      for (int p = std::max(0, i - 1); p <= std::min(survey.columns - 1, i + 1); ++p, ++of) {
        const std::size_t k = index(p, q);
        bent += bends[k] > kBend / tile_px * static_cast<double>(survey.noise[k]) ? 1 : 0;
        most = std::max(most, bends[k]);
      }
    }
    const std::size_t k = index(i, j);
    const double apart = std::abs(static_cast<double>(survey.level[k]) - static_cast<double>(levels.values()[k]));
    return 2 * bent > of && apart < most;
  };
  std::vector<std::uint8_t> uneven(bends.size());
  bool any = false;
  for (int j = 0; j < survey.rows; ++j) {
    for (int i = 0; i < survey.columns; ++i) {
      if (!is_uneven(i, j)) continue;
      uneven[index(i, j)] = 1;
      any = true;
    }
  }
  return any ? uneven : std::vector<std::uint8_t>{};
}

}  // namespace starflow
