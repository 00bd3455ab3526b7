// SPDX-License-Identifier: MIT
/// \file
/// Hot pixels and cosmic rays are left out, and no star is taken for one.

#include <starflow/core/detect.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

using test::add_noise;
using test::add_star;
using test::Scene;

constexpr double kNoise = 10, kFwhmPerSigma = 2.3548200450309493;
constexpr int kCell = 32, kCells = 30;  // 900 places

/// One place a cell, anywhere within its central pixel.
struct Place {
  double x, y;
};
std::vector<Place> places(std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::uniform_real_distribution<double> phase(-0.5, 0.5);
  std::vector<Place> all;
  for (int k = 0; k < kCells * kCells; ++k) {
    const int column = k % kCells, row = k / kCells;
    const double x = column * kCell + kCell / 2 + phase(bits);
    all.push_back({x, row * kCell + kCell / 2 + phase(bits)});
  }
  return all;
}

Detections find(const Scene<float>& scene, double fwhm, DetectOptions options = {}) {
  const FrameView view = scene.view();
  options.fwhm_px = fwhm;
  return detect(view, estimate_background(view, {}, serial_for), {}, options, serial_for);
}

Flags flags_near(const Detections& d, double x, double y) {
  Flags flags = 0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    if (std::hypot(d.x[i] - x, d.y[i] - y) < 4) flags |= d.flags[i];
  }
  return flags;
}

class StarsOfWidth : public ::testing::TestWithParam<double> {};

// N = 900 stars of all phases, peaks of 10 to 300 sigma; the width is told 10 % wrong to either side.
TEST_P(StarsOfWidth, AreNeverTakenForArtefacts) {
  const double fwhm = GetParam(), sigma = fwhm / kFwhmPerSigma;
  Scene<float> scene(kCell * kCells, kCell * kCells, 500);
  std::size_t k = 0;
  for (const Place& p : places(1)) {
    const double peak = 10 * std::pow(30.0, static_cast<double>(k++ % 10) / 9) * kNoise;
    // Of the light on a pixel in whose middle the star is.
    const double share = std::pow(std::erf(0.5 / (std::sqrt(2.0) * sigma)), 2);
    add_star(scene, p.x, p.y, peak / share, sigma, sigma);
  }
  add_noise(scene, kNoise, 2);
  for (const double told : {0.9 * fwhm, fwhm, 1.1 * fwhm}) {
    const Detections found = find(scene, told);
    EXPECT_EQ(found.rejected_hot + found.rejected_cosmic, 0U) << told;
    EXPECT_GE(found.size(), 900U) << told;
  }
}
INSTANTIATE_TEST_SUITE_P(Fwhm, StarsOfWidth, ::testing::Values(1.2, 1.5, 2, 3, 5, 8), [](const auto& width) {
  return "Px" + std::to_string(std::lround(10 * width.param));
});

TEST(Artefact, HotPixelsAreLeftOutAndCounted) {
  Scene<float> scene(kCell * kCells, kCell * kCells, 500);
  for (const Place& p : places(3)) {
    scene.at(static_cast<int>(std::lround(p.x)), static_cast<int>(std::lround(p.y))) += static_cast<float>(30 * kNoise);
  }
  add_noise(scene, kNoise, 4);
  const Detections found = find(scene, 2.5);
  // Noise of 1 sigma beside a peak of 30 moves none of them by the 3 sigma that they are beyond the limit.
  EXPECT_EQ(found.rejected_hot, 900U);
  EXPECT_LE(found.size() + found.rejected_cosmic, 2U);  // false alarms of the noise
  DetectOptions keep;
  keep.keep_artefacts = true;
  const Detections listed = find(scene, 2.5, keep);
  EXPECT_GE(listed.size(), 900U);
  EXPECT_EQ(std::ranges::count_if(listed.flags, [](Flags f) { return (f & flag::hot_pixel) != 0; }), 900);
  EXPECT_EQ(listed.rejected_hot, 0U);
}

TEST(Artefact, TracksOfCosmicRaysAreLeftOut) {
  Scene<float> scene(kCell * kCells, kCell * kCells, 500);
  std::size_t k = 0;
  for (const Place& p : places(5)) {  // four pixels along x, along y, or along a diagonal
    const int x = static_cast<int>(std::lround(p.x)), y = static_cast<int>(std::lround(p.y));
    const int dx = k % 3 == 1 ? 0 : 1, dy = k % 3 == 0 ? 0 : 1;
    for (int i = 0; i < 4; ++i) scene.at(x + i * dx, y + i * dy) += static_cast<float>((60 + 10 * (i % 2)) * kNoise);
    ++k;
  }
  add_noise(scene, kNoise, 6);
  const Detections found = find(scene, 3);
  EXPECT_GE(found.rejected_cosmic + found.rejected_hot, 900U);
  EXPECT_LE(found.size(), 2U);
}

// Faint wide stars with a hot pixel on each, 1 px from its middle. S/N 20: none is lost.
TEST(Artefact, OnAStarDoesNotTakeTheStarAway) {
  const double fwhm = 6, sigma = fwhm / kFwhmPerSigma;
  Scene<float> scene(kCell * kCells, kCell * kCells, 500);
  for (const Place& p : places(8)) {
    add_star(scene, p.x, p.y, 20 * kNoise * 2 * std::sqrt(std::numbers::pi) * sigma, sigma, sigma);
    scene.at(static_cast<int>(std::lround(p.x)) + 1, static_cast<int>(std::lround(p.y))) +=
        static_cast<float>(50 * kNoise);
  }
  add_noise(scene, kNoise, 9);
  const Detections found = find(scene, fwhm);
  EXPECT_EQ(found.rejected_hot + found.rejected_cosmic, 0U);
  EXPECT_GE(found.size(), 900U);
}

TEST(Artefact, SaturatedStarIsNotJudgedByItsShape) {
  Scene<float> scene(128, 128, 500);
  add_star(scene, 64, 64, 1e6, 1.2, 1.2);
  add_noise(scene, kNoise, 7);
  for (float& v : scene.pixels) v = std::min(v, 3000.0F);
  for (int y = 0; y < 128; ++y) scene.at(64, y) = 3000;  // its bleed column
  const FrameView view = scene.view();
  Detector detector;
  detector.saturation_adu = 3000;
  DetectOptions options;
  options.fwhm_px = 2.8;
  const Detections found = detect(view, estimate_background(view, {}, serial_for), detector, options, serial_for);
  EXPECT_EQ(found.rejected_hot + found.rejected_cosmic, 0U);
  EXPECT_NE(flags_near(found, 64, 64) & flag::saturated, 0U);
}

}  // namespace
}  // namespace starflow
