// SPDX-License-Identifier: MIT
#include "gauss_legendre.hpp"

#include <starflow/core/crlb.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace starflow {
namespace {

constexpr std::size_t kMax = 8;
/// Derivatives of one pixel, in this order; shear is the off-diagonal element of the quadratic form, which unlike an
/// angle stays defined where the star is round.
enum Column : std::size_t { kX, kY, kFlux, kBackground, kWidthU, kWidthV, kShear, kBeta };
using Gradient = std::array<double, kMax>;
/// Unknowns of a group: x, y and flux of each star, then the columns that they share.
constexpr std::size_t kUnknowns = 3 * kMaxBoundStars + kMax - 3;
using Unknowns = std::array<double, kUnknowns>;
using Matrix = std::array<Unknowns, kUnknowns>;

/// Light of a 1-D Gaussian in a pixel and what it depends on.
struct PixelGaussian {
  double light, d_position, d_sigma;
};

PixelGaussian pixel_gaussian(double d, double sigma) {
  const double a = (d - 0.5) / sigma, b = (d + 0.5) / sigma;
  const double norm = 1 / (sigma * std::sqrt(2 * std::numbers::pi));
  const double pa = norm * std::exp(-0.5 * a * a), pb = norm * std::exp(-0.5 * b * b);
  const double near = std::min(std::abs(a), std::abs(b)), far = std::max(std::abs(a), std::abs(b));
  const double k = 1 / std::numbers::sqrt2;
  const double light =
      a * b < 0 ? 0.5 * (std::erf(near * k) + std::erf(far * k)) : 0.5 * (std::erfc(near * k) - std::erfc(far * k));
  return {light, pa - pb, a * pa - b * pb};
}

/// The gradient of a pixel of a Gaussian along the frame's axes; `light` is the star's fraction in it.
Gradient separable_gradient(const StarScene& s, double dx, double dy, double& light) {
  const bool turned = std::abs(std::sin(s.shape.theta_rad)) > 0.5;
  const double sigma_x = turned ? s.shape.width_v : s.shape.width_u;
  const double sigma_y = turned ? s.shape.width_u : s.shape.width_v;
  const PixelGaussian gx = pixel_gaussian(dx, sigma_x), gy = pixel_gaussian(dy, sigma_y);
  light = gx.light * gy.light;
  Gradient g{};
  g[kX] = s.flux_e * gx.d_position * gy.light;
  g[kY] = s.flux_e * gx.light * gy.d_position;
  g[kWidthU] = s.flux_e * (turned ? gx.light * gy.d_sigma : gx.d_sigma * gy.light);
  g[kWidthV] = s.flux_e * (turned ? gx.d_sigma * gy.light : gx.light * gy.d_sigma);
  // d/dq of exp(-r^2/2) is -u v exp(-r^2/2), and the integral of u times a Gaussian is sigma^2 times its d_position.
  g[kShear] = -s.flux_e * sigma_x * sigma_x * gx.d_position * sigma_y * sigma_y * gy.d_position;
  return g;
}

/// As separable_gradient() for any shape, by quadrature.
Gradient quadrature_gradient(const StarScene& scene, double dx, double dy, double& light) {
  const StarShape& shape = scene.shape;
  const double c = std::cos(shape.theta_rad), s = std::sin(shape.theta_rad);
  const double wu = shape.width_u, wv = shape.width_v, beta = shape.beta;
  const bool gaussian = shape.profile == Profile::gaussian;
  const double norm = (gaussian ? 0.5 : beta - 1) / (std::numbers::pi * wu * wv);
  const QuadratureRule& rule = rule_for(shape, dx, dy);
  Gradient g{};
  light = 0;
  for (std::size_t m = 0; m < rule.size; ++m) {
    for (std::size_t n = 0; n < rule.size; ++n) {
      const double px = dx + rule.node[n], py = dy + rule.node[m];
      const double u = c * px + s * py, v = c * py - s * px;
      const double r2 = u * u / (wu * wu) + v * v / (wv * wv);
      const double w = rule.weight[m] * rule.weight[n] * norm;
      const double p = w * (gaussian ? std::exp(-0.5 * r2) : std::pow(1 + r2, -beta));
      const double slope = gaussian ? -0.5 * p : -beta * p / (1 + r2);  // dp / d(r^2)
      const double along_u = 2 * u / (wu * wu), along_v = 2 * v / (wv * wv);
      light += p;
      g[kX] -= slope * (along_u * c - along_v * s);
      g[kY] -= slope * (along_u * s + along_v * c);
      g[kWidthU] -= p / wu + slope * along_u * u / wu;
      g[kWidthV] -= p / wv + slope * along_v * v / wv;
      g[kShear] += slope * 2 * u * v;
      if (!gaussian) g[kBeta] += p * (1 / (beta - 1) - std::log1p(r2));
    }
  }
  for (double& d : g) d *= scene.flux_e;
  return g;
}

/// The columns that all stars share and that are free; with FreeWidths::one the widths share a column.
struct FreeColumns {
  std::array<std::size_t, kMax> column{};
  std::size_t size = 0;
  void add(std::size_t c) { column[size++] = c; }
};

FreeColumns free_columns(FreeWidths widths, bool beta) {
  FreeColumns f;
  f.add(kBackground);
  if (widths != FreeWidths::none) f.add(kWidthU);
  if (widths == FreeWidths::two || widths == FreeWidths::three) f.add(kWidthV);
  if (widths == FreeWidths::three) f.add(kShear);
  if (beta) f.add(kBeta);
  return f;
}

Matrix fisher(std::span<const StarScene> stars, const PixelBox& box, FreeWidths widths, const FreeColumns& shared) {
  const StarScene& first = stars.front();
  const bool separable = first.shape.separable();
  const double read_variance = first.read_noise_e * first.read_noise_e;
  const std::size_t own = 3 * stars.size(), n = own + shared.size;
  Matrix info{};
  for (int j = box.y_begin; j < box.y_end; ++j) {
    for (int i = box.x_begin; i < box.x_end; ++i) {
      double mean = first.background_e;
      Unknowns g{};
      for (std::size_t s = 0; s < stars.size(); ++s) {
        StarScene one = stars[s];
        one.shape = first.shape;
        double light = 0;
        Gradient by = separable ? separable_gradient(one, i - one.x, j - one.y, light)
                                : quadrature_gradient(one, i - one.x, j - one.y, light);
        mean += one.flux_e * light;
        by[kBackground] = s == 0 ? 1 : 0;
        if (widths == FreeWidths::one) by[kWidthU] += by[kWidthV];
        g[3 * s] = by[kX];
        g[3 * s + 1] = by[kY];
        g[3 * s + 2] = light;
        for (std::size_t k = 0; k < shared.size; ++k) g[own + k] += by[shared.column[k]];
      }
      const double weight = 1 / (mean + read_variance);
      for (std::size_t a = 0; a < n; ++a) {
        const double ga = g[a] * weight;
        for (std::size_t b = 0; b <= a; ++b) info[a][b] += ga * g[b];
      }
    }
  }
  return info;
}

/// The diagonal of the inverse of the lower triangle \p m, by Cholesky after scaling the diagonal to 1.
/// \return false where \p m is not positive definite
bool inverse_diagonal(Matrix m, std::size_t n, Unknowns& diagonal) {
  Unknowns scale{};
  for (std::size_t a = 0; a < n; ++a) {
    if (!(m[a][a] > 0) || !std::isfinite(m[a][a])) return false;
    scale[a] = 1 / std::sqrt(m[a][a]);
  }
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      double sum = m[a][b] * scale[a] * scale[b];
      for (std::size_t k = 0; k < b; ++k) sum -= m[a][k] * m[b][k];
      if (a != b) {
        m[a][b] = sum / m[b][b];
      } else {
        if (!(sum > 1e-13)) return false;  // the rest of a pivot of 1: rounding alone
        m[a][a] = std::sqrt(sum);
      }
    }
  }
  for (std::size_t column = 0; column < n; ++column) {  // columns of the inverse of the factor
    Unknowns solved{};
    double sum2 = 0;
    for (std::size_t a = column; a < n; ++a) {
      double sum = a == column ? 1 : 0;
      for (std::size_t k = column; k < a; ++k) sum -= m[a][k] * solved[k];
      solved[a] = sum / m[a][a];
      sum2 += solved[a] * solved[a];
    }
    diagonal[column] = sum2 * scale[column] * scale[column];
  }
  return true;
}

}  // namespace

void cramer_rao(std::span<const StarScene> stars,
                const PixelBox& box,
                FreeWidths widths,
                bool free_beta,
                std::span<StarBounds> bounds) {
  std::ranges::fill(bounds, StarBounds{});
  if (stars.empty() || stars.size() > kMaxBoundStars) return;
  const FreeColumns shared = free_columns(widths, free_beta && stars.front().shape.profile == Profile::moffat);
  const std::size_t own = 3 * stars.size();
  Unknowns variance{};
  if (!inverse_diagonal(fisher(stars, box, widths, shared), own + shared.size, variance)) return;
  StarBounds common;
  for (std::size_t k = 0; k < shared.size; ++k) {
    const double sigma = std::sqrt(variance[own + k]);
    switch (shared.column[k]) {
      case kBackground: common.background = sigma; break;
      case kWidthU: common.width_u = sigma; break;
      case kWidthV: common.width_v = sigma; break;
      case kBeta: common.beta = sigma; break;
      default: break;
    }
  }
  if (widths == FreeWidths::one) common.width_v = common.width_u;
  for (std::size_t s = 0; s < stars.size(); ++s) {
    bounds[s] = common;
    bounds[s].x = std::sqrt(variance[3 * s]);
    bounds[s].y = std::sqrt(variance[3 * s + 1]);
    bounds[s].flux = std::sqrt(variance[3 * s + 2]);
  }
}

StarBounds cramer_rao(const StarScene& scene, const PixelBox& box, FreeWidths widths, bool free_beta) {
  StarBounds bounds;
  cramer_rao({&scene, 1}, box, widths, free_beta, {&bounds, 1});
  return bounds;
}

}  // namespace starflow
