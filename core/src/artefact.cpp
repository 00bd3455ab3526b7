// SPDX-License-Identifier: MIT
#include "artefact.hpp"

#include "pixel_noise.hpp"
#include "units.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

namespace starflow {
namespace {

// A star narrower than the frame's by a half has still more light beside its peak than this part of the expected.
constexpr double kSteep = 0.5;
constexpr double kSure = 3;      // sigma by which the pixels beside must lack light
constexpr double kTooFaint = 6;  // sigma of the peak below which noise makes any shape

struct Height {
  double value, weight;  // of a star, as one pixel has it; what the pixel knows of it
  double dx, dy;         // px from the star
};

struct Side {
  int x, y;
};
constexpr std::array<Side, 8> kSides = {{{1, 0}, {1, 1}, {0, 1}, {-1, 1}, {-1, 0}, {-1, -1}, {0, -1}, {1, -1}}};

}  // namespace

ArtefactTest::ArtefactTest(const FrameView& frame,
                           const Background& background,
                           const Detector& detector,
                           double fwhm_px)
    : frame_(frame),
      background_(background),
      detector_(detector),
      sigma_(fwhm_px * kSigmaPerFwhm),
      apart_(background.has_phases() ? 2 : 1) {
  const double scale = std::numbers::sqrt2 * sigma_;
  const double central = std::erf(0.5 / scale);
  beside_ = 0.5 * (std::erf((apart_ + 0.5) / scale) - std::erf((apart_ - 0.5) / scale)) / central;
}

Flags ArtefactTest::judge(int x, int y) const {
  Peak peak{x, y, background_.tangent(x, y, mosaic_phase(x, y)), 0, sky_variance(frame_, background_, x, y)};
  peak.height = signal(peak, 0, 0);
  if (!(peak.height > kTooFaint * std::sqrt(peak.variance))) return 0;
  const bool steep_x = excess(peak, 1, 0) < -kSure, steep_y = excess(peak, 0, 1) < -kSure;
  if (steep_x && steep_y && excess(peak, 1, 1) < 0 && excess(peak, 1, -1) < 0) return flag::hot_pixel;
  return steep_x || steep_y ? flag::cosmic_ray : 0;
}

float ArtefactTest::steep() const noexcept { return static_cast<float>(kSteep * beside_); }

bool ArtefactTest::hides_star(int x, int y, double star_x, double star_y, double least) const {
  constexpr std::size_t kEnough = 8;  // pixels
  constexpr double kMedianError = 1.3;
  const double fwhm = sigma_ / kSigmaPerFwhm;
  const int reach = static_cast<int>(std::ceil(fwhm)) + 1;
  const int cx = static_cast<int>(std::lround(star_x)), cy = static_cast<int>(std::lround(star_y));
  std::vector<Height> heights;
  for (int j = cy - reach; j <= cy + reach; ++j) {
    for (int i = cx - reach; i <= cx + reach; ++i) {
      const double dx = i - star_x, dy = j - star_y, r2 = dx * dx + dy * dy;
      if (r2 > fwhm * fwhm || std::max(std::abs(i - x), std::abs(j - y)) <= 1) continue;
      const double v = signal(i, j), part = std::exp(-0.5 * r2 / (sigma_ * sigma_));
      if (!std::isnan(v)) heights.push_back({v / part, part, dx, dy});
    }
  }
  if (heights.size() < kEnough) return false;
  std::ranges::sort(heights, {}, &Height::value);
  // A track covers one side or runs through; a star has light on every side.
  for (const auto& [ax, ay] : kSides) {
    double weights = 0, known = 0;
    for (const Height& h : heights) {
      if (!(h.dx * ax + h.dy * ay > 0)) continue;
      weights += h.weight;
      known += h.weight * h.weight;
    }
    double below = 0, height = 0;
    for (const Height& h : heights) {
      if (!(h.dx * ax + h.dy * ay > 0)) continue;
      height = h.value;
      below += h.weight;
      if (2 * below >= weights) break;
    }
    // The norm of a Gaussian of height 1 is sqrt(pi) sigma.
    const double seen = least / (std::sqrt(std::numbers::pi) * sigma_), sure = kSure * kMedianError / std::sqrt(known);
    if (!(known > 0) || height < std::max(seen, sure) * std::sqrt(sky_variance(frame_, background_, cx, cy)))
      return false;
  }
  return true;
}

double ArtefactTest::excess(const Peak& peak, int dx, int dy) const {
  const double a = signal(peak, -apart_ * dx, -apart_ * dy), b = signal(peak, apart_ * dx, apart_ * dy);
  const int n = (std::isnan(a) ? 0 : 1) + (std::isnan(b) ? 0 : 1);
  if (n == 0) return 0;
  const double mean = ((std::isnan(a) ? 0.0 : a) + (std::isnan(b) ? 0.0 : b)) / n;
  const double expected = kSteep * (dx != 0 && dy != 0 ? beside_ * beside_ : beside_);
  const double per_gain = detector_.gain_e_per_adu > 0 ? 1 / detector_.gain_e_per_adu : 0.0;
  const double variance = (peak.variance + std::max(mean, 0.0) * per_gain) / n +
                          expected * expected * (peak.variance + peak.height * per_gain);
  return (mean - expected * peak.height) / std::sqrt(variance);
}

double ArtefactTest::signal(const Peak& peak, int dx, int dy) const {
  const int x = peak.x + dx, y = peak.y + dy;
  if (x < 0 || y < 0 || x >= frame_.width || y >= frame_.height) return std::numeric_limits<double>::quiet_NaN();
  return visit_pixels(frame_, [&](auto pixels) {
    const auto value = pixels.row(y)[x];
    if (!is_valid(frame_, x, y, value)) return std::numeric_limits<double>::quiet_NaN();
    return static_cast<double>(value) - (peak.sky.value + peak.sky.slope_x * dx + peak.sky.slope_y * dy);
  });
}

double ArtefactTest::signal(int x, int y) const {
  if (x < 0 || y < 0 || x >= frame_.width || y >= frame_.height) return std::numeric_limits<double>::quiet_NaN();
  return visit_pixels(frame_, [&](auto pixels) {
    const auto value = pixels.row(y)[x];
    if (!is_valid(frame_, x, y, value)) return std::numeric_limits<double>::quiet_NaN();
    return static_cast<double>(value) - background_.pixel_level(x, y);
  });
}

}  // namespace starflow
