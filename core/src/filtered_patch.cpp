// SPDX-License-Identifier: MIT
#include "filtered_patch.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace starflow {
namespace {

constexpr double kHighest = 1e15;  // sigma: sums of it stay finite

/// The valid pixels of row \p y about the middle, whitened, into the middle of \p row.
void whiten(const FrameView& frame,
            const MeshSurface::Tangent& sky,
            double noise,
            const PatchLattice& lattice,
            int y,
            std::span<float> row) {
  std::ranges::fill(row, 0.0F);
  if (y < 0 || y >= frame.height) return;
  const int reach = static_cast<int>(row.size() / 2), first = std::max(0, lattice.x - reach);
  const double per_noise = 1 / noise, row_level = sky.value + sky.slope_y * (y - lattice.y);
  visit_pixels(frame, [&](auto pixels) {
    const auto* value = pixels.row(y);
    for (int x = first; x <= std::min(frame.width - 1, lattice.x + reach); ++x) {
      if (!is_valid(frame, x, y, value[x])) continue;
      const double level = row_level + sky.slope_x * (x - lattice.x);
      const double v = (static_cast<double>(value[x]) - level) * per_noise;
      row[static_cast<std::size_t>(x - lattice.x + reach)] = static_cast<float>(std::clamp(v, -kHighest, kHighest));
    }
  });
}

/// \param step  a constant where pixels lie beside each other, so that the loop becomes vectors
template <class Step>
void sum_row(const StarFilter& filter, std::span<const float> row, Step step, std::span<float> sums) {
  std::ranges::fill(sums, 0.0F);
  for (std::size_t t = 0; t < filter.k.size(); ++t) {
    const float tap = filter.k[t];  // a copy: the sums might be stored over the filter's
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += tap * row[i * step + t];
  }
}

}  // namespace

void filter_patch(const FrameView& frame,
                  const Background& background,
                  const StarFilter& filter,
                  const PatchLattice& lattice,
                  std::vector<float>& along,
                  std::span<float> out) {
  const MeshSurface::Tangent sky = background.tangent(lattice.x, lattice.y);
  const double noise = background.noise(lattice.x, lattice.y);
  const auto side = static_cast<std::size_t>(2 * lattice.reach + 1), step = static_cast<std::size_t>(lattice.step);
  const int half = lattice.reach * lattice.step + filter.radius;
  const auto rows = static_cast<std::size_t>(2 * half + 1);
  along.resize(rows * side + rows);
  const std::span<float> row(along.data() + rows * side, rows);
  for (std::size_t j = 0; j < rows; ++j) {
    whiten(frame, sky, noise, lattice, lattice.y - half + static_cast<int>(j), row);
    const std::span<float> sums(&along[j * side], side);
    step == 1 ? sum_row(filter, row, std::integral_constant<std::size_t, 1>{}, sums) : sum_row(filter, row, step, sums);
  }
  std::ranges::fill(out, 0.0F);
  for (std::size_t j = 0; j < side; ++j) {
    float* sums = &out[j * side];
    for (std::size_t t = 0; t < filter.k.size(); ++t) {
      const float* from = &along[(j * step + t) * side];
      const float tap = filter.k[t];
      for (std::size_t i = 0; i < side; ++i) sums[i] += tap * from[i];
    }
  }
}

}  // namespace starflow
