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

constexpr int kPitch = 40, kRow = 16;  // 256 stars
constexpr double kSky = 100, kFwhmPerSigma = 2.3548200450309493;

/// What a camera makes of stars that are all alike.
struct Camera {
  double fwhm_px = 3, peak = 20000, noise = 10;  // ADU, of the sky
  double gain = 1.5;                             // e-/ADU
  double ceiling = 1e30;                         // ADU, where pixels are cut off
};

/// A lattice of stars at places of their own within their pixels.
template <class T>
struct Lattice {
  Scene<T> scene{kPitch * kRow, kPitch* kRow, 0};
  std::vector<double> x, y;

  Lattice(const Camera& camera, unsigned seed) {
    std::mt19937_64 bits(seed);
    std::uniform_real_distribution<double> phase(-0.5, 0.5);
    std::normal_distribution<double> normal;
    const double sigma = camera.fwhm_px / kFwhmPerSigma;
    Scene<double> light(scene.width, scene.height, 0);
    for (int k = 0; k < kRow * kRow; ++k) {
      x.push_back(k % kRow * kPitch + kPitch / 2 + phase(bits));
      y.push_back(k / kRow * kPitch + kPitch / 2 + phase(bits));
      add_star(light, x.back(), y.back(), camera.peak * 2 * M_PI * (sigma * sigma + 1.0 / 12), sigma, sigma);
    }
    for (std::size_t i = 0; i < light.pixels.size(); ++i) {
      const double mean = light.pixels[i];
      const double value = kSky + mean + std::sqrt(camera.noise * camera.noise + mean / camera.gain) * normal(bits);
      const double cut = std::min(value, camera.ceiling);
      if constexpr (std::is_integral_v<T>) {
        scene.pixels[i] =
            static_cast<T>(std::clamp(std::round(cut), 0.0, static_cast<double>(std::numeric_limits<T>::max())));
      } else {
        scene.pixels[i] = static_cast<T>(cut);
      }
    }
  }

  [[nodiscard]] StarTable measure(MeasureOptions options, const Camera& camera) const {
    Detections d;
    d.resize(x.size());
    for (std::size_t k = 0; k < x.size(); ++k) {
      d.x[k] = std::round(x[k]);
      d.y[k] = std::round(y[k]);
      d.id[k] = static_cast<std::int64_t>(k);
      d.flags[k] = flag::forced_position;
    }
    d.fwhm_px = camera.fwhm_px;
    MeasureWorkspace workspace;
    StarTable stars;
    starflow::measure(scene.view(), estimate_background(scene.view(), {}, serial_for), {camera.gain, 0, 1e30}, d,
                      options, serial_for, workspace, stars);
    return stars;
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
