// SPDX-License-Identifier: MIT
/// \file
/// The ends that a centroid comes to: a clean star, none, masked or saturated pixels, a neighbour.

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>

#include "support/centroid_stars.hpp"

namespace starflow::test {
namespace {

/// A star of FWHM 3 px at (20, 20) on a flat sky without noise.
class CentroidEnds : public ::testing::TestWithParam<Method> {
 protected:
  CentroidEnds() : scene_(41, 41, kSky) { setting_.method = GetParam(); }
  void add(double x, double y, double flux) { add_star(scene_, x, y, flux, kSigma, kSigma); }
  Result at(double x, double y) { return measure(setting_, {scene_.view(), x, y}); }

  Scene<float> scene_;
  Setting setting_;
};

INSTANTIATE_TEST_SUITE_P(Methods, CentroidEnds, ::testing::ValuesIn(kCentroids), [](const auto& m) {
  return std::string(kMethodNames[static_cast<std::size_t>(m.param)]);
});

TEST_P(CentroidEnds, SaysThatAnEmptyStampHasNoFlux) {
  EXPECT_EQ(at(20, 20).termination, Termination::nonpositive_flux);
}

TEST_P(CentroidEnds, SaysThatAMaskedStampHasNoPixels) {
  scene_ = Scene<float>(41, 41, NAN);
  EXPECT_EQ(at(20, 20).termination, Termination::too_few_pixels);
}

TEST_P(CentroidEnds, SaysThatAPlaceOutsideOfTheFrameHasNoPixels) {
  EXPECT_EQ(at(-60, 20).termination, Termination::too_few_pixels);
}

TEST_P(CentroidEnds, GivesFluxWidthAndPositionOfACleanStar) {
  add(20.2, 19.9, 1e5);
  const Result r = at(20, 20);
  ASSERT_EQ(r.termination, Termination::converged);
  EXPECT_NEAR(r.x, 20.2, 0.005);
  EXPECT_NEAR(r.y, 19.9, 0.005);
  EXPECT_NEAR(r.flux, 1e5, 0.002 * 1e5);
  EXPECT_NEAR(std::sqrt(r.xx), kSigma, 0.005 * kSigma);
  EXPECT_NEAR(r.xy, 0, 0.002);
}

TEST_P(CentroidEnds, DoesNotWalkToABrighterNeighbour) {
  add(20, 20, 5000);
  add(24.5, 20, 500000);
  setting_.move_limit = 1.2;
  const Result r = at(20, 20);
  EXPECT_NE(r.termination, Termination::converged);
}

TEST_P(CentroidEnds, TakesSaturatedPixelsForWhatTheyShow) {
  add(20, 20, 1e5);
  const Result plain = at(20.1, 20);
  setting_.detector.saturation_adu = 1000;  // all of the core; the pixels stay as they are
  const Result saturated = at(20.1, 20);
  if (GetParam() == Method::quadratic) {  // a parabola through a plateau would say anything
    EXPECT_EQ(saturated.termination, Termination::too_few_pixels);
    return;
  }
  ASSERT_EQ(saturated.termination, Termination::converged);
  EXPECT_NEAR(saturated.x, plain.x, 1e-5);
}

TEST(QuadraticCentroid, NeedsLightInAllItsPixels) {
  Scene<float> scene(41, 41, kSky);
  add_star(scene, 20, 20, 1e5, kSigma, kSigma);
  scene.at(21, 21) = kSky - 1;
  Setting setting;
  setting.method = Method::quadratic;
  EXPECT_EQ(measure(setting, {scene.view(), 20, 20}).termination, Termination::nonpositive_flux);
  scene.at(21, 21) = NAN;
  const Result r = measure(setting, {scene.view(), 20, 20});
  EXPECT_EQ(r.termination, Termination::too_few_pixels);
  EXPECT_EQ(r.n_pix, 8);
  EXPECT_EQ(r.n_masked, 1);
}

}  // namespace
}  // namespace starflow::test
