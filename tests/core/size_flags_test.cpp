// SPDX-License-Identifier: MIT
/// \file
/// What is wider than the frame's stars says so, and what is narrower: galaxies and trails, hot pixels and cosmic rays.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include "narrow_light.hpp"
#include "star_row.hpp"
#include "support/scene.hpp"

namespace starflow {
namespace {

using test::add_noise;
using test::add_star;
using test::Scene;

constexpr int kCell = 64, kCells = 16;  // 256 objects
constexpr double kNoise = 10, kFwhm = 3, kSigma = kFwhm / 2.3548200450309493;

struct Counts {
  std::size_t extended = 0, trailed = 0, hot = 0, cosmic = 0;
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
    if ((stars.flags[i] & flag::hot_pixel) != 0) ++counts.hot;
    if ((stars.flags[i] & flag::cosmic_ray) != 0) ++counts.cosmic;
  }
  return counts;
}

class SizeFlags : public ::testing::TestWithParam<Method> {};

TEST_P(SizeFlags, StarsHaveNone) {
  const Counts c = count(GetParam(), 1, 1);
  EXPECT_EQ(c.extended + c.trailed + c.hot + c.cosmic, 0U);
}

TEST_P(SizeFlags, GalaxiesAreExtended) {
  const Counts c = count(GetParam(), 2, 1.6);
  EXPECT_EQ(c.extended, 64U);
  EXPECT_EQ(c.trailed, 0U);
}

INSTANTIATE_TEST_SUITE_P(Methods, SizeFlags, ::testing::Values(Method::gaussian, Method::windowed), [](const auto& m) {
  return m.param == Method::gaussian ? "Gaussian" : "Windowed";
});

// 900 stars of S/N 200 a width, at places of their own within their pixels. Without a look at how well pixels sample
// them three in four of FWHM 1.2 were called cosmic rays or hot pixels by a window.
TEST(SizeFlags, NarrowStarsInAWindowHaveNone) {
  constexpr int kPitch = 24, kRow = 30;
  for (const double fwhm : {1.0, 1.2, 1.5, 2.0}) {
    Scene<float> scene(kPitch * kRow, kPitch * kRow, 500);
    const double sigma = fwhm * kSigma / kFwhm, flux = 200 * kNoise * 2 * std::sqrt(std::numbers::pi) * (sigma + 0.1);
    Detections d;
    d.resize(static_cast<std::size_t>(kRow) * kRow);
    for (std::size_t k = 0; k < d.size(); ++k) {
      d.x[k] = kPitch * (static_cast<double>(k % kRow) + 0.5) + 0.037 * static_cast<double>(k % 27);
      d.y[k] = kPitch * (std::floor(static_cast<double>(k) / kRow) + 0.5) + 0.041 * static_cast<double>(k % 23);
      d.id[k] = static_cast<std::int64_t>(k);
      add_star(scene, d.x[k], d.y[k], flux, sigma, sigma);
    }
    add_noise(scene, kNoise, 8);
    const FrameView view = scene.view();
    const Background sky = estimate_background(view, {}, serial_for);
    for (const Method method : {Method::windowed, Method::adaptive}) {
      MeasureOptions options;
      options.method = method;
      options.level = LevelFrom::global;
      MeasureWorkspace workspace;
      StarTable stars;
      for (const double told : {fwhm, 0.9 * fwhm, 1.1 * fwhm, 0.0}) {
        d.fwhm_px = told;
        measure(view, sky, {}, d, options, serial_for, workspace, stars);
        constexpr Flags kNoStar = flag::hot_pixel | flag::cosmic_ray;
        EXPECT_EQ(std::ranges::count_if(stars.flags, [](Flags f) { return (f & kNoStar) != 0; }), 0)
            << kMethodNames[static_cast<std::size_t>(method)] << ", fwhm " << fwhm << ", told " << told;
      }
    }
  }
}

TEST(SizeFlags, ShortTrailsAreTrailed) {
  const Counts c = count(Method::gaussian, 3, 1);
  EXPECT_EQ(c.trailed, 64U);
  EXPECT_EQ(c.extended, 0U);
}

// 0.9 px FWHM, where the stars have 3: S/N 50 tells the limit of 1.5 from it.
TEST(SizeFlags, WhatIsSharperThanHalfAStarIsAHotPixel) {
  const Counts c = count(Method::gaussian, 0.3, 0.3);
  EXPECT_EQ(c.hot, 64U);
  EXPECT_EQ(c.cosmic + c.extended + c.trailed, 0U);
}

TEST(SizeFlags, WhatIsThatSharpAlongOneAxisIsACosmicRay) {
  const Counts c = count(Method::gaussian, 0.25, 1.2);
  EXPECT_EQ(c.cosmic, 64U);
  EXPECT_EQ(c.hot + c.extended, 0U);
}

TEST(SizeFlags, StarsOfSixTenthsOfTheWidthAreStars) {
  const Counts c = count(Method::gaussian, 0.6, 0.6);
  EXPECT_EQ(c.hot + c.cosmic, 0U);
}

/// A member of a group whose brightest one is a hot pixel: all have its width. Numbers from a frame of FWHM 6 px.
Flags in_narrow_group(double flux, double flux_err, double peak) {
  StarRow row{};
  row.method = row.method_used = Method::gaussian;
  row.flags = flag::group_fit;
  row.fwhm_minor = 0.7;
  row.fwhm_major = 0.77;
  row.fwhm = 0.73;
  row.sharpness = -0.1;
  row.flux = flux;
  row.flux_err = flux_err;
  row.peak = peak;
  return judge_narrow(row, 6);
}

TEST(SizeFlags, OfAGroupAsNarrowAsAPixelTheOneInAPixelIsHot) {
  EXPECT_EQ(in_narrow_group(2577, 36, 2078), flag::hot_pixel);
  EXPECT_EQ(in_narrow_group(364, 30, 138), 0U);  // the star
}

/// Flags of the only object of a frame, which has these widths, px FWHM.
Flags flags_alone(double fwhm_x, double fwhm_y, double given_fwhm_px, Flags seed) {
  Scene<float> scene(kCell, kCell, 500);
  const double sx = fwhm_x * kSigma / kFwhm, sy = fwhm_y * kSigma / kFwhm;
  const double flux = 50 * kNoise * 2 * std::sqrt(std::numbers::pi * std::max(sx, 0.5) * std::max(sy, 0.5));
  add_star(scene, 31.7, 32.2, flux, sx, sy);
  add_noise(scene, kNoise, 5);
  Detections d;
  d.resize(1);
  d.x[0] = 31.7;
  d.y[0] = 32.2;
  d.flags[0] = seed;
  d.fwhm_px = given_fwhm_px;
  const FrameView view = scene.view();
  MeasureWorkspace workspace;
  StarTable stars;
  measure(view, estimate_background(view, {}, serial_for), {}, d, {}, serial_for, workspace, stars);
  return stars.flags.at(0);
}

TEST(SizeFlags, WithoutAnyStarASinglePixelIsHot) {
  EXPECT_NE(flags_alone(0.4, 0.4, 0, 0) & flag::hot_pixel, 0U);
  EXPECT_EQ(flags_alone(0.4, 0.4, 0, flag::forced_position) & flag::hot_pixel, 0U);
  EXPECT_EQ(flags_alone(0.4, 0.4, 0.8, 0) & flag::hot_pixel, 0U);
  EXPECT_EQ(flags_alone(1.4, 1.4, 0, 0) & flag::hot_pixel, 0U);
}

TEST(SizeFlags, AloneWhatIsFourTimesLongerThanWideIsTrailed) {
  EXPECT_NE(flags_alone(8, 2, 3, 0) & flag::trailed, 0U);
  EXPECT_EQ(flags_alone(6, 4, 3, 0) & (flag::trailed | flag::extended), 0U);
}

}  // namespace
}  // namespace starflow
