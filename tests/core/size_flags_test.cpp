// SPDX-License-Identifier: MIT
/// \file
/// What is wider than the frame's stars says so: galaxies and trails.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <numbers>

#include "support/scene.hpp"

namespace starflow {
namespace {

using test::add_noise;
using test::add_star;
using test::Scene;

constexpr int kCell = 64, kCells = 16;  // 256 objects
constexpr double kNoise = 10, kFwhm = 3, kSigma = kFwhm / 2.3548200450309493;

struct Counts {
  std::size_t extended = 0, trailed = 0;
};

/// Of 256 objects of S/N 50 every fourth is \p stretch_x and \p stretch_y times as wide as the stars.
Counts count(Method method, double stretch_x, double stretch_y) {
  Scene<float> scene(kCell * kCells, kCell * kCells, 500);
  Detections d;
  d.resize(kCells * kCells);
  for (std::size_t k = 0; k < d.size(); ++k) {
    const double sx = k % 4 == 0 ? kSigma * stretch_x : kSigma, sy = k % 4 == 0 ? kSigma * stretch_y : kSigma;
    const double flux = 50 * kNoise * 2 * std::sqrt(std::numbers::pi * sx * sy);
    const double x = kCell * (static_cast<double>(k % kCells) + 0.5) + 0.037 * static_cast<double>(k % 27);
    const double y = kCell * (std::floor(static_cast<double>(k) / kCells) + 0.5) + 0.041 * static_cast<double>(k % 23);
    add_star(scene, x, y, flux, sx, sy);
    d.x[k] = x;
    d.y[k] = y;
    d.peak[k] = flux / (2 * std::numbers::pi * sx * sy);
    d.flux[k] = flux;
    d.id[k] = static_cast<std::int64_t>(k);
  }
  add_noise(scene, kNoise, 3);
  const FrameView view = scene.view();
  MeasureOptions options;
  options.method = method;
  options.outline = Outline::rotated;
  options.fwhm_px = kFwhm;
  MeasureWorkspace workspace;
  StarTable stars;
  measure(view, estimate_background(view, {}, serial_for), {}, d, options, serial_for, workspace, stars);
  Counts counts;
  for (std::size_t i = 0; i < stars.size(); ++i) {
    if ((stars.flags[i] & flag::extended) != 0) ++counts.extended;
    if ((stars.flags[i] & flag::trailed) != 0) ++counts.trailed;
  }
  return counts;
}

class SizeFlags : public ::testing::TestWithParam<Method> {};

TEST_P(SizeFlags, StarsHaveNone) {
  const Counts c = count(GetParam(), 1, 1);
  EXPECT_EQ(c.extended + c.trailed, 0U);
}

TEST_P(SizeFlags, GalaxiesAreExtended) {
  const Counts c = count(GetParam(), 2, 1.6);
  EXPECT_EQ(c.extended, 64U);
  EXPECT_EQ(c.trailed, 0U);
}

INSTANTIATE_TEST_SUITE_P(Methods, SizeFlags, ::testing::Values(Method::gaussian, Method::windowed), [](const auto& m) {
  return m.param == Method::gaussian ? "Gaussian" : "Windowed";
});

TEST(SizeFlags, ShortTrailsAreTrailed) {
  const Counts c = count(Method::gaussian, 3, 1);
  EXPECT_EQ(c.trailed, 64U);
  EXPECT_EQ(c.extended, 0U);
}

}  // namespace
}  // namespace starflow
