// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Small symmetric positive definite systems of fixed size.

#include <array>
#include <cstddef>

namespace starflow {

/// The lower triangle is used; `solve` and `inverse` need `factor` to have returned true.
template <std::size_t N>
class NormalMatrix {
 public:
  std::array<std::array<double, N>, N> a{};

  /// Scales to unit diagonal and factors into L D L^T. \return false where it is not positive definite to rounding
  [[nodiscard]] bool factor() noexcept {
    constexpr double kRounding = 1e-12;
    for (std::size_t i = 0; i < N; ++i) {
      if (!(a[i][i] > 0) || !(a[i][i] - a[i][i] == 0)) return false;
      scale_[i] = 1 / __builtin_sqrt(a[i][i]);
    }
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = a[i][j] * scale_[i] * scale_[j];
        for (std::size_t k = 0; k < j; ++k) sum -= l_[i][k] * l_[j][k] * d_[k];
        if (i == j) {
          if (!(sum > kRounding)) return false;
          d_[i] = sum;
        } else {
          l_[i][j] = sum / d_[j];
        }
      }
    }
    return true;
  }

  [[nodiscard]] std::array<double, N> solve(std::array<double, N> b) const noexcept {
    for (std::size_t i = 0; i < N; ++i) {
      b[i] *= scale_[i];
      for (std::size_t k = 0; k < i; ++k) b[i] -= l_[i][k] * b[k];
    }
    for (std::size_t i = N; i-- > 0;) {
      b[i] /= d_[i];
      for (std::size_t k = i + 1; k < N; ++k) b[i] -= l_[k][i] * b[k];
    }
    for (std::size_t i = 0; i < N; ++i) b[i] *= scale_[i];
    return b;
  }

  [[nodiscard]] std::array<std::array<double, N>, N> inverse() const noexcept {
    std::array<std::array<double, N>, N> result{};
    for (std::size_t i = 0; i < N; ++i) {
      std::array<double, N> unit{};
      unit[i] = 1;
      result[i] = solve(unit);
    }
    return result;
  }

 private:
  std::array<double, N> scale_{}, d_{};
  std::array<std::array<double, N>, N> l_{};
};

}  // namespace starflow
