// SPDX-License-Identifier: MIT
/// \file
/// chi2 of the centroids: one a degree of freedom for a lone Gaussian star, more for what is none.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "support/centroid_trials.hpp"

namespace starflow::test {
namespace {

constexpr double kStampDof = 13 * 13 - 4, kParabolaDof = 3;  // FWHM 3 px

double dof(Method m) { return m == Method::quadratic ? kParabolaDof : kStampDof; }

/// Of all trials; every one must have converged.
double mean_chi2_per_dof(Trials& trials, Method method) {
  trials.setting.method = method;
  double sum = 0;
  for (const Result& r : measure(trials.setting, trials.stars)) {
    EXPECT_EQ(r.termination, Termination::converged);
    sum += r.chi2 / dof(method);
  }
  return sum / static_cast<double>(Trials::kCount);
}

class CentroidChi2 : public ::testing::TestWithParam<Method> {
 protected:
  /// chi2 a degree of freedom of \p scene at (20, 20): noise 10 ADU, gain unknown.
  static double of(const Scene<float>& scene) {
    Setting setting;
    setting.method = GetParam();
    setting.radius = 6;
    const Result r = measure(setting, {scene.view(), 20, 20});
    return r.termination == Termination::converged ? r.chi2 / dof(GetParam()) : std::nan("");
  }
  /// A star whose brightest pixel is 50 times the noise.
  static Scene<float> star() {
    Scene<float> scene(41, 41, kSky);
    add_star(scene, 20.2, 19.9, 5500, kSigma, kSigma);
    add_noise(scene, kNoise, 3);
    return scene;
  }
};

INSTANTIATE_TEST_SUITE_P(Methods, CentroidChi2, ::testing::ValuesIn(kCentroids), [](const auto& m) {
  return std::string(kMethodNames[static_cast<std::size_t>(m.param)]);
});

// 4,000 stars, seed 7. The mean of chi2 / dof scatters by sqrt(2 / (4000 dof)): 0.0017 of a stamp, 0.013 of a parabola.
// Four of it, and the 0.003 by which the errors of a windowed centroid lie above the bound (measured: 1.0028, 1.0017,
// 1.0040; quadratic 1.0056).
TEST_P(CentroidChi2, IsOneADegreeOfFreedomForGaussianStars) {
  const bool quadratic = GetParam() == Method::quadratic;
  Trials trials(3, quadratic ? 300 : 30);  // of fainter ones a logarithm knows nothing
  const double sampling = std::sqrt(2 / (dof(GetParam()) * static_cast<double>(Trials::kCount)));
  EXPECT_NEAR(mean_chi2_per_dof(trials, GetParam()), 1, 4 * sampling);
}

// One star scatters by 0.11; of a parabola by 0.8, and it never looks beyond its 3x3 pixels.
TEST_P(CentroidChi2, TellsAStarFromACosmicRayBesideIt) {
  Scene<float> scene = star();
  EXPECT_LT(of(scene), GetParam() == Method::quadratic ? 1 + 4 * 0.8 : 1 + 4 * 0.11);
  scene.at(21, 21) += 400;
  EXPECT_GT(of(scene), 5);
}

TEST_P(CentroidChi2, TellsAStarFromABlend) {
  if (GetParam() == Method::quadratic) GTEST_SKIP() << "looks at 3x3 pixels alone";
  Scene<float> scene = star();
  add_star(scene, 24.2, 21.9, 2700, kSigma, kSigma);
  EXPECT_GT(of(scene), 5);
}

TEST_P(CentroidChi2, TellsAStarFromAHotPixel) {
  Scene<float> scene(41, 41, kSky);
  add_noise(scene, 0.1 * kNoise, 3);
  scene.at(20, 20) += 1000;
  const double found = of(scene);
  EXPECT_FALSE(found < 5) << found;  // a parabola finds no light beside it
}

TEST_P(CentroidChi2, StandsInTheRowWithTheDegreesOfFreedomOfThePixelsThatCount) {
  Scene<float> scene = star();
  scene.at(25, 23) = std::numeric_limits<float>::quiet_NaN();  // in the stamp, not in the 3x3
  Detections found;
  found.resize(1);
  found.x[0] = found.y[0] = 20;
  found.fwhm_px = 3;
  MeasureOptions options;
  options.method = GetParam();
  MeasureWorkspace workspace;
  StarTable stars;
  const FrameView view = scene.view();
  measure(view, estimate_background(view, {}, serial_for), {}, found, options, serial_for, workspace, stars);
  ASSERT_EQ(stars.termination[0], Termination::converged);
  EXPECT_EQ(stars.dof[0], static_cast<int>(dof(GetParam())) - (GetParam() == Method::quadratic ? 0 : 1));
  EXPECT_GT(stars.chi2[0], 0);
  EXPECT_LT(stars.chi2[0], 5 * stars.dof[0]);
}

}  // namespace
}  // namespace starflow::test
