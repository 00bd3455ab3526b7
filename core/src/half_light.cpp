// SPDX-License-Identifier: MIT
#include "half_light.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "units.hpp"

namespace starflow {
namespace {

constexpr double kReach = 6;  // semi-axes of the ellipse in which the Kron radius is measured
constexpr double kKronFactor = 2.5;
constexpr std::size_t kRings = 96;
// px: inside, a pixel is split into 5x5; outside, where its curve around the centre is flat, over one px of radius.
constexpr double kSplitRadius = 4;
constexpr int kSplit = 5;

/// An ellipse whose distance 1 is the contour of one standard deviation.
struct Ellipse {
  double cxx = 1, cyy = 1, cxy = 0;
  double major = 1;  // px

  explicit Ellipse(Moments2 m) {
    if (!(m.xx > 0 && m.yy > 0)) m = {kPixelVariance, kPixelVariance, 0};
    double det = m.xx * m.yy - m.xy * m.xy;
    if (!(det > kPixelVariance * kPixelVariance)) {  // narrower than a pixel somewhere: at least a pixel wide
      m.xx += kPixelVariance;
      m.yy += kPixelVariance;
      det = m.xx * m.yy - m.xy * m.xy;
    }
    cxx = m.yy / det;
    cyy = m.xx / det;
    cxy = -2 * m.xy / det;
    major = std::sqrt(0.5 * (m.xx + m.yy) + std::sqrt(0.25 * (m.xx - m.yy) * (m.xx - m.yy) + m.xy * m.xy));
  }
  double distance(double dx, double dy) const {
    return std::sqrt(std::max(0.0, cxx * dx * dx + cyy * dy * dy + cxy * dx * dy));
  }
};

void visit_pixels_within(const Stamp& stamp, double x, double y, double radius, auto&& visit) {
  const StampWindow box = window_around(stamp, x, y, radius);
  for (int j = box.y_begin; j < box.y_end; ++j) {
    for (int i = box.x_begin; i < box.x_end; ++i) {
      const std::size_t k = stamp.index(i, j);
      if (stamp.variance[k] != 0) visit(stamp.x0 + i - x, stamp.y0 + j - y, stamp.value[k]);
    }
  }
}

/// Flux by ring of equal width out to `radius`.
class Growth {
 public:
  explicit Growth(double radius) : per_px_(kRings / radius) {}

  void add(double dx, double dy, double f) {
    if (dx * dx + dy * dy < kSplitRadius * kSplitRadius) {
      const double part = f / (kSplit * kSplit);
      for (int q = 0; q < kSplit; ++q) {
        for (int p = 0; p < kSplit; ++p) {
          const double u = dx + (p - 2) * 0.2, v = dy + (q - 2) * 0.2;
          put(std::sqrt(u * u + v * v), part);
        }
      }
    } else {
      const double r = std::sqrt(dx * dx + dy * dy);
      for (int p = 0; p < kSplit; ++p) put(r + (p - 2) * 0.2, f / kSplit);
    }
  }

  /// Radius that holds `flux`, by linear interpolation within a ring; NaN where it is never reached.
  double radius_of(double flux) const {
    double sum = 0;
    for (std::size_t i = 0; i < kRings; ++i) {
      if (sum + ring_[i] >= flux && ring_[i] > 0) return (static_cast<double>(i) + (flux - sum) / ring_[i]) / per_px_;
      sum += ring_[i];
    }
    return std::numeric_limits<double>::quiet_NaN();
  }

 private:
  void put(double r, double f) {
    const double ring = r * per_px_;
    if (ring < static_cast<double>(kRings)) ring_[static_cast<std::size_t>(ring)] += f;
  }
  double per_px_;
  std::array<double, kRings> ring_{};
};

}  // namespace

double half_light_reach(const Moments2& moments) { return kReach * Ellipse(moments).major; }

HalfLight half_light(const Stamp& stamp, double x, double y, const Moments2& moments) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const Ellipse ellipse(moments);
  const double reach = kReach * ellipse.major;
  double light = 0, weighted = 0;
  visit_pixels_within(stamp, x, y, reach, [&](double dx, double dy, double f) {
    const double d = ellipse.distance(dx, dy);
    if (d > kReach) return;
    light += f;
    weighted += f * d;
  });
  const double kron = weighted / light;
  if (!(light > 0 && kron > 0)) return {kNaN, kNaN};
  const double limit = kKronFactor * kron;
  Growth growth(reach);
  double flux = 0, radius = 0;
  visit_pixels_within(stamp, x, y, std::max(reach, limit * ellipse.major), [&](double dx, double dy, double f) {
    const double r2 = dx * dx + dy * dy;
    if (r2 < (reach + 1) * (reach + 1)) growth.add(dx, dy, f);
    if (ellipse.distance(dx, dy) > limit) return;
    flux += f;
    radius += f * std::sqrt(r2);
  });
  if (!(flux > 0)) return {kNaN, kNaN};
  return {growth.radius_of(0.5 * flux), radius / flux};
}

}  // namespace starflow
