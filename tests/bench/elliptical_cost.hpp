// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Residuals and exact derivatives of the models that the peers fit, written as fast as a library's caller would.

#include <Eigen/Core>

#include <array>
#include <cmath>
#include <cstddef>

namespace starflow::bench {

/// A Gaussian sampled at the pixels' centres, axes along the frame's: parameters x, y, height, sigma_x, sigma_y, level,
/// positions from the central pixel. 2 N exponentials. \param jacobian  null, or [parameter][pixel] where
/// kByParameter, else [pixel][parameter]
template <int N, bool kByParameter>
void separable_gaussian(const double* p, const double* z, double* residual, double* jacobian) {
  using Line = Eigen::Array<double, N, 1>;
  const Line index = Line::LinSpaced(N, -(N / 2), N / 2);
  const Line dx = index - p[0], dy = index - p[1];
  const double per_x = 1 / p[3], per_y = 1 / p[4];
  const Line ex = (dx.square() * (-0.5 * per_x * per_x)).exp(), ey = (dy.square() * (-0.5 * per_y * per_y)).exp();
  for (int j = 0; j < N; ++j) {
    const double row = p[2] * ey[j];
    for (int i = 0; i < N; ++i) residual[j * N + i] = row * ex[i] + p[5] - z[j * N + i];
  }
  if (jacobian == nullptr) return;
  const Line ux = ex * dx * (per_x * per_x), uy = ey * dy * (per_y * per_y);
  const Line vx = ux * dx * per_x, vy = uy * dy * per_y;
  constexpr int kPixel = kByParameter ? 1 : 6, kParameter = kByParameter ? N * N : 1;
  for (int j = 0; j < N; ++j) {
    const double height = p[2], e = ey[j], he = height * e, hu = height * uy[j], hv = height * vy[j];
    double* out = jacobian + j * N * kPixel;
    for (int i = 0; i < N; ++i, out += kPixel) {
      out[0] = he * ux[i];
      out[kParameter] = hu * ex[i];
      out[2 * kParameter] = e * ex[i];
      out[3 * kParameter] = he * vx[i];
      out[4 * kParameter] = hv * ex[i];
      out[5 * kParameter] = 1;
    }
  }
}

/// Gauss-Legendre nodes and weights over a pixel of side 1.
template <int Nodes>
struct PixelNodes;
template <>
struct PixelNodes<1> {
  static constexpr std::array<double, 1> at = {0}, weight = {1};
};
template <>
struct PixelNodes<2> {
  static constexpr std::array<double, 2> at = {-0.28867513459481287, 0.28867513459481287}, weight = {0.5, 0.5};
};
template <>
struct PixelNodes<3> {
  static constexpr std::array<double, 3> at = {-0.38729833462074170, 0, 0.38729833462074170},
                                         weight = {5.0 / 18, 8.0 / 18, 5.0 / 18};
};

/// The Gaussian exp(-Q / 2) and its derivative in Q.
struct GaussianProfile {
  template <class Line>
  static void evaluate(const Line& q, Line& value, Line& slope) {
    value = (-0.5 * q).exp();
    slope = -0.5 * value;
  }
};

/// The Moffat (1 + Q)^-2.5 and its derivative in Q.
struct MoffatProfile {
  template <class Line>
  static void evaluate(const Line& q, Line& value, Line& slope) {
    const Line inverse = (1 + q).inverse();
    value = inverse.square() * inverse.sqrt();
    slope = -2.5 * value * inverse;
  }
};

/// A rotated ellipse Q = a dx^2 + 2 h dx dy + c dy^2, averaged over Nodes x Nodes points of each pixel: parameters
/// x, y, height, a, h, c, level. \param jacobian  null, or [parameter][pixel]
template <class Shape, int N, int Nodes>
void rotated_ellipse(const double* p, const double* z, double* residual, double* jacobian) {
  using Line = Eigen::Array<double, N, 1>;
  using Node = PixelNodes<Nodes>;
  const Line index = Line::LinSpaced(N, -(N / 2), N / 2);
  const double height = p[2], a = p[3], h = p[4], c = p[5];
  for (int j = 0; j < N; ++j) {
    Line sum = Line::Zero(), sx = sum, sy = sum, saa = sum, sah = sum, sac = sum;
    for (std::size_t n = 0; n < Nodes; ++n) {
      const double dy = j - N / 2 + Node::at[n] - p[1];
      for (std::size_t m = 0; m < Nodes; ++m) {
        const double weight = Node::weight[n] * Node::weight[m];
        const Line dx = index + (Node::at[m] - p[0]);
        const Line q = dx * (a * dx + 2 * h * dy) + c * dy * dy;
        Line value, slope;
        Shape::evaluate(q, value, slope);
        sum += weight * value;
        if (jacobian == nullptr) continue;
        slope *= weight;
        const Line slope_x = slope * dx;
        sx += a * slope_x + (h * dy) * slope;
        sy += h * slope_x + (c * dy) * slope;
        saa += slope_x * dx;
        sah += slope_x * dy;
        sac += slope * (dy * dy);
      }
    }
    Eigen::Map<Line>(residual + j * N) = height * sum + p[6] - Eigen::Map<const Line>(z + j * N);
    if (jacobian == nullptr) continue;
    const auto column = [&](int k) { return Eigen::Map<Line>(jacobian + k * N * N + j * N); };
    column(0) = (-2 * height) * sx;
    column(1) = (-2 * height) * sy;
    column(2) = sum;
    column(3) = height * saa;
    column(4) = (2 * height) * sah;
    column(5) = height * sac;
    column(6).setOnes();
  }
}

}  // namespace starflow::bench
