// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The windowed centroid straight from its definition, in double and one pixel after the other: what the lanes must
/// give.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "scene.hpp"

namespace starflow::test {

/// Round window of 1 sigma `sigma` px, cut at 4 sigma of each axis with a rim of one pixel.
struct WindowedReference {
  double sigma = 1, sky = 0, noise = 1;  ///< px, ADU
  double gain_e_per_adu = 0;             ///< 0 = background noise only

  double x = 0, y = 0;                                                ///< px
  double cov_xx = 0, cov_yy = 0, cov_xy = 0, flux = 0, flux_err = 0;  ///< px^2, ADU
  double xx = 0, yy = 0, xy = 0;                                      ///< px^2; NaN = no star is that narrow
  int n_pix = 0;

  /// Solves sum(w f d) = 0 from (x, y) by the step 2 sum(w f d) / sum(w f). \return false where it leaves the star or
  /// finds no light. Source: SExtractor manual, "Windowed positional parameters".
  bool solve(Scene<float>& scene) {
    const double x0 = x, y0 = y;
    double step = 1;
    for (int round = 0; round < 200 && step > 1e-10; ++round) {
      double s = 0, sx = 0, sy = 0;
      visit(scene, [&](double f, double w, double dx, double dy) {
        s += w * f;
        sx += w * f * dx;
        sy += w * f * dy;
      });
      step = s > 0 ? 2 * std::hypot(sx, sy) / s : std::numeric_limits<double>::infinity();
      if (!(std::hypot(x + 2 * sx / s - x0, y + 2 * sy / s - y0) < 2.25)) return false;
      x += 2 * sx / s;
      y += 2 * sy / s;
    }
    describe(scene);
    return step <= 1e-10;
  }

 private:
  /// Calls each(light, weight, dx, dy) for the pixels that the window holds.
  void visit(Scene<float>& scene, auto&& each) const {
    for (int j = 0; j < scene.height; ++j) {
      for (int i = 0; i < scene.width; ++i) {
        const double f = static_cast<double>(scene.at(i, j)) - sky, dx = i - x, dy = j - y;
        const double w = cut(dx) * cut(dy) * std::exp(-0.5 * (dx * dx + dy * dy) / (sigma * sigma));
        if (w > 0 && std::isfinite(f)) each(f, w, dx, dy);
      }
    }
  }
  [[nodiscard]] double cut(double d) const { return std::clamp(4 * sigma + 0.5 - std::abs(d), 0.0, 1.0); }

  /// A Gaussian star of covariance C has the moments P = (C^-1 + I / sigma^2)^-1 in the window, and of its light
  /// sqrt(det(I - P / sigma^2)) is there.
  [[nodiscard]] double whole(double pxx, double pyy, double pxy) const {
    const double s2 = sigma * sigma;
    return 1 / std::sqrt((1 - pxx / s2) * (1 - pyy / s2) - pxy * pxy / (s2 * s2));
  }

  void describe(Scene<float>& scene) {
    constexpr double kPixel = 1.0 / 12;
    const double s2 = sigma * sigma;
    double s = 0, sxx = 0, syy = 0, sxy = 0;
    n_pix = 0;
    visit(scene, [&](double f, double w, double dx, double dy) {
      s += w * f;
      sxx += w * f * dx * dx;
      syy += w * f * dy * dy;
      sxy += w * f * dx * dy;
      ++n_pix;
    });
    const double pxx = sxx / s, pyy = syy / s, pxy = sxy / s, det = pxx * pyy - pxy * pxy;
    const double a = pyy / det - 1 / s2, b = pxx / det - 1 / s2, c = -pxy / det, rest = a * b - c * c;
    xx = b / rest - kPixel;
    yy = a / rest - kPixel;
    xy = -c / rest;
    const bool own = pxx > 0 && det > 0 && a > 0 && rest > 0 && xx > 0 && yy > 0;
    if (!own) xx = yy = xy = std::numeric_limits<double>::quiet_NaN();
    flux = s * (own ? whole(pxx, pyy, pxy) : 2);

    // Derivatives by the value of a pixel: of the position -A^-1 w d (A that of the sums by the position), of the flux
    // by differences, through the sum and the moments.
    const double wide = own ? std::sqrt((xx + kPixel) * (yy + kPixel)) : s2;
    const double axx = s - sxx / s2, ayy = s - syy / s2, axy = -sxy / s2, area = axx * ayy - axy * axy;
    const double electrons = gain_e_per_adu > 0 ? flux / gain_e_per_adu / (2 * std::numbers::pi * wide) : 0.0;
    cov_xx = cov_yy = cov_xy = 0;
    double flux_variance = 0;
    visit(scene, [&](double, double w, double dx, double dy) {
      const double r2 = dx * dx + dy * dy, v = noise * noise + electrons * std::exp(-0.5 * r2 / wide);
      const double by_x = w * (ayy * dx - axy * dy) / area, by_y = w * (axx * dy - axy * dx) / area;
      cov_xx += v * by_x * by_x;
      cov_yy += v * by_y * by_y;
      cov_xy += v * by_x * by_y;
      const auto flux_with = [&](double e) {
        const double t = s + e * w;
        return t *
               (own ? whole((sxx + e * w * dx * dx) / t, (syy + e * w * dy * dy) / t, (sxy + e * w * dx * dy) / t) : 2);
      };
      const double e = 1e-4 * s, by_value = (flux_with(e) - flux_with(-e)) / (2 * e);
      flux_variance += v * by_value * by_value;
    });
    flux_err = std::sqrt(flux_variance);
    const auto swing = [&](double p) {  // of the place within a pixel
      const double pi = std::numbers::pi, e = own ? p : s2 / 2;
      return 0.5 * std::pow(4 * pi * e / (1 - e / s2) * std::exp(-2 * pi * pi * e), 2);
    };
    cov_xx += swing(pxx);
    cov_yy += swing(pyy);
  }
};

}  // namespace starflow::test
