// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// DAOFIND's three numbers straight from their definition, in double, and what photutils gives for two stars.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "scene.hpp"

namespace starflow::test {

/// NaN = a pixel is missing, or no peak is there.
struct DaoNumbers {
  static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  double sharpness = kNaN, roundness1 = kNaN, roundness2 = kNaN;
};

/// Source: P. B. Stetson 1987, PASP 99, 191, section III; the footprint is that of IRAF's DAOFIND.
template <class T>
class DaoReference {
 public:
  DaoReference(Scene<T>& scene, double fwhm)
      : scene_(scene),
        sigma_(fwhm / 2.3548200450309493),
        reach_(std::max(2.0, 1.5 * sigma_)),
        radius_(static_cast<int>(reach_)) {}

  /// At the pixel (x, y), around which the scene must hold twice the footprint.
  DaoNumbers at(int x, int y) {
    DaoNumbers out;
    for (int j = -2 * radius_; j <= 2 * radius_; ++j) {
      for (int i = -2 * radius_; i <= 2 * radius_; ++i) {
        if (!std::isfinite(scene_.at(x + i, y + j))) return out;
      }
    }
    const double peak = height(x, y);
    if (!(peak > 0)) return out;
    double around = 0, n = 0, quadrants = 0, total = 0;
    for (int j = -radius_; j <= radius_; ++j) {
      for (int i = -radius_; i <= radius_; ++i) {
        if (i == 0 && j == 0) continue;
        around += inside(i, j) ? pixel(x + i, y + j) : 0.0;
        n += inside(i, j) ? 1 : 0;
        const double v = height(x + i, y + j);
        quadrants += (i <= 0 && j < 0) || (i >= 0 && j > 0) ? v : -v;
        total += std::abs(v);
      }
    }
    out.sharpness = (pixel(x, y) - around / n) / peak;
    out.roundness1 = 2 * quadrants / total;
    const double hx = marginal_height(x, y, true), hy = marginal_height(x, y, false);
    if (hx > 0 && hy > 0) out.roundness2 = 2 * (hx - hy) / (hx + hy);
    return out;
  }

 private:
  /// Slope of the line through (model, data) by weighted least squares.
  struct Line {
    double w = 0, m = 0, f = 0, mm = 0, mf = 0;
    void add(double weight, double model, double data) {
      w += weight;
      m += weight * model;
      f += weight * data;
      mm += weight * model * model;
      mf += weight * model * data;
    }
    [[nodiscard]] double slope() const { return (mf - m * f / w) / (mm - m * m / w); }
  };

  [[nodiscard]] double pixel(int x, int y) { return static_cast<double>(scene_.at(x, y)); }
  [[nodiscard]] double gaussian(int i, int j) const { return std::exp(-0.5 * (i * i + j * j) / (sigma_ * sigma_)); }
  [[nodiscard]] bool inside(int i, int j) const { return i * i + j * j <= reach_ * reach_; }

  /// Of the Gaussian that fits the footprint about (x, y) best.
  double height(int x, int y) {
    Line line;
    for (int j = -radius_; j <= radius_; ++j) {
      for (int i = -radius_; i <= radius_; ++i) {
        if (inside(i, j)) line.add(1, gaussian(i, j), pixel(x + i, y + j));
      }
    }
    return line.slope();
  }

  /// Of the Gaussian that fits the marginal sums best; both axes are weighted by a triangle.
  double marginal_height(int x, int y, bool along_x) {
    Line line;
    for (int a = -radius_; a <= radius_; ++a) {
      double model = 0, data = 0;
      for (int b = -radius_; b <= radius_; ++b) {
        const double w = radius_ + 1 - std::abs(b);
        model += w * gaussian(a, b);
        data += w * (along_x ? pixel(x + a, y + b) : pixel(x + b, y + a));
      }
      line.add(radius_ + 1 - std::abs(a), model, data);
    }
    return line.slope();
  }

  Scene<T>& scene_;
  double sigma_, reach_;
  int radius_;
};

/// Two stars, the brighter one at (31.3, 32.6), without noise or sky.
inline Scene<double> photutils_scene() {
  Scene<double> scene(64, 64, 0);
  add_star(scene, 31.3, 32.6, 1000, 1.3, 1.7);
  add_star(scene, 34.2, 30.1, 200, 1.3, 1.3);
  return scene;
}

/// What photutils 1.6.0, DAOStarFinder(threshold=20, fwhm), gives there.
struct PhotutilsNumbers {
  double fwhm, sharpness, roundness1, roundness2;
};
inline constexpr std::array kPhotutils = {
    PhotutilsNumbers{3, 0.4491226336385779, 0.06314801635688025, 0.4335487446807544},
    PhotutilsNumbers{5, 0.5420085410998926, -0.16647189769959306, 0.3435618361388302}};

}  // namespace starflow::test
