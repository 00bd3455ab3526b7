// SPDX-License-Identifier: MIT
#include "tile_mesh.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace starflow {
namespace {

/// Calls visit(value) for the known values of the tiles within `reach` of (i, j).
void visit_neighbours(const std::vector<float>& v, const MeshSize& mesh, int i, int j, int reach, auto&& visit) {
  for (int q = std::max(0, j - reach); q <= std::min(mesh.rows - 1, j + reach); ++q) {
    for (int p = std::max(0, i - reach); p <= std::min(mesh.columns - 1, i + reach); ++p) {
      const float value = v[static_cast<std::size_t>(q * mesh.columns + p)];
      if (std::isfinite(value)) visit(value);
    }
  }
}

/// The step between tiles (di, dj) apart that all pairs in the window around (i, j) share: the smallest where all have
/// the same sign, else 0, so that scatter does not pass for a slope.
float common_step(const std::vector<float>& v, const MeshSize& mesh, int i, int j, int reach, int di, int dj) {
  float low = std::numeric_limits<float>::infinity(), high = -low;
  for (int q = std::max(0, j - reach); q + dj <= std::min(mesh.rows - 1, j + reach); ++q) {
    for (int p = std::max(0, i - reach); p + di <= std::min(mesh.columns - 1, i + reach); ++p) {
      const float step = v[static_cast<std::size_t>((q + dj) * mesh.columns + p + di)] -
                         v[static_cast<std::size_t>(q * mesh.columns + p)];
      low = std::min(low, step);
      high = std::max(high, step);
    }
  }
  if (low > high) return 0;  // no pair
  if (low > 0) return low;
  return high < 0 ? high : 0.0F;
}

/// The values of the tiles within `reach` of (i, j), less the slope that they share.
void read_window(const std::vector<float>& v,
                 const MeshSize& mesh,
                 int i,
                 int j,
                 int reach,
                 bool level_slope,
                 std::vector<float>& window) {
  const float along_x = level_slope ? common_step(v, mesh, i, j, reach, 1, 0) : 0.0F;
  const float along_y = level_slope ? common_step(v, mesh, i, j, reach, 0, 1) : 0.0F;
  window.clear();
  for (int q = std::max(0, j - reach); q <= std::min(mesh.rows - 1, j + reach); ++q) {
    for (int p = std::max(0, i - reach); p <= std::min(mesh.columns - 1, i + reach); ++p) {
      window.push_back(v[static_cast<std::size_t>(q * mesh.columns + p)] - static_cast<float>(p - i) * along_x -
                       static_cast<float>(q - j) * along_y);
    }
  }
}

/// Of an even number the mean of the two in the middle; of an odd one half of its neighbours goes in, which follows a
/// curved sky more closely. Ties count as any other values: taking out a slope makes some, up to rounding, and the
/// answer must not hang on that.
float smooth_median(std::vector<float>& v) {
  std::ranges::sort(v);
  const std::size_t n = v.size(), k = n / 2;
  if (n % 2 == 0) return 0.5F * (v[k - 1] + v[k]);
  return n == 1 ? v[0] : 0.5F * v[k] + 0.25F * (v[k - 1] + v[k + 1]);
}

}  // namespace

void fill_unknown(std::vector<float>& v, const MeshSize& mesh) {
  const std::vector<float> known = v;
  for (int j = 0; j < mesh.rows; ++j) {
    for (int i = 0; i < mesh.columns; ++i) {
      float& cell = v[static_cast<std::size_t>(j * mesh.columns + i)];
      for (int reach = 1; !std::isfinite(cell); ++reach) {
        double sum = 0;
        int n = 0;
        visit_neighbours(known, mesh, i, j, reach, [&](float value) {
          sum += static_cast<double>(value);
          ++n;
        });
        if (n > 0) cell = static_cast<float>(sum / n);
      }
    }
  }
}

void median_filter(std::vector<float>& v, const MeshSize& mesh, int side, bool keep_slope) {
  const std::vector<float> in = v;
  std::vector<float> window;
  for (int j = 0; j < mesh.rows; ++j) {
    for (int i = 0; i < mesh.columns; ++i) {
      read_window(in, mesh, i, j, side / 2, keep_slope, window);
      v[static_cast<std::size_t>(j * mesh.columns + i)] = smooth_median(window);
    }
  }
}

void keep_smooth(std::vector<float>& v, const MeshSize& mesh, int side, std::span<const float> slight) {
  constexpr float kFar = 4;  // median deviations
  const std::vector<float> in = v;
  std::vector<float> window;
  for (int j = 0; j < mesh.rows; ++j) {
    for (int i = 0; i < mesh.columns; ++i) {
      read_window(in, mesh, i, j, side / 2, true, window);
      const float middle = smooth_median(window);
      for (float& value : window) value = std::abs(value - middle);
      const auto k = static_cast<std::size_t>(j * mesh.columns + i);
      const float apart = v[k] - middle, distance = std::abs(apart);
      const bool outlier = distance > kFar * smooth_median(window);
      v[k] = middle + (outlier ? 0 : apart * std::min(1.0F, distance / slight[k]));
    }
  }
}

}  // namespace starflow
