// SPDX-License-Identifier: MIT
#include <starflow/core/crlb.hpp>
#include <starflow/core/star_profile.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <ostream>
#include <string>
#include <vector>

namespace starflow {
namespace {

constexpr PixelBox kStamp{0, 31, 0, 31};

StarScene reference_scene(StarShape shape) {
  return {.shape = shape, .x = 15.3, .y = 15.1, .flux_e = 20000, .background_e = 100, .read_noise_e = 5};
}

// The reference numbers are an independent Python computation with numeric derivatives and 9x9 nodes; the tolerance is
// half of their last digit.
TEST(CramerRao, GivesTheReferenceBoundOfAGaussian) {
  const auto bounds = cramer_rao(reference_scene({.width_u = 1.5, .width_v = 1.5}), kStamp, FreeWidths::two);
  EXPECT_NEAR(bounds.x, 0.013995, 5e-7);
  EXPECT_NEAR(bounds.width_u, 0.01232, 5e-6);
  EXPECT_NEAR(bounds.flux / 20000, 0.00855, 5e-6);
}

TEST(CramerRao, GivesTheReferenceBoundOfAMoffat) {
  const StarShape moffat{.profile = Profile::moffat, .width_u = 3, .width_v = 3, .beta = 3};
  const auto bounds = cramer_rao(reference_scene(moffat), kStamp, FreeWidths::one, true);
  EXPECT_NEAR(bounds.x, 0.015650, 5e-7);
  EXPECT_NEAR(bounds.beta, 0.1766, 5e-5);
  EXPECT_NEAR(bounds.flux / 20000, 0.0131, 5e-5);
}

struct Closed {
  double fwhm_px, flux_e, bound_px;
};
void PrintTo(const Closed& c, std::ostream* out) { *out << "FWHM " << c.fwhm_px << " flux " << c.flux_e; }

class CramerRaoTable : public testing::TestWithParam<Closed> {};

// Numeric bounds for background 100 e-, read noise 5 e-, printed with four digits and with the star on a pixel's
// centre.
TEST_P(CramerRaoTable, AgreesToAThousandth) {
  const Closed& c = GetParam();
  const StarScene scene{.shape = star_shape(Profile::gaussian, c.fwhm_px, 0, 0, 0),
                        .x = 15,
                        .y = 15,
                        .flux_e = c.flux_e,
                        .background_e = 100,
                        .read_noise_e = 5};
  EXPECT_NEAR(cramer_rao(scene, kStamp, FreeWidths::two).x, c.bound_px, 1e-3 * c.bound_px + 5e-6);
}

INSTANTIATE_TEST_SUITE_P(Published,
                         CramerRaoTable,
                         testing::Values(Closed{1.5, 1e3, .03886},
                                         Closed{1.5, 2e4, .00547},
                                         Closed{1.5, 2e5, .00160},
                                         Closed{2.5, 1e3, .08114},
                                         Closed{2.5, 2e4, .00928},
                                         Closed{2.5, 2e5, .00256},
                                         Closed{3.5, 1e3, .14277},
                                         Closed{3.5, 2e4, .01384},
                                         Closed{3.5, 2e5, .00360},
                                         Closed{5.0, 1e3, .27235},
                                         Closed{5.0, 2e4, .02210},
                                         Closed{5.0, 2e5, .00527}),
                         [](const auto& of) {
                           return "Fwhm" + std::to_string(static_cast<int>(of.param.fwhm_px * 10)) + "Flux" +
                                  std::to_string(static_cast<int>(of.param.flux_e));
                         });

// The same Gaussian through the error function and through quadrature: turning the axes by 1e-6 rad leaves the shape as
// it is to 1e-12 but takes the other path.
TEST(CramerRao, IsTheSameByErrorFunctionAndByQuadrature) {
  const StarScene aligned = reference_scene({.width_u = 1.6, .width_v = 1.2});
  StarScene turned = aligned;
  turned.shape.theta_rad = 1e-6;
  ASSERT_FALSE(turned.shape.separable());
  const auto a = cramer_rao(aligned, kStamp, FreeWidths::three), b = cramer_rao(turned, kStamp, FreeWidths::three);
  EXPECT_NEAR(b.x / a.x, 1, 1e-5);
  EXPECT_NEAR(b.width_v / a.width_v, 1, 1e-5);
  EXPECT_NEAR(b.flux / a.flux, 1, 1e-5);
}

TEST(CramerRao, ExchangesTheAxesOfAStarTurnedByARightAngle) {
  StarScene scene = reference_scene({.width_u = 1.8, .width_v = 1.2});
  scene.y = scene.x;
  const auto upright = cramer_rao(scene, kStamp, FreeWidths::two);
  scene.shape.theta_rad = std::numbers::pi / 2;
  const auto turned = cramer_rao(scene, kStamp, FreeWidths::two);
  EXPECT_NEAR(turned.x / upright.y, 1, 1e-12);
  EXPECT_NEAR(turned.width_u / upright.width_u, 1, 1e-12);
}

TEST(CramerRao, IsNotDefinedWithFewerPixelsThanParameters) {
  const auto bounds = cramer_rao(reference_scene({.width_u = 1.5, .width_v = 1.5}), {15, 17, 15, 17}, FreeWidths::two);
  EXPECT_TRUE(std::isnan(bounds.x));
  EXPECT_TRUE(std::isnan(bounds.flux));
}

TEST(CramerRao, IsNotDefinedWithoutFlux) {
  StarScene scene = reference_scene({.width_u = 1.5, .width_v = 1.5});
  scene.flux_e = 0;
  EXPECT_TRUE(std::isnan(cramer_rao(scene, kStamp, FreeWidths::two).x));
}

struct Shape {
  const char* name;
  StarShape shape;
};
void PrintTo(const Shape& s, std::ostream* out) { *out << s.name; }

class PixelLight : public testing::TestWithParam<Shape> {};

/// The midpoint rule with n x n points.
double midpoint_integral(const StarShape& s, double dx, double dy, int n) {
  const double c = std::cos(s.theta_rad), d = std::sin(s.theta_rad);
  double sum = 0;
  for (int m = 0; m < n; ++m) {
    for (int k = 0; k < n; ++k) {
      const double px = dx + (k + 0.5) / n - 0.5, py = dy + (m + 0.5) / n - 0.5;
      const double u = (c * px + d * py) / s.width_u, v = (c * py - d * px) / s.width_v;
      const double r2 = u * u + v * v;
      sum += s.profile == Profile::gaussian ? 0.5 * std::exp(-r2 / 2) : (s.beta - 1) * std::pow(1 + r2, -s.beta);
    }
  }
  return sum / (n * n * std::numbers::pi * s.width_u * s.width_v);
}

/// Richardson's step takes the h^2 term of the midpoint rule away; what stays is of order (1/40)^4, below 1e-7 here.
double fine_integral(const StarShape& s, double dx, double dy) {
  return (4 * midpoint_integral(s, dx, dy, 80) - midpoint_integral(s, dx, dy, 40)) / 3;
}

TEST_P(PixelLight, IsTheIntegralOverThePixelToAMillionthOfTheFlux) {
  const PixelBox box{-4, 5, -4, 5};
  std::vector<double> light(81);
  const double x = 0.31, y = -0.42;
  pixel_light(GetParam().shape, x, y, box, light);
  double worst = 0;
  for (int j = 0; j < 9; ++j) {
    for (int i = 0; i < 9; ++i) {
      const double truth = fine_integral(GetParam().shape, i - 4 - x, j - 4 - y);
      worst = std::max(worst, std::abs(light[static_cast<std::size_t>(j * 9 + i)] - truth));
    }
  }
  EXPECT_LT(worst, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Shapes,
                         PixelLight,
                         testing::Values(Shape{"round_gaussian", star_shape(Profile::gaussian, 1, 0, 0, 0)},
                                         Shape{"aligned_gaussian", star_shape(Profile::gaussian, 2, 0.4, 90, 0)},
                                         Shape{"turned_narrow_gaussian",
                                               star_shape(Profile::gaussian, 1.2, 0.3, 30, 0)},
                                         Shape{"turned_gaussian", star_shape(Profile::gaussian, 3, 0.3, -40, 0)},
                                         Shape{"narrow_moffat", star_shape(Profile::moffat, 1, 0, 0, 1.5)},
                                         Shape{"moffat", star_shape(Profile::moffat, 2.5, 0, 0, 3)},
                                         Shape{"turned_moffat", star_shape(Profile::moffat, 3, 0.4, 20, 2.5)},
                                         Shape{"wide_moffat", star_shape(Profile::moffat, 9, 0.2, 70, 4.765)}),
                         [](const auto& of) { return std::string(of.param.name); });

TEST(PixelLight, AddsUpToTheWholeStar) {
  std::vector<double> light(61 * 61);
  pixel_light(star_shape(Profile::gaussian, 4, 0.2, 25, 0), 0.2, 0.3, {-30, 31, -30, 31}, light);
  double sum = 0;
  for (const double v : light) sum += v;
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST(JointBound, OfStarsFarApartIsThatOfEach) {
  const StarShape shape = star_shape(Profile::gaussian, 3, 0, 0, 3);
  const StarScene stars[] = {{shape, 15.2, 15.4, 5000, 100, 5}, {shape, 55.7, 15.1, 800, 100, 5}};
  const PixelBox box{0, 71, 0, 31};
  StarBounds joint[2];
  cramer_rao(stars, box, FreeWidths::none, false, joint);
  for (std::size_t s = 0; s < 2; ++s) {
    const StarBounds alone = cramer_rao(stars[s], box, FreeWidths::none);
    EXPECT_NEAR(joint[s].x / alone.x, 1, 1e-3) << s;  // the other one's light is noise where it is
    EXPECT_NEAR(joint[s].flux / alone.flux, 1, 5e-3) << s;
  }
}

TEST(JointBound, GrowsAsStarsMeet) {
  const StarShape shape = star_shape(Profile::gaussian, 3, 0, 0, 3);
  const PixelBox box{0, 31, 0, 31};
  double before = 0;
  for (const double apart : {6.0, 4.0, 3.0, 2.0}) {
    const StarScene stars[] = {{shape, 15 - apart / 2, 15, 5000, 100, 5}, {shape, 15 + apart / 2, 15, 5000, 100, 5}};
    StarBounds joint[2];
    cramer_rao(stars, box, FreeWidths::two, false, joint);
    EXPECT_NEAR(joint[0].x, joint[1].x, 1e-9);
    EXPECT_GT(joint[0].x, before);
    before = joint[0].x;
  }
}

TEST(JointBound, IsNotDefinedForStarsAtOnePlace) {
  const StarShape shape = star_shape(Profile::gaussian, 3, 0, 0, 3);
  const StarScene stars[] = {{shape, 15, 15, 5000, 100, 5}, {shape, 15, 15, 5000, 100, 5}};
  StarBounds joint[2];
  cramer_rao(stars, {0, 31, 0, 31}, FreeWidths::two, false, joint);
  EXPECT_TRUE(std::isnan(joint[0].x));
}

}  // namespace
}  // namespace starflow
