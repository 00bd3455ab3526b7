// SPDX-License-Identifier: MIT
/// \file
/// Colour mosaics: sky, detection and fits without debayering. 400 stars a frame, R:G and B:G from 0.4 to 2.5 each.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "support/mosaic_scene.hpp"

namespace starflow {
namespace {

using test::MosaicField;
using test::MosaicSetup;

MeasureOptions circular() {
  MeasureOptions o;
  o.outline = Outline::circular;
  return o;
}

/// Of the positions of a field's stars.
struct Scatter {
  double rms = 0, bias = 0, pull = 0, stated = 0, flux_bias = 0, flux_pull = 0;
  int failed = 0;
};

Scatter score(const MosaicField& field, const StarTable& stars) {
  Scatter s;
  double n = 0;
  for (std::size_t k = 0; k < stars.size(); ++k) {
    if (stars.termination[k] != Termination::converged) {
      ++s.failed;
      continue;
    }
    ++n;
    const double dx = stars.x[k] - field.stars[k].x, dy = stars.y[k] - field.stars[k].y;
    s.bias += 0.5 * (dx + dy);
    s.rms += 0.5 * (dx * dx + dy * dy);
    s.stated += 0.5 * (std::pow(stars.x_err[k], 2) + std::pow(stars.y_err[k], 2));
    s.pull += 0.5 * (std::pow(dx / stars.x_err[k], 2) + std::pow(dy / stars.y_err[k], 2));
    s.flux_bias += stars.flux[k] / field.setup.flux - 1;
    s.flux_pull += std::pow((stars.flux[k] - field.setup.flux) / stars.flux_err[k], 2);
  }
  for (double* v : {&s.rms, &s.stated, &s.pull, &s.flux_pull}) *v = std::sqrt(*v / n);
  s.bias /= n;
  s.flux_bias /= n;
  return s;
}

// Each phase has 160^2 px, in tiles of 32^2 of them; a median filter and a spline of 100 tiles leave 0.02 sigma.
TEST(Mosaic, HasASkyOfItsOwnForEachPhase) {
  MosaicSetup setup;
  setup.columns = 10;
  setup.flux = 1e-9;
  const MosaicField field(setup);
  const Background sky = estimate_background(field.view(), {}, serial_for);
  ASSERT_TRUE(sky.has_phases());
  for (const auto& [x, y] : {std::pair(100, 100), {101, 100}, {100, 101}, {101, 101}}) {
    const double level = setup.sky[test::colour_at(x, y)], noise = std::sqrt(level / 2 + 2.25);
    EXPECT_NEAR(sky.pixel_level(x, y), level, 0.15 * noise) << x << ", " << y;
    EXPECT_NEAR(sky.pixel_noise(x, y), noise, 0.05 * noise) << x << ", " << y;
  }
  EXPECT_NEAR(sky.level(100, 100), (300 + 2 * 700 + 450) / 4.0, 2);
}

TEST(Mosaic, GivesRowsAndPixelsTheSameSky) {
  MosaicSetup setup;
  setup.columns = 5;
  const MosaicField field(setup);
  const Background sky = estimate_background(field.view(), {}, serial_for);
  const int y = 77;
  std::vector<float> level(159), noise(159), per_noise(159);
  sky.row(y, level, noise);
  for (int x = 0; x < 159; ++x) {
    const auto k = static_cast<std::size_t>(x);
    EXPECT_NEAR(static_cast<double>(level[k]) + sky.pedestal(), sky.pixel_level(x, y), 0.01);
    EXPECT_NEAR(static_cast<double>(noise[k]), sky.pixel_noise(x, y), 0.001);
  }
  sky.weighted_row(y, level, per_noise);
  EXPECT_NEAR(static_cast<double>(noise[50] * per_noise[50]), 1, 1e-5);
}

// S/N about 16. Read as grey, the chequer of sky colours is noise of 175 ADU and hides all of them.
TEST(Mosaic, ShowsItsStarsAndNothingElse) {
  MosaicSetup setup;
  setup.flux = 1500;
  MosaicField field(setup);
  for (int k = 0; k < 19; ++k) field.scene.at(32 * (k + 1), 320) += 5000;  // hot pixels between the stars
  const auto find = [&](Mosaic mosaic) {
    const FrameView view = field.view(mosaic);
    return detect(view, estimate_background(view, {}, serial_for), field.detector(), {}, serial_for);
  };
  const Detections found = find(Mosaic::rggb);
  std::size_t hits = 0;
  for (const test::ColouredStar& star : field.stars) {
    for (std::size_t i = 0; i < found.size(); ++i) hits += std::hypot(found.x[i] - star.x, found.y[i] - star.y) < 1;
  }
  EXPECT_EQ(hits, 400U);
  EXPECT_LE(found.size(), 402U) << "0.2 false alarms are expected";
  EXPECT_EQ(found.rejected_hot + found.rejected_cosmic, 19U);
  EXPECT_NEAR(found.fwhm_px, 3, 0.15);
  EXPECT_EQ(find(Mosaic::none).size(), 19U) << "hot pixels alone";
}

// The scatter of 800 coordinates is known to 1 / sqrt(1600) = 2.5 %, and four of these are allowed; the errors state
// the bound of a known colour, which at FWHM 2.5 px and more is that of unknown ones to 0.3 %.
TEST(Mosaic, IsFittedToItsBoundWithHonestErrors) {
  for (const double fwhm : {2.5, 3.0, 4.0}) {
    for (const double flux : {3000.0, 1e5}) {
      MosaicSetup setup;
      setup.fwhm = fwhm;
      setup.flux = flux;
      const MosaicField field(setup);
      const StarTable stars = field.measure(circular());
      const Scatter s = score(field, stars);
      EXPECT_EQ(s.failed, 0);
      EXPECT_NEAR(s.pull, 1, 0.1) << fwhm << ' ' << flux;
      EXPECT_NEAR(s.bias, 0, 4 * s.rms / std::sqrt(800.0)) << fwhm << ' ' << flux;
      EXPECT_NEAR(s.flux_pull, 1, 4 / std::sqrt(800.0)) << fwhm << ' ' << flux;
      for (std::size_t k = 0; k < stars.size(); ++k) EXPECT_NE(stars.flags[k] & flag::cfa_fit, 0U);
    }
  }
}

/// 1 sigma of x in the pixels of a mosaic where flux, level and width are unknown and the colours are not.
double bound_px(const MosaicField& field, const test::ColouredStar& star) {
  constexpr int kReach = 6;
  constexpr double kStep = 1e-4;
  const double sigma = field.setup.fwhm / 2.3548200450309493;
  const auto part = [](int i, double centre, double s) {
    const double root = s * std::numbers::sqrt2;
    return 0.5 * (std::erf((i + 0.5 - centre) / root) - std::erf((i - 0.5 - centre) / root));
  };
  const auto light = [&](int i, int j, double dx, double dy, double s) {
    return star.flux * star.colour[test::colour_at(i, j)] * part(i, star.x + dx, s) * part(j, star.y + dy, s);
  };
  std::array<std::array<double, 5>, 5> m{};
  const int cx = static_cast<int>(std::lround(star.x)), cy = static_cast<int>(std::lround(star.y));
  for (int j = cy - kReach; j <= cy + kReach; ++j) {
    for (int i = cx - kReach; i <= cx + kReach; ++i) {
      const double here = light(i, j, 0, 0, sigma);
      const std::array<double, 5> d = {
          (light(i, j, kStep, 0, sigma) - light(i, j, -kStep, 0, sigma)) / (2 * kStep),
          (light(i, j, 0, kStep, sigma) - light(i, j, 0, -kStep, sigma)) / (2 * kStep), here / star.flux, 1,
          (light(i, j, 0, 0, sigma + kStep) - light(i, j, 0, 0, sigma - kStep)) / (2 * kStep)};
      const double gain = field.setup.gain, sky = field.setup.sky[test::colour_at(i, j)];
      const double variance = (here + sky) / gain + std::pow(field.setup.read_noise / gain, 2);
      for (std::size_t a = 0; a < 5; ++a) {
        for (std::size_t b = 0; b < 5; ++b) m[a][b] += d[a] * d[b] / variance;
      }
    }
  }
  for (std::size_t k = 4; k > 0; --k) {  // the others taken out, the last one first
    for (std::size_t a = 0; a < k; ++a) {
      for (std::size_t b = 0; b < k; ++b) m[a][b] -= m[a][k] * m[k][b] / m[k][k];
    }
  }
  return 1 / std::sqrt(m[0][0]);
}

// 400 stars: their mean squared error is known to 1 / sqrt(800) of itself in x, and in y as well; 4 sigma of the root
// are 0.07. The green pixels alone lose a factor of 1.5 and more.
TEST(Mosaic, ReachesTheCramerRaoBoundWhereGreenPixelsAloneDoNot) {
  MosaicSetup setup;
  setup.flux = 8000;
  const MosaicField field(setup);
  double bound = 0;
  for (const test::ColouredStar& star : field.stars) bound += std::pow(bound_px(field, star), 2) / 400;
  MeasureOptions o = circular();
  const Scatter all = score(field, field.measure(o));
  o.mosaic = MosaicPixels::green;
  const Scatter green = score(field, field.measure(o));
  EXPECT_NEAR(all.rms / std::sqrt(bound), 1, 0.08);
  EXPECT_NEAR(all.stated / std::sqrt(bound), 1, 0.04);
  EXPECT_GT(green.rms / all.rms, 1.4);
  EXPECT_NEAR(green.pull, 1, 0.1);
}

// Rounding of float pixels is 1e-5 of this light.
TEST(Mosaic, HasNoBiasWithThePlaceInTheMosaic) {
  MosaicSetup setup;
  setup.flux = 1e6;
  setup.noise = false;
  const MosaicField field(setup);
  const StarTable stars = field.measure(circular());
  for (std::size_t k = 0; k < stars.size(); ++k) {
    EXPECT_NEAR(stars.x[k], field.stars[k].x, 1e-3);
    EXPECT_NEAR(stars.y[k], field.stars[k].y, 1e-3);
    EXPECT_NEAR(stars.flux[k] / setup.flux, 1, 1e-3);
  }
}

TEST(Mosaic, DoesNotMindWhichOfItsGreensIsWhich) {
  MosaicSetup setup;
  setup.columns = 8;
  const MosaicField field(setup);
  const StarTable a = field.measure(circular(), Mosaic::rggb), b = field.measure(circular(), Mosaic::gbrg);
  EXPECT_EQ(a.x, b.x) << "each phase has its own amplitude";
}

// Windowed means know no weights, but grey pixels: unbiased, with honest errors.
TEST(Mosaic, IsGreyToWindowedCentroids) {
  MosaicSetup setup;
  setup.flux = 8000;
  const MosaicField field(setup);
  MeasureOptions o;
  o.method = Method::windowed;
  const Scatter s = score(field, field.measure(o));
  EXPECT_EQ(s.failed, 0);
  EXPECT_NEAR(s.pull, 1, 0.1);
  EXPECT_NEAR(s.bias, 0, 4 * s.rms / std::sqrt(800.0));
}

TEST(Mosaic, TakesItsSkyFromARingColourByColour) {
  MosaicSetup setup;
  setup.flux = 8000;
  const MosaicField field(setup);
  MeasureOptions o = circular();
  o.level = LevelFrom::annulus;
  o.noise = NoiseFrom::annulus;
  const Scatter s = score(field, field.measure(o));
  EXPECT_EQ(s.failed, 0);
  EXPECT_NEAR(s.pull, 1, 0.12);
  EXPECT_NEAR(s.flux_bias, 0, 0.02);
}

TEST(Mosaic, StandsHostilePixels) {
  MosaicSetup setup;
  setup.columns = 4;
  MosaicField field(setup);
  for (int x = 0; x < field.scene.width; ++x) {
    field.scene.at(x, 48) = std::numeric_limits<float>::quiet_NaN();
    field.scene.at(48, x) = 1e30F;
  }
  const StarTable stars = field.measure(circular());
  EXPECT_EQ(stars.size(), 16U);
  test::Scene<float> tiny(1, 3, 5);
  FrameView view = tiny.view();
  view.mosaic = Mosaic::bggr;
  EXPECT_EQ(detect(view, estimate_background(view, {}, serial_for), {}, {}, serial_for).size(), 0U);
}

}  // namespace
}  // namespace starflow
