// SPDX-License-Identifier: MIT
/// \file
/// Skies that slope, bend and are clouded: level and noise against the truth, and the stars found against those found
/// on a flat sky of the same noise.

#include <starflow/core/detect.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "support/scene.hpp"

namespace starflow {
namespace {

using test::Scene;

constexpr int kSide = 1024;
constexpr double kNoise = 30;  // ADU
constexpr double kFwhm = 3;    // px
constexpr double kStarSigma = kFwhm / 2.3548;

struct Sky {
  const char* name;
  double (*level)(double x, double y);  // ADU
  double (*noise)(double x, double y);  // ADU
};

void PrintTo(const Sky& sky, std::ostream* out) { *out << sky.name; }

double even_noise(double, double) { return kNoise; }
double slight(double x, double) { return 1000 + x; }
double steep(double x, double y) { return 3000 + 2.4 * x - 1.8 * y; }
/// Clouds up to 20 sigma high and down to the width of two tiles.
double nebula(double x, double y) {
  const auto cloud = [=](double cx, double cy, double s) {
    return std::exp(-((x - cx) * (x - cx) + (y - cy) * (y - cy)) / (2 * s * s));
  };
  return 900 + kNoise * (20 * cloud(400, 600, 120) + 10 * cloud(700, 300, 60) + 10 * cloud(250, 200, 90) +
                         15 * cloud(800, 800, 100));
}
/// A random field of 10 sigma RMS: 40 waves of random directions and phases, as many in each octave of lengths from 80
/// to 1024 px, whose power falls with the frequency to the 3.2nd, and below 107 px faster.
double random_clouds(double x, double y) {
  struct Wave {
    double kx, ky, phase, height;
  };
  static const std::array<Wave, 40> waves = [] {
    std::array<Wave, 40> drawn{};
    std::mt19937_64 bits(9);
    const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
    double squares = 0;
    for (Wave& w : drawn) {
      const double length = 80 * std::pow(12.8, uniform()), k = 2 * std::numbers::pi / length;
      const double turn = 2 * std::numbers::pi * uniform();
      w = {k * std::cos(turn), k * std::sin(turn), 2 * std::numbers::pi * uniform(),
           std::pow(length, 0.6) * std::exp(-(107 / length) * (107 / length))};
      squares += w.height * w.height / 2;
    }
    for (Wave& w : drawn) w.height *= 10 * kNoise / std::sqrt(squares);
    return drawn;
  }();
  double sum = 3000;
  for (const Wave& w : waves) sum += w.height * std::cos(w.kx * x + w.ky * y + w.phase);
  return sum;
}
/// The corners have 0.28 of the middle's light: cos^4 of 43 degrees.
double vignette(double x, double y) {
  const double u = (x - 0.5 * kSide) / (0.75 * kSide), v = (y - 0.5 * kSide) / (0.75 * kSide);
  return 20000 / ((1 + u * u + v * v) * (1 + u * u + v * v));
}
double vignetted_noise(double x, double y) { return std::sqrt(vignette(x, y) / 20 + 25); }

struct Star {
  double x, y;
};

/// 961 stars 32 px apart, S/N 2.5 to 40 in the matched filter; about a quarter of them lies below the threshold.
struct Field {
  Scene<double> light{kSide, kSide, 0};  // stars and noise
  std::vector<Star> stars;

  Field(const Sky& sky, std::uint64_t seed) {
    constexpr int kStep = 32, kReach = 10;
    std::mt19937_64 bits(seed);
    const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
    for (int j = kStep / 2; j < kSide - kStep / 2; j += kStep) {
      for (int i = kStep / 2; i < kSide - kStep / 2; i += kStep) {
        const double x = i + 16 * (uniform() - 0.5), y = j + 16 * (uniform() - 0.5);
        const double snr = 2.5 * std::pow(16, uniform());
        Scene<double> stamp(2 * kReach + 1, 2 * kReach + 1, 0);
        const int x0 = static_cast<int>(x) - kReach, y0 = static_cast<int>(y) - kReach;
        test::add_star(stamp, x - x0, y - y0, 2 * std::sqrt(std::numbers::pi) * kStarSigma * snr * sky.noise(x, y),
                       kStarSigma, kStarSigma);
        for (int q = std::max(0, -y0); q < stamp.height; ++q) {
          for (int p = std::max(0, -x0); p < stamp.width; ++p) light.at(x0 + p, y0 + q) += stamp.at(p, q);
        }
        stars.push_back({x, y});
      }
    }
    Scene<double> noise(kSide, kSide, 0);
    test::add_noise(noise, 1, seed + 1);
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) light.at(x, y) += sky.noise(x, y) * noise.at(x, y);
    }
  }

  [[nodiscard]] Scene<std::uint16_t> on(double (*level)(double, double)) {
    Scene<std::uint16_t> scene(kSide, kSide, 0);
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x)
        scene.at(x, y) = static_cast<std::uint16_t>(std::lround(level(x, y) + light.at(x, y)));
    }
    return scene;
  }
};

struct Found {
  int stars = 0, others = 0;
};

Found find(const Scene<std::uint16_t>& scene, const std::vector<Star>& stars) {
  const Background b = estimate_background(scene.view(), {}, serial_for);
  const Detections d = detect(scene.view(), b, {}, {.fwhm_px = kFwhm}, serial_for);
  Found found;
  for (const Star& s : stars) {
    bool any = false;
    for (std::size_t k = 0; k < d.size(); ++k) any = any || std::hypot(d.x[k] - s.x, d.y[k] - s.y) < 2;
    found.stars += any ? 1 : 0;
  }
  found.others = static_cast<int>(d.size()) - found.stars;
  return found;
}

class SlopingSky : public ::testing::TestWithParam<Sky> {};

/// N = 3844 stars, of which three quarters are found: a count's own error is 0.7 %. Both frames have the same stars and
/// noise, so that error is common to them, and the limit of 2 % holds for what the sky does.
TEST_P(SlopingSky, CostsNoStars) {
  constexpr int kFrames = 4;
  int n = 0;
  Found on_flat, here;
  for (std::uint64_t seed = 0; seed < kFrames; ++seed) {
    Field field(GetParam(), 100 + 2 * seed);
    n += static_cast<int>(field.stars.size());
    const Found a = find(field.on([](double, double) { return 1000.0; }), field.stars);
    const Found b = find(field.on(GetParam().level), field.stars);
    on_flat.stars += a.stars;
    on_flat.others += a.others;
    here.stars += b.stars;
    here.others += b.others;
  }
  EXPECT_GT(on_flat.stars, 0.7 * n);
  EXPECT_NEAR(static_cast<double>(here.stars) / n, static_cast<double>(on_flat.stars) / n, 0.02);
  EXPECT_LT(here.others, 0.005 * n) << "on the flat sky " << on_flat.others;
  RecordProperty("stars", n);
  RecordProperty("found_flat", on_flat.stars);
  RecordProperty("found_here", here.stars);
  RecordProperty("others", here.others);
}

INSTANTIATE_TEST_SUITE_P(Skies,
                         SlopingSky,
                         ::testing::Values(Sky{"slight", slight, even_noise},
                                           Sky{"steep", steep, even_noise},
                                           Sky{"nebula", nebula, even_noise},
                                           Sky{"random_clouds", random_clouds, even_noise},
                                           Sky{"vignette", vignette, vignetted_noise}),
                         [](const auto& with) { return std::string(with.param.name); });

/// The filter takes out a tile that an object spoils: of its 100 sigma less than a hundredth is left.
TEST(SlopingSkyMesh, DoesNotFollowASingleTile) {
  constexpr int kWidth = 640;
  constexpr double kSigma = 10, kSlope = 2;
  Scene<float> scene(kWidth, kWidth, 0);
  for (int y = 0; y < kWidth; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const bool object = std::hypot(x - 287.5, y - 351.5) < 30;
      scene.at(x, y) = static_cast<float>(500 + kSlope * x + (object ? 100 * kSigma : 0));
    }
  }
  test::add_noise(scene, kSigma, 31);
  const Background b = estimate_background(scene.view(), {}, serial_for);
  for (const int x : {223, 255, 287, 320, 352}) EXPECT_NEAR(b.level(x, 351), 500 + kSlope * x, kSigma) << x;
  EXPECT_NEAR(b.noise(287, 351), kSigma, 0.05 * kSigma);
}

/// Stars scatter the levels by 0.1 sigma from tile to tile, and a slope is no structure: the tiles stay.
TEST(SlopingSkyMesh, IsDividedByNoStars) {
  const Sky sky = {"steep", steep, even_noise};
  Field field(sky, 41);
  EXPECT_EQ(estimate_background(field.on(steep).view(), {}, serial_for).tile_px(), 64);
  EXPECT_EQ(estimate_background(field.on(random_clouds).view(), {}, serial_for).tile_px(), 16);
}

/// A nebula that covers the left half of the frame leaves the right half as it was: the noise, known to 0.4 % from a
/// window of nine tiles of 64 px and to 1.1 % from one, there is still right to 1 % (mean over 100 places).
TEST(SlopingSkyMesh, IsDividedOnlyWhereItIsUneven) {
  Field field({"clouds", random_clouds, even_noise}, 43);
  const auto half = [](double x, double y) {
    const double fade = 1 / (1 + std::exp((x - 0.4 * kSide) / 30));
    return 3000 + fade * (random_clouds(x, y) - 3000);
  };
  const Background b = estimate_background(field.on(half).view(), {}, serial_for);
  const Background flat = estimate_background(field.on([](double, double) { return 3000.0; }).view(), {}, serial_for);
  EXPECT_EQ(b.tile_px(), 16);
  double ratio = 0, apart = 0;
  for (int j = 0; j < 10; ++j) {
    for (int i = 0; i < 10; ++i) {
      const double x = 780 + 20 * i, y = 90 * j + 100;
      ratio += b.noise(x, y) / flat.noise(x, y) / 100;
      apart = std::max(apart, std::abs(b.level(x, y) - flat.level(x, y)));
    }
  }
  EXPECT_NEAR(ratio, 1, 0.01);
  EXPECT_LT(apart, 0.1 * kNoise);
}

struct Slope {
  double per_px, noise;  // ADU
};

void PrintTo(const Slope& s, std::ostream* out) { *out << s.per_px << " ADU/px at noise " << s.noise; }

class SlopeOfNoise : public ::testing::TestWithParam<Slope> {
 protected:
  /// RMS error of the level and mean error of the noise over the frame, in sigma.
  template <class T>
  static std::array<double, 2> errors(int tile_px) {
    const auto [per_px, noise] = GetParam();
    Scene<T> scene(512, 512, 0);
    Scene<double> drawn(512, 512, 0);
    test::add_noise(drawn, noise, 71);
    for (int y = 0; y < 512; ++y) {
      for (int x = 0; x < 512; ++x) {
        const double value = level(x, y, per_px) + drawn.at(x, y);
        scene.at(x, y) = static_cast<T>(std::is_integral_v<T> ? std::round(value) : value);
      }
    }
    const double sigma = std::is_integral_v<T> ? std::sqrt(noise * noise + 1.0 / 12) : noise;
    const Background b = estimate_background(scene.view(), {.tile_px = tile_px}, serial_for);
    std::array<double, 2> e{};
    for (int y = 0; y < 512; y += 3) {
      for (int x = 0; x < 512; x += 3) {
        const double error = (b.level(x, y) - level(x, y, per_px)) / sigma;
        e[0] += error * error / (171 * 171);
        e[1] += (b.noise(x, y) / sigma - 1) / (171 * 171);
      }
    }
    e[0] = std::sqrt(e[0]);
    return e;
  }
  static double level(double x, double y, double per_px) { return 300 + per_px * (0.8 * x + 0.6 * y); }
};

// N = 512^2: sigma is known to 0.14 %. A tile's level is known to 0.016 sigma, and twice that at the rim.
TEST_P(SlopeOfNoise, IsNoNoiseInFloats) {
  const auto [level, noise] = errors<float>(64);
  EXPECT_LT(level, 0.03);
  EXPECT_NEAR(noise, 0, 0.01);
}

TEST_P(SlopeOfNoise, IsNoNoiseInWholeNumbers) {
  const auto [level, noise] = errors<std::uint16_t>(64);
  EXPECT_LT(level, 0.03);
  EXPECT_NEAR(noise, 0, 0.01);
}

TEST_P(SlopeOfNoise, IsNoNoiseInOtherTypes) {
  const auto [level, noise] = errors<std::int32_t>(64);
  EXPECT_LT(level, 0.03);
  EXPECT_NEAR(noise, 0, 0.01);
}

// More pixels than are looked at.
TEST_P(SlopeOfNoise, IsNoNoiseInLargeTiles) {
  const auto [level, noise] = errors<std::uint16_t>(256);
  EXPECT_LT(level, 0.03);
  EXPECT_NEAR(noise, 0, 0.01);
}

INSTANTIATE_TEST_SUITE_P(
    Slopes,
    SlopeOfNoise,
    ::testing::Values(Slope{0, 10}, Slope{0.05, 1.4}, Slope{0.05, 10}, Slope{0.5, 1.4}, Slope{1, 10}, Slope{30, 10}),
    [](const auto& with) { return std::to_string(with.index); });

}  // namespace
}  // namespace starflow
