// SPDX-License-Identifier: MIT
/// \file
/// The fit in SIMD lanes against the fit in double, star by star.

#include "gaussian_lanes.hpp"

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <random>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

constexpr int kRadius = 7;

/// 400 stars of S/N 8 to 2,000 and FWHM 2.4 to 3.5 px, each on its own stamp, with starts up to half a pixel off.
class GaussianLanesFit : public ::testing::Test {
 protected:
  struct Star {
    double x, y;
    std::unique_ptr<Stamp> stamp;
  };

  void SetUp() override {
    std::mt19937_64 bits(4);
    const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
    options_.gain_e_per_adu = 1.5;
    options_.fwhm_px = 3;
    options_.radius_px = kRadius;
    options_.move_limit_px = 2.25;
    for (int i = 0; i < 400; ++i) {
      test::Scene<float> scene(41, 41, 100);
      const double x = 19.5 + uniform(), y = 19.5 + uniform(), sigma = 1 + 0.5 * uniform();
      test::add_star(scene, x, y, 500 * std::pow(1000, uniform()), sigma, 1.05 * sigma);
      test::add_noise(scene, 10, static_cast<std::uint64_t>(i));
      if (i % 10 == 0) scene.at(22, 21) = NAN;
      const Background background = estimate_background(scene.view(), {}, serial_for);
      Star star{x + uniform() - 0.5, y + uniform() - 0.5, std::make_unique<Stamp>()};
      gather(scene.view(), background, {1.5, 5, 1e9}, star.x, star.y, kRadius, *star.stamp);
      stars_.push_back(std::move(star));
    }
  }

  /// Fits the stars in the order of \p order, batch by batch.
  std::vector<GaussianFit> fit(const std::vector<std::size_t>& order) {
    const auto lanes = std::make_unique<GaussianLanes>();
    std::vector<GaussianFit> fits(order.size());
    for (std::size_t first = 0; first < order.size(); first += GaussianLanes::lanes()) {
      const std::size_t last = std::min(order.size(), first + GaussianLanes::lanes());
      lanes->begin(options_);
      for (std::size_t k = first; k < last; ++k) {
        const Star& star = stars_[order[k]];
        lanes->add(*star.stamp, star.x, star.y);
      }
      lanes->run();
      for (std::size_t k = first; k < last; ++k) fits[order[k]] = (*lanes)[k - first];
    }
    return fits;
  }

  std::vector<std::size_t> in_order() const {
    std::vector<std::size_t> order(stars_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    return order;
  }

  GaussianFitOptions options_;
  std::vector<Star> stars_;
};

// Both stop where a step is below a thousandth of the error; float sums add 2e-5 px at the most.
TEST_F(GaussianLanesFit, AgreesWithTheFitInDouble) {
  const std::vector<GaussianFit> fits = fit(in_order());
  std::size_t failed = 0;
  for (std::size_t i = 0; i < fits.size(); ++i) {
    const GaussianFit reference = fit_gaussian(*stars_[i].stamp, stars_[i].x, stars_[i].y, options_);
    EXPECT_EQ(fits[i].n_pix, reference.n_pix);
    EXPECT_EQ(fits[i].n_masked, reference.n_masked);
    if (fits[i].termination != Termination::converged) {
      ++failed;
      continue;
    }
    ASSERT_EQ(reference.termination, Termination::converged);
    for (std::size_t p = 0; p < kGaussianParameters; ++p) {
      const double error = std::sqrt(reference.covariance[p][p]);
      EXPECT_NEAR(fits[i].value[p], reference.value[p], 0.003 * error + 2e-5) << "star " << i << " parameter " << p;
      EXPECT_NEAR(fits[i].covariance[p][p] / reference.covariance[p][p], 1, 0.005)
          << "star " << i << " parameter " << p;
    }
    EXPECT_NEAR(fits[i].chi2 / reference.chi2, 1, 0.001);
  }
  EXPECT_LE(failed, 2U);  // the faintest, which go to the fit in double
}

TEST_F(GaussianLanesFit, GivesTheSameBitsInEveryOrderOfTheStars) {
  std::vector<std::size_t> shuffled = in_order();
  std::ranges::reverse(shuffled);
  std::ranges::rotate(shuffled, shuffled.begin() + 3);  // other lanes, other batches
  const std::vector<GaussianFit> a = fit(in_order()), b = fit(shuffled);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].value, b[i].value);
    EXPECT_EQ(a[i].covariance, b[i].covariance);
    EXPECT_EQ(a[i].iterations, b[i].iterations);
  }
}

TEST_F(GaussianLanesFit, AgreesBetweenInstructionSets) {
  const std::vector<GaussianFit> best = fit(in_order());
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    const std::vector<GaussianFit> fits = fit(in_order());
    for (std::size_t i = 0; i < fits.size(); ++i) {
      if (fits[i].termination != Termination::converged || best[i].termination != Termination::converged) continue;
      const double error = std::sqrt(best[i].covariance[0][0]);
      EXPECT_NEAR(fits[i].value[0], best[i].value[0], 2e-5 + 0.002 * error) << hwy::TargetName(target);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace
}  // namespace starflow
