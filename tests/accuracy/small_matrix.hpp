// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Products and inverses of the small symmetric matrices of a fit.

#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

namespace starflow::test {

/// The leading n x n of the cells count.
struct SmallMatrix {
  static constexpr std::size_t kMost = 8;
  std::size_t n = 0;
  std::array<std::array<double, kMost>, kMost> cell{};

  std::array<double, kMost>& operator[](std::size_t row) { return cell[row]; }
  const std::array<double, kMost>& operator[](std::size_t row) const { return cell[row]; }
};

inline SmallMatrix operator*(const SmallMatrix& p, const SmallMatrix& q) {
  SmallMatrix r{p.n, {}};
  for (std::size_t a = 0; a < p.n; ++a) {
    for (std::size_t b = 0; b < p.n; ++b) {
      for (std::size_t k = 0; k < p.n; ++k) r[a][b] += p[a][k] * q[k][b];
    }
  }
  return r;
}

/// Gauss-Jordan with the pivots of the diagonal, after scaling it to 1: normal matrices need no more.
inline SmallMatrix inverse(SmallMatrix m) {
  std::array<double, SmallMatrix::kMost> scale{};
  const auto rescale = [&] {
    for (std::size_t a = 0; a < m.n; ++a) {
      for (std::size_t b = 0; b < m.n; ++b) m[a][b] *= scale[a] * scale[b];
    }
  };
  for (std::size_t a = 0; a < m.n; ++a) scale[a] = 1 / std::sqrt(m[a][a]);
  rescale();
  for (std::size_t k = 0; k < m.n; ++k) {
    const double pivot = 1 / std::exchange(m[k][k], 1);
    for (std::size_t b = 0; b < m.n; ++b) m[k][b] *= pivot;
    for (std::size_t a = 0; a < m.n; ++a) {
      if (a == k) continue;
      const double factor = std::exchange(m[a][k], 0);
      for (std::size_t b = 0; b < m.n; ++b) m[a][b] -= factor * m[k][b];
    }
  }
  rescale();
  return m;
}

}  // namespace starflow::test
