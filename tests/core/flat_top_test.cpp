// SPDX-License-Identifier: MIT
/// \file
/// Stars whose tops are cut off at a level that nobody gave, and stars whose pixels are alike by chance.

#include <starflow/core/measure.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "support/measure_cases.hpp"
#include "support/scene.hpp"

namespace starflow {
namespace {

using test::Scene;

constexpr int kPitch = 40;
constexpr double kSky = 100, kFwhmPerSigma = 2.3548200450309493;

/// What a camera makes of stars.
struct Camera {
  double fwhm_px = 3, peak = 20000, noise = 10;  // ADU, of the sky
  double gain = 1.5;                             // e-/ADU
  double ceiling = 1e30;                         // ADU, where pixels are cut off
  double right_ceiling = ceiling;                // the same of the right half's amplifier
  int row = 16;                                  // stars along a side: 256
};

/// A lattice of stars at places of their own within their pixels.
template <class T>
struct Lattice {
  Scene<T> scene;
  std::vector<double> x, y;

  Lattice(const Camera& camera, unsigned seed) : Lattice(camera, seed, [&camera](int) { return camera.peak; }) {}

  /// \param peak_of  ADU, of the star with this number, counted along the rows
  template <class PeakOf>
  Lattice(const Camera& camera, unsigned seed, const PeakOf& peak_of)
      : scene(kPitch * camera.row, kPitch * camera.row, 0) {
    std::mt19937_64 bits(seed);
    std::uniform_real_distribution<double> phase(-0.5, 0.5);
    std::normal_distribution<double> normal;
    const double sigma = camera.fwhm_px / kFwhmPerSigma;
    Scene<double> light(scene.width, scene.height, 0);
    for (int k = 0; k < camera.row * camera.row; ++k) {
      x.push_back(k % camera.row * kPitch + kPitch / 2 + phase(bits));
      y.push_back(k / camera.row * kPitch + kPitch / 2 + phase(bits));
      add_star(light, x.back(), y.back(), peak_of(k) * 2 * M_PI * (sigma * sigma + 1.0 / 12), sigma, sigma);
    }
    for (std::size_t i = 0; i < light.pixels.size(); ++i) {
      const double mean = light.pixels[i];
      const double value = kSky + mean + std::sqrt(camera.noise * camera.noise + mean / camera.gain) * normal(bits);
      const bool left = static_cast<int>(i) % scene.width < scene.width / 2;
      const double cut = std::min(value, left ? camera.ceiling : camera.right_ceiling);
      if constexpr (std::is_integral_v<T>) {
        scene.pixels[i] =
            static_cast<T>(std::clamp(std::round(cut), 0.0, static_cast<double>(std::numeric_limits<T>::max())));
      } else {
        scene.pixels[i] = static_cast<T>(cut);
      }
    }
  }

  [[nodiscard]] StarTable measure(const MeasureOptions& options, const Camera& camera, double given = 1e30) const {
    return measure(options, {camera.gain, 0, given}, listed(camera));
  }

  [[nodiscard]] StarTable measure(const MeasureOptions& options, const Detector& detector, const Detections& d) const {
    MeasureWorkspace workspace;
    StarTable stars;
    starflow::measure(scene.view(), estimate_background(scene.view(), {}, serial_for), detector, d, options, serial_for,
                      workspace, stars);
    return stars;
  }

  /// The stars as a list of positions.
  [[nodiscard]] Detections listed(const Camera& camera, bool backwards = false) const {
    Detections d;
    d.resize(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t k = backwards ? x.size() - 1 - i : i;
      d.x[i] = std::round(x[k]);
      d.y[i] = std::round(y[k]);
      d.id[i] = static_cast<std::int64_t>(k);
      d.flags[i] = flag::forced_position;
    }
    d.fwhm_px = camera.fwhm_px;
    return d;
  }
};

std::size_t saturated(const StarTable& stars) {
  return static_cast<std::size_t>(
      std::ranges::count_if(stars.flags, [](Flags f) { return (f & flag::saturated) != 0; }));
}

class FlatTops : public testing::TestWithParam<test::MeasureCase> {};
INSTANTIATE_TEST_SUITE_P(Methods, FlatTops, testing::ValuesIn(test::preset_cases()), [](const auto& one) {
  return one.param.name;
});

// Half of the peak is gone: three to nine pixels. A window or parabola over them says nothing of its error, a fit
// without them is as good as with a level that is known.
TEST_P(FlatTops, OfFloatsAndOfWholeNumbersAreSaid) {
  const Camera camera{.ceiling = kSky + 10000};
  const auto check = [&](const auto& lattice) {
    const StarTable stars = lattice.measure(GetParam().options, camera);
    EXPECT_EQ(saturated(stars), stars.size());
    for (std::size_t i = 0; i < stars.size(); ++i) {
      if (!test::fits_profile(stars.method_used[i])) {
        EXPECT_TRUE(std::isnan(stars.x_err[i]));
        continue;
      }
      const auto k = static_cast<std::size_t>(stars.id[i]);
      if (GetParam().options.method == Method::moffat) continue;  // another profile
      EXPECT_NEAR(stars.x[i], lattice.x[k], 5 * stars.x_err[i]);
      EXPECT_NEAR(stars.y[i], lattice.y[k], 5 * stars.y_err[i]);
    }
  };
  check(Lattice<float>(camera, 1));
  check(Lattice<std::uint16_t>(camera, 2));
}

/// Stars on one side of the middle that are called saturated.
template <class T>
std::size_t saturated(const StarTable& stars, const Lattice<T>& lattice, bool left) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < stars.size(); ++i) {
    const bool here = (lattice.x[static_cast<std::size_t>(stars.id[i])] < lattice.scene.width / 2) == left;
    n += here && (stars.flags[i] & flag::saturated) != 0 ? 1U : 0U;
  }
  return n;
}

// 676 stars, of which the last 100 reach the level at which all would be cut off: some with three pixels and more, most
// with one. What is known of the level must not hang on which come first.
TEST(CommonTop, DoesNotDependOnTheOrderOfTheList) {
  const Camera camera{.ceiling = kSky + 16000, .row = 26};
  const Lattice<std::uint16_t> lattice(camera, 6, [](int k) { return k < 576 ? 2000.0 : 14000.0 + 80 * (k - 576); });
  const Detector detector{camera.gain, 0, std::numeric_limits<double>::infinity()};
  const auto run = [&](bool backwards) {
    return lattice.measure(test::options_of(Method::windowed), detector, lattice.listed(camera, backwards));
  };
  const StarTable forth = run(false), back = run(true);
  EXPECT_GT(saturated(forth), 50U);
  EXPECT_EQ(forth.id, back.id);
  EXPECT_EQ(forth.flags, back.flags);
  EXPECT_EQ(forth.x, back.x);
  EXPECT_EQ(forth.flux, back.flux);
}

/// The left amplifier cuts a few of its stars at 30,000, the right one none of its own, though all peak above that.
constexpr Camera kTwoAmplifiers{.ceiling = 30000, .right_ceiling = 60000};
double peak_of_two(int k) {
  if (k % kTwoAmplifiers.row >= kTwoAmplifiers.row / 2) return 45000;
  return k % 32 == 0 ? 60000 : 3000;
}

TEST(CommonTop, OfOneAmplifierIsNotThatOfTheOther) {
  const Lattice<std::uint16_t> lattice(kTwoAmplifiers, 7, peak_of_two);
  const StarTable stars = lattice.measure(test::options_of(Method::gaussian), kTwoAmplifiers);
  EXPECT_EQ(saturated(stars, lattice, true), 8U);
  EXPECT_EQ(saturated(stars, lattice, false), 0U);
  for (std::size_t i = 0; i < stars.size(); ++i) EXPECT_FALSE(std::isnan(stars.fwhm[i]) && stars.flags[i] == 0);
}

// The peaks of the right half barely reach the level: who gives 60,000 knows better than the stars of the left half.
TEST(CommonTop, DoesNotLowerALevelThatWasGiven) {
  Camera camera = kTwoAmplifiers;
  camera.ceiling = camera.right_ceiling = 30000;
  const auto peak = [](int k) { return k % 16 < 8 ? 60000.0 : 30600.0; };  // one pixel, where any
  const Lattice<std::uint16_t> lattice(camera, 8, peak);
  const auto with = [&](double given) { return lattice.measure(test::options_of(Method::gaussian), camera, given); };
  EXPECT_GT(saturated(with(std::numeric_limits<double>::infinity()), lattice, false), 20U);
  EXPECT_GT(saturated(with(65535), lattice, false), 20U);  // no more than what the type can hold
  EXPECT_EQ(saturated(with(60000), lattice, false), 0U);
  EXPECT_EQ(saturated(with(60000), lattice, true), 128U);  // by their own flat tops
}

/// Stars of \p camera that are called saturated, of 1,280.
template <class T>
std::size_t false_alarms(const Camera& camera) {
  std::size_t n = 0;
  for (unsigned seed = 1; seed <= 5; ++seed) {
    n += saturated(Lattice<T>(camera, seed).measure(test::options_of(Method::windowed), camera));
  }
  return n;
}

// 8 bits with little noise: neighbours are alike in every third star. Of 240,000 stars of u8 two were called saturated,
// both of FWHM 10 px with a gain that was not known; of 180,000 of u16 none.
TEST(WholeTops, OfEightBitsAreNotCalledFlat) {
  for (const double fwhm : {1.5, 3.0, 6.0}) {
    for (const double noise : {0.3, 1.0, 3.0}) {
      EXPECT_EQ(false_alarms<std::uint8_t>({.fwhm_px = fwhm, .peak = 100, .noise = noise, .gain = 30}), 0U)
          << "fwhm " << fwhm << ", noise " << noise;
    }
  }
}

TEST(WholeTops, OfSixteenBitsAreNotCalledFlat) {
  for (const double fwhm : {1.5, 3.0, 6.0}) {
    EXPECT_EQ(false_alarms<std::uint16_t>({.fwhm_px = fwhm, .peak = 3000, .noise = 4}), 0U) << fwhm;
  }
}

// Whole numbers in parts of 255, as float: what they are multiples of is found, not assumed.
TEST(WholeTops, OfFewStepsOfAFloatAreNotCalledFlat) {
  const Camera camera{.fwhm_px = 5, .peak = 100, .noise = 1, .gain = 30};
  for (unsigned seed = 1; seed <= 5; ++seed) {
    Lattice<float> lattice(camera, seed);
    for (float& v : lattice.scene.pixels) v = std::round(v) / 255;
    EXPECT_EQ(saturated(lattice.measure(test::options_of(Method::windowed), camera)), 0U);
  }
}

// Each pixel written twice along both axes: any top is four pixels that are alike.
TEST(WholeTops, OfPixelsThatRepeatOthersAreNotCalledFlat) {
  Camera camera;
  const Lattice<float> small(camera, 3);
  Lattice<float> big = small;
  big.scene = Scene<float>(2 * small.scene.width, 2 * small.scene.height, 0);
  for (int y = 0; y < big.scene.height; ++y) {
    for (int x = 0; x < big.scene.width; ++x) {
      big.scene.at(x, y) = small.scene.pixels[static_cast<std::size_t>(y / 2 * small.scene.width + x / 2)];
    }
  }
  for (double& v : big.x) v = 2 * v + 0.5;
  for (double& v : big.y) v = 2 * v + 0.5;
  camera.fwhm_px *= 2;
  EXPECT_EQ(saturated(big.measure(test::options_of(Method::windowed), camera)), 0U);
}

}  // namespace
}  // namespace starflow
