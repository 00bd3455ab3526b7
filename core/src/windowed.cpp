// SPDX-License-Identifier: MIT
#include "windowed.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "units.hpp"

namespace starflow {
namespace {

constexpr double kWindowSigmas = 4;
constexpr double kStepPx = 1e-6;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Calls visit(k, dx, dy, w) for the pixels that count within the window about (x, y). A pixel on the rim has the
/// weight of the part of it that lies inside, taken as linear in its distance.
void visit_window(const Stamp& stamp, double x, double y, double sigma, auto&& visit) {
  const double radius = kWindowSigmas * sigma, scale = -0.5 / (sigma * sigma);
  const double rim2 = (radius - 0.5) * std::abs(radius - 0.5);
  const StampWindow box = window_around(stamp, x, y, radius + 0.5);
  std::array<double, kMaxStampSide> column_weight;  // the Gaussian is a product of one along x and one along y
  for (int i = box.x_begin; i < box.x_end; ++i) {
    const double dx = stamp.x0 + i - x;
    column_weight[static_cast<std::size_t>(i)] = std::exp(scale * dx * dx);
  }
  for (int j = box.y_begin; j < box.y_end; ++j) {
    const double dy = stamp.y0 + j - y, row_weight = std::exp(scale * dy * dy);
    for (int i = box.x_begin; i < box.x_end; ++i) {
      const std::size_t k = stamp.index(i, j);
      if (stamp.variance[k] == 0) continue;
      const double dx = stamp.x0 + i - x, r2 = dx * dx + dy * dy;
      double w = row_weight * column_weight[static_cast<std::size_t>(i)];
      if (r2 > rim2) w *= std::clamp(radius + 0.5 - std::sqrt(r2), 0.0, 1.0);
      visit(k, dx, dy, w);
    }
  }
}

struct Sums {
  double s0 = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  int n = 0;
};

Sums sums(const Stamp& stamp, double x, double y, double sigma) {
  Sums s;
  visit_window(stamp, x, y, sigma, [&](std::size_t k, double dx, double dy, double w) {
    const double f = w * stamp.value[k];
    s.s0 += f;
    s.sx += f * dx;
    s.sy += f * dy;
    s.sxx += f * dx * dx;
    s.syy += f * dy * dy;
    s.sxy += f * dx * dy;
    ++s.n;
  });
  return s;
}

/// Takes the window out of the weighted moments: C = (P^-1 - I / sigma^2)^-1, then the pixel.
void deconvolve(const Sums& s, double sigma, WindowedResult& out) {
  out.xx = out.yy = out.xy = kNaN;
  const double pxx = s.sxx / s.s0, pyy = s.syy / s.s0, pxy = s.sxy / s.s0;
  const double det = pxx * pyy - pxy * pxy;
  if (!(pxx > 0 && det > 0)) return;
  const double v = 1 / (sigma * sigma);
  const double a = pyy / det - v, b = pxx / det - v, c = -pxy / det;
  const double inverse = a * b - c * c;
  if (!(a > 0 && inverse > 0)) return;
  const double xx = b / inverse - kPixelVariance, yy = a / inverse - kPixelVariance;
  if (!(xx > 0 && yy > 0)) return;
  out.xx = xx;
  out.yy = yy;
  out.xy = -c / inverse;
}

/// Flux from the windowed sum, and the covariance of position and flux.
void finish(const Stamp& stamp, double gain, double sigma, const Sums& s, WindowedResult& out) {
  deconvolve(s, sigma, out);
  const double w2 = sigma * sigma;
  // A Gaussian star of covariance C gives s0 = F sigma^2 / sqrt(det(C + sigma^2 I)), and its windowed moments q, in
  // units of sigma^2, give det(C + sigma^2 I) / sigma^4 = 1 / ((1 - qxx)(1 - qyy) - qxy^2) =: 1 / d. Without a width of
  // its own it counts as wide as the window.
  const bool own = !std::isnan(out.xx);
  const double qxx = own ? s.sxx / s.s0 / w2 : 0.5, qyy = own ? s.syy / s.s0 / w2 : 0.5,
               qxy = own ? s.sxy / s.s0 / w2 : 0.0;
  const double d = (1 - qxx) * (1 - qyy) - qxy * qxy, correction = 1 / std::sqrt(d);
  const double wide = own ? std::sqrt((out.xx + kPixelVariance) * (out.yy + kPixelVariance)) : w2;
  double axx = 0, ayy = 0, axy = 0, bxx = 0, byy = 0, bxy = 0, v0 = 0;
  out.flux = s.s0 * correction;
  const double peak = gain > 0 ? std::max(out.flux, 0.0) / (2 * std::numbers::pi * wide) / gain : 0.0;
  visit_window(stamp, out.x, out.y, sigma, [&](std::size_t k, double dx, double dy, double w) {
    const double f = w * stamp.value[k];
    axx += f * (1 - dx * dx / w2);
    ayy += f * (1 - dy * dy / w2);
    axy -= f * dx * dy / w2;
    const double light = peak > 0 ? peak * std::exp(-0.5 * (dx * dx + dy * dy) / wide) : 0.0;
    const double v = w * w * (std::abs(stamp.variance[k]) + light);
    bxx += v * dx * dx;
    byy += v * dy * dy;
    bxy += v * dx * dy;
    // d ln F by the pixel's value, times s0: by the sum itself, and by the moments that correct it.
    double by_value = 1;
    if (own) {
      by_value +=
          0.5 * ((1 - qyy) * (dx * dx / w2 - qxx) + (1 - qxx) * (dy * dy / w2 - qyy) + 2 * qxy * (dx * dy / w2 - qxy)) /
          d;
    }
    v0 += v * by_value * by_value;
  });
  out.flux_err = std::sqrt(v0) * correction;
  const double det = axx * ayy - axy * axy;
  if (!(axx > 0 && det > 0)) {
    out.cov_xx = out.cov_yy = out.cov_xy = kNaN;
    return;
  }
  const double ixx = ayy / det, iyy = axx / det, ixy = -axy / det;
  out.cov_xx = ixx * ixx * bxx + 2 * ixx * ixy * bxy + ixy * ixy * byy;
  out.cov_yy = ixy * ixy * bxx + 2 * ixy * iyy * bxy + iyy * iyy * byy;
  out.cov_xy = ixx * ixy * bxx + (ixx * iyy + ixy * ixy) * bxy + ixy * iyy * byy;
}

int bad_pixels(const Stamp& stamp, double x, double y, double sigma) {
  const StampWindow box = window_around(stamp, x, y, kWindowSigmas * sigma);
  int n = 0;
  for (int j = box.y_begin; j < box.y_end; ++j) {
    for (int i = box.x_begin; i < box.x_end; ++i) {
      const bool inside = std::hypot(stamp.x0 + i - x, stamp.y0 + j - y) <= kWindowSigmas * sigma;
      n += inside && stamp.variance[stamp.index(i, j)] == 0 ? 1 : 0;
    }
  }
  return n;
}

}  // namespace

WindowedResult windowed_centroid(const Stamp& stamp, double x, double y, const WindowedOptions& options) {
  constexpr int kMinPixels = 3;
  WindowedResult out;
  out.x = x;
  out.y = y;
  out.termination = Termination::max_iterations;
  Sums s;
  double gain = 2, last_dx = 0, last_dy = 0;  // exact where the window is as wide as the star
  while (out.iterations < options.max_iterations && out.termination == Termination::max_iterations) {
    ++out.iterations;
    s = sums(stamp, out.x, out.y, options.sigma_px);
    out.n_pix = s.n;
    if (s.n < kMinPixels) {
      out.termination = Termination::too_few_pixels;
    } else if (!(s.s0 > 0)) {
      out.termination = std::isfinite(s.s0) ? Termination::nonpositive_flux : Termination::nonfinite;
    } else {
      double dx = gain * s.sx / s.s0, dy = gain * s.sy / s.s0;
      const bool turned_back = dx * last_dx + dy * last_dy < 0;
      if (turned_back && std::hypot(dx, dy) > 0.5 * std::hypot(last_dx, last_dy)) {  // a window of few pixels swings
        gain *= 0.6;
        dx *= 0.6;
        dy *= 0.6;
      }
      out.x += dx;
      out.y += dy;
      last_dx = dx;
      last_dy = dy;
      if (!(std::hypot(out.x - x, out.y - y) <= options.move_limit_px)) {
        out.termination = Termination::moved_from_seed;
      } else if (std::hypot(dx, dy) < kStepPx) {
        out.termination = Termination::converged;
      }
    }
  }
  out.n_masked = bad_pixels(stamp, out.x, out.y, options.sigma_px);
  if (out.termination == Termination::converged) {
    finish(stamp, options.gain_e_per_adu, options.sigma_px, s, out);
  } else {
    out.x = x;
    out.y = y;
    out.cov_xx = out.cov_yy = out.cov_xy = out.xx = out.yy = out.xy = out.flux = out.flux_err = kNaN;
  }
  return out;
}

}  // namespace starflow
