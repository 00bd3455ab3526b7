// SPDX-License-Identifier: MIT
/// \file
/// Trails and an uneven sky make no stars, and take none away.

#include <starflow/core/detect.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
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

constexpr int kSize = 1024;
constexpr double kNoise = 10, kFwhm = 3, kSigma = kFwhm / 2.3548200450309493;

/// A line through the frame's middle, as wide as a star; height in ADU, angle in degrees.
void add_line(Scene<float>& scene, double height, double angle) {
  const double c = std::cos(angle * std::numbers::pi / 180), s = std::sin(angle * std::numbers::pi / 180);
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const double off = (c * (y - 511.3) - s * (x - 512.2)) / kSigma;
      scene.at(x, y) += static_cast<float>(height * std::exp(-0.5 * off * off));
    }
  }
}

struct Place {
  double x, y;
};

/// 225 stars, S/N \p snr each.
std::vector<Place> add_stars(Scene<float>& scene, double snr, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::uniform_real_distribution<double> anywhere(-16, 16);
  std::vector<Place> stars;
  for (int j = 0; j < 15; ++j) {
    for (int i = 0; i < 15; ++i) {
      const double x = 64 * (i + 1) + anywhere(bits);
      stars.push_back({x, 64 * (j + 1) + anywhere(bits)});
    }
  }
  for (const Place& p : stars)
    add_star(scene, p.x, p.y, snr * kNoise * 2 * std::sqrt(std::numbers::pi) * kSigma, kSigma, kSigma);
  return stars;
}

Detections find(const Scene<float>& scene, DetectOptions options = {}) {
  const FrameView view = scene.view();
  options.fwhm_px = kFwhm;
  return detect(view, estimate_background(view, {}, serial_for), {}, options, serial_for);
}

std::size_t found_of(const std::vector<Place>& stars, const Detections& d) {
  return static_cast<std::size_t>(std::ranges::count_if(stars, [&d](const Place& p) {
    for (std::size_t i = 0; i < d.size(); ++i) {
      if (std::hypot(d.x[i] - p.x, d.y[i] - p.y) < 1.5) return true;
    }
    return false;
  }));
}

struct Line {
  double height, angle;  // sigma of a pixel, degrees
};
class Trail : public ::testing::TestWithParam<Line> {};

// Without the test for lines 9 to 30 of its peaks are listed.
TEST_P(Trail, MakesNoStarsAndTakesNoneAway) {
  Scene<float> scene(kSize, kSize, 500);
  const std::vector<Place> stars = add_stars(scene, 30, 11);
  add_line(scene, GetParam().height * kNoise, GetParam().angle);
  add_noise(scene, kNoise, 12);
  const Detections found = find(scene);
  const double angle = GetParam().angle * std::numbers::pi / 180;
  std::vector<Place> free;  // of the line
  std::ranges::copy_if(stars, std::back_inserter(free), [angle](const Place& p) {
    return std::abs(std::cos(angle) * (p.y - 511.3) - std::sin(angle) * (p.x - 512.2)) > 2 * kFwhm;
  });
  EXPECT_EQ(found_of(free, found), free.size());
  const std::size_t real = found_of(stars, found);
  // Theory expects 0.3 false alarms of the noise; a line's two ends may count.
  EXPECT_LE(found.size() - real, 3U);
  EXPECT_GT(found.rejected_trail, 0U);
  DetectOptions keep;
  keep.keep_artefacts = true;
  const Detections listed = find(scene, keep);
  const auto flagged = std::ranges::count_if(listed.flags, [](Flags f) { return (f & flag::trailed) != 0; });
  EXPECT_EQ(static_cast<std::size_t>(flagged), found.rejected_trail);
}
INSTANTIATE_TEST_SUITE_P(Lines,
                         Trail,
                         ::testing::Values(Line{5, 31}, Line{5, 0}, Line{5, 90}, Line{5, -58}, Line{20, 31}),
                         [](const auto& line) {
                           const double angle = line.param.angle;
                           return "Sigma" + std::to_string(std::lround(line.param.height)) + "Angle" +
                                  (angle < 0 ? "Minus" : "") + std::to_string(std::lround(std::abs(angle)));
                         });

/// A line of FWHM 1.2 px, integrated over pixels, through stars of that FWHM.
class UndersampledTrail : public ::testing::TestWithParam<Line> {};

// Pixels are as wide as the line: its peaks stand out of it as a star's do, and are wider than the stars. Up to 500 of
// them were listed, or all stars rejected as narrower than those.
TEST_P(UndersampledTrail, MakesNoStarsAndLeavesTheirWidthAlone) {
  constexpr double kNarrow = 1.2, kNarrowSigma = kNarrow / 2.3548200450309493;
  constexpr int kParts = 5;  // of a pixel along each axis
  Scene<float> scene(kSize, kSize, 500);
  std::vector<Place> stars = add_stars(scene, 0, 11);
  for (const Place& p : stars) add_star(scene, p.x, p.y, 100 * kNoise, kNarrowSigma, kNarrowSigma);
  const double angle = GetParam().angle * std::numbers::pi / 180, c = std::cos(angle), s = std::sin(angle);
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      if (std::abs(c * (y - 511.3) - s * (x - 512.2)) > 5) continue;
      double light = 0;
      for (int k = 0; k < kParts * kParts; ++k) {
        const double px = x + (k % kParts - 2) / 5.0, py = y + (k / kParts - 2) / 5.0;
        const double off = (c * (py - 511.3) - s * (px - 512.2)) / kNarrowSigma;
        light += std::exp(-0.5 * off * off);
      }
      scene.at(x, y) += static_cast<float>(GetParam().height * kNoise * light / (kParts * kParts));
    }
  }
  add_noise(scene, kNoise, 12);
  const FrameView view = scene.view();
  const Detections found = detect(view, estimate_background(view, {}, serial_for), {}, {}, serial_for);
  EXPECT_NEAR(found.fwhm_px, kNarrow, 0.03);
  std::vector<Place> free;  // of the line
  std::ranges::copy_if(stars, std::back_inserter(free),
                       [&](const Place& p) { return std::abs(c * (p.y - 511.3) - s * (p.x - 512.2)) > 6; });
  EXPECT_EQ(found_of(free, found), free.size());
  EXPECT_LE(found.size() - found_of(stars, found), 20U);  // of some 400 peaks
}
INSTANTIATE_TEST_SUITE_P(Lines,
                         UndersampledTrail,
                         ::testing::Values(Line{15, 17}, Line{60, 17}, Line{60, 69}, Line{600, 33}),
                         [](const auto& line) {
                           return "Sigma" + std::to_string(std::lround(line.param.height)) + "Angle" +
                                  std::to_string(std::lround(line.param.angle));
                         });

/// 30 rows of 30 stars of S/N 30, this many FWHM apart. \return how many are found
std::size_t found_in_rows(double apart) {
  Scene<float> scene(kSize, kSize, 500);
  std::vector<Place> stars;
  for (int j = 0; j < 30; ++j) {
    for (int i = 0; i < 30; ++i) stars.push_back({60 + apart * kFwhm * i, 30.0 + 32 * j});
  }
  for (const Place& p : stars)
    add_star(scene, p.x, p.y, 30 * kNoise * 2 * std::sqrt(std::numbers::pi) * kSigma, kSigma, kSigma);
  add_noise(scene, kNoise, 13);
  return found_of(stars, find(scene));
}

TEST(Surroundings, StarsInARowAreNotATrail) {
  EXPECT_EQ(found_in_rows(2.5), 900U);
  // At 2 FWHM the light between two of them is 1/8 of their peaks, and noise closes some gaps: 892 of 900.
  EXPECT_GE(found_in_rows(2), 880U);
}

// The left 64 px rise to the sky's level as exp(-x / 20), as at the start of a row after the overscan.
TEST(Surroundings, SkyThatTheMeshDoesNotFollowMakesNoStars) {
  std::size_t found = 0, alarms = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Scene<float> scene(kSize, kSize, 500);
    for (int y = 0; y < kSize; ++y) {
      for (int x = 0; x < kSize; ++x) scene.at(x, y) -= static_cast<float>(2.5 * kNoise * std::exp(-x / 20.0));
    }
    const std::vector<Place> stars = add_stars(scene, 10, 20 + seed);
    add_noise(scene, kNoise, 30 + seed);
    const Detections d = find(scene);
    const std::size_t real = found_of(stars, d);
    found += real;
    alarms += d.size() - real;
  }
  EXPECT_GE(found, 1790U) << "of 1,800 at S/N 10";
  EXPECT_LE(alarms, 9U) << "theory expects 2.4 of the noise in eight frames, 9 is 4 sigma";
}

}  // namespace
}  // namespace starflow
