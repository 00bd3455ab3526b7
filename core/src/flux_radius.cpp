// SPDX-License-Identifier: MIT
#include "flux_radius.hpp"

#include "units.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace starflow {
namespace {

constexpr double kReach = 6;             // semi-axes in which the Kron radius is measured and the half sought
constexpr double kKronFactor = 2.5;      // Kron radii that the light is summed in,
constexpr double kLeast = 3.5;           // and no fewer semi-axes;
constexpr double kMost = 2.5 * kReach;   // what a mean distance of positive light can ask for
constexpr double kWidest = 64;           // px: semi-axis of the widest stars, which have a FWHM of 50
constexpr double kHalfDiagonal = 0.708;  // px
constexpr std::size_t kRings = 64;       // in kReach
constexpr int kSplit = 5;                // sub-pixels a side
constexpr double kPart = 1.0 / (kSplit * kSplit);

/// An ellipse whose distance 1 is the contour of one standard deviation.
struct Ellipse {
  double cxx, cyy, cxy;
  double major, minor;    // px
  double half_x, half_y;  // px: of the box around it

  explicit Ellipse(const Isophote& m) {
    double xx = m.xx, yy = m.yy, det = xx * yy - m.xy * m.xy;
    if (!(det > kPixelVariance * kPixelVariance)) {  // narrower than a pixel somewhere: at least a pixel wide
      xx += kPixelVariance;
      yy += kPixelVariance;
      det = xx * yy - m.xy * m.xy;
    }
    cxx = yy / det;
    cyy = xx / det;
    cxy = -2 * m.xy / det;
    const double mean = 0.5 * (xx + yy);
    major = std::sqrt(mean + std::hypot(0.5 * (xx - yy), m.xy));
    minor = std::sqrt(det) / major;
    half_x = std::sqrt(xx);
    half_y = std::sqrt(yy);
  }
  [[nodiscard]] double distance2(double dx, double dy) const { return (cxx * dx + cxy * dy) * dx + cyy * dy * dy; }
};

/// Calls visit(dx, dy) for the middles of a pixel's parts.
template <class Visit>
void visit_parts(double dx, double dy, const Visit& visit) {
  for (int q = -kSplit / 2; q <= kSplit / 2; ++q) {
    for (int p = -kSplit / 2; p <= kSplit / 2; ++p) {
      visit(dx + static_cast<double>(p) / kSplit, dy + static_cast<double>(q) / kSplit);
    }
  }
}

template <class T>
class Light {
 public:
  Light(const FrameView& frame, Plane<T> pixels, const LocalSky& sky, const Isophote& star)
      : frame_(frame), pixels_(pixels), sky_(sky), star_(star), ellipse_(star) {}

  [[nodiscard]] double half_radius() const {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    if (!(ellipse_.minor > 0 && ellipse_.major < kWidest)) return kNaN;
    const double flux = flux_within(kron_limit());
    if (!(flux > 0)) return kNaN;
    // Most stars have their half in the first quarter, whose pixels are few.
    for (std::size_t rings = kRings / 4; rings <= kRings; rings *= 2) {
      if (const double r = radius_of(0.5 * flux, rings); r > 0) return r;
    }
    return kNaN;
  }

 private:
  /// Calls visit(dx, dy, light) for the valid pixels of the box of half sides (half_x, half_y) about the star.
  template <class Visit>
  void visit_box(double half_x, double half_y, const Visit& visit) const {
    const auto first = [](double v) { return std::max(0, static_cast<int>(std::floor(v))); };
    const auto last = [](double v, int size) { return std::min(size - 1, static_cast<int>(std::ceil(v))); };
    const int x1 = last(star_.x + half_x, frame_.width), y1 = last(star_.y + half_y, frame_.height);
    for (int y = first(star_.y - half_y); y <= y1; ++y) {
      const T* row = pixels_.row(y);
      const double dy = y - star_.y, level = sky_.level + sky_.slope_y * dy;
      for (int x = first(star_.x - half_x); x <= x1; ++x) {
        if (!is_valid(frame_, x, y, row[x])) continue;
        const double dx = x - star_.x, light = static_cast<double>(row[x]) - (level + sky_.slope_x * dx);
        if (std::abs(light) <= static_cast<double>(StarBlock::kHighest) * sky_.noise) visit(dx, dy, light);
      }
    }
  }

  /// Semi-axes of the ellipse that the light is summed in.
  [[nodiscard]] double kron_limit() const {
    double light = 0, weighted = 0;
    visit_box(kReach * ellipse_.half_x, kReach * ellipse_.half_y, [&](double dx, double dy, double f) {
      const double d2 = ellipse_.distance2(dx, dy);
      if (d2 > kReach * kReach) return;
      light += f;
      weighted += f * std::sqrt(std::max(0.0, d2));
    });
    return light > 0 && weighted > 0 ? std::clamp(kKronFactor * weighted / light, kLeast, kMost) : kLeast;
  }

  [[nodiscard]] double flux_within(double limit) const {
    const double limit2 = limit * limit;
    // Within a pixel the distance changes by no more than this.
    const double rim = kHalfDiagonal / ellipse_.minor;
    const double inner = std::max(0.0, limit - rim), inner2 = inner * inner, outer2 = (limit + rim) * (limit + rim);
    double flux = 0;
    visit_box(limit * ellipse_.half_x + 1, limit * ellipse_.half_y + 1, [&](double dx, double dy, double f) {
      const double d2 = ellipse_.distance2(dx, dy);
      if (d2 > outer2) return;
      if (d2 < inner2) {
        flux += f;
        return;
      }
      int inside = 0;
      visit_parts(dx, dy, [&](double u, double v) { inside += ellipse_.distance2(u, v) <= limit2 ? 1 : 0; });
      flux += f * inside * kPart;
    });
    return flux;
  }

  /// Radius within the innermost `rings` where the light reaches `flux` > 0, straight within a ring; 0 = nowhere.
  [[nodiscard]] double radius_of(double flux, std::size_t rings) const {
    const double per_px = kRings / (kReach * ellipse_.major), radius = static_cast<double>(rings) / per_px;
    const double outer2 = (radius + kHalfDiagonal) * (radius + kHalfDiagonal);
    std::array<double, kRings> ring{};
    visit_box(radius + 1, radius + 1, [&](double dx, double dy, double f) {
      if (dx * dx + dy * dy > outer2) return;
      visit_parts(dx, dy, [&](double u, double v) {
        const auto k = static_cast<std::size_t>(per_px * std::sqrt(u * u + v * v));
        if (k < rings) ring[k] += f * kPart;
      });
    });
    double sum = 0;
    for (std::size_t k = 0; k < rings; ++k) {
      if (sum + ring[k] >= flux) return (static_cast<double>(k) + (flux - sum) / ring[k]) / per_px;
      sum += ring[k];
    }
    return 0;
  }

  const FrameView& frame_;
  Plane<T> pixels_;
  const LocalSky& sky_;
  const Isophote& star_;
  Ellipse ellipse_;
};

}  // namespace

double flux_radius(const FrameView& frame, const LocalSky& sky, const Isophote& star) noexcept {
  return visit_pixels(frame,
                      [&]<class T>(Plane<T> pixels) { return Light<T>(frame, pixels, sky, star).half_radius(); });
}

}  // namespace starflow
