// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Stars of many colours on a colour mosaic under a coloured sky, drawn by formula.

#include <starflow/core/measure.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "support/scene.hpp"
#include "support/star_field.hpp"

namespace starflow::test {

/// Red, green and blue.
using Rgb = std::array<double, 3>;

struct ColouredStar {
  double x = 0, y = 0, flux = 0;  ///< flux of a grey star of the same light, ADU
  Rgb colour{1, 1, 1};            ///< mean over the mosaic 1
};

struct MosaicSetup {
  double fwhm = 3, flux = 5000, gain = 2;
  Rgb sky{300, 700, 450};  ///< ADU, with their shot noise
  double read_noise = 3;   ///< e-
  int columns = 20, pitch = 32;
  std::uint64_t seed = 1;
  bool grey = false;  ///< all stars
  bool noise = true;
};

/// RGGB.
inline std::size_t colour_at(int x, int y) {
  return static_cast<std::size_t>((x & 1) + (y & 1));  // red, green, green, blue
}

/// A grid of stars at random phases, with colours R:G:B from 0.4 to 2.5.
struct MosaicField {
  MosaicSetup setup;
  Scene<float> scene;
  std::vector<ColouredStar> stars;

  explicit MosaicField(const MosaicSetup& s) : setup(s), scene(s.columns * s.pitch, s.columns * s.pitch, 0) {
    std::mt19937_64 bits(s.seed);
    const auto uniform = [&bits] { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; };
    Scene<double> light(scene.width, scene.height, 0);
    for (int k = 0; k < s.columns * s.columns; ++k) {
      ColouredStar star{s.pitch * (k % s.columns + 0.5) + 2 * uniform(),
                        s.pitch * (k / s.columns + 0.5) + 2 * uniform(), s.flux};
      const double red = std::pow(2.5, 2 * uniform() - 1), blue = std::pow(2.5, 2 * uniform() - 1);
      const double mean = (red + 2 + blue) / 4;
      if (!s.grey) star.colour = {red / mean, 1 / mean, blue / mean};
      stars.push_back(star);
      add_star(light, star, s.fwhm);
    }
    for (int y = 0; y < scene.height; ++y) {
      for (int x = 0; x < scene.width; ++x) {
        const double mean = light.at(x, y) + s.sky[colour_at(x, y)];
        const double sigma = std::sqrt(mean / s.gain + std::pow(s.read_noise / s.gain, 2));
        const double normal = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
        scene.at(x, y) = static_cast<float>(mean + (s.noise ? sigma * normal : 0.0));
      }
    }
  }

  static void add_star(Scene<double>& light, const ColouredStar& star, double fwhm) {
    constexpr int kStamp = 33, kHalf = kStamp / 2;
    Scene<double> stamp(kStamp, kStamp, 0);
    const int x0 = static_cast<int>(star.x) - kHalf, y0 = static_cast<int>(star.y) - kHalf;
    const double sigma = fwhm / 2.3548200450309493;
    test::add_star(stamp, star.x - x0, star.y - y0, star.flux, sigma, sigma);
    for (int j = 0; j < kStamp; ++j) {
      for (int i = 0; i < kStamp; ++i) {
        const int x = x0 + i, y = y0 + j;
        if (x < 0 || y < 0 || x >= light.width || y >= light.height) continue;
        light.at(x, y) += star.colour[colour_at(x, y)] * stamp.at(i, j);
      }
    }
  }

  [[nodiscard]] FrameView view(Mosaic mosaic = Mosaic::rggb) const {
    FrameView v = scene.view();
    v.mosaic = mosaic;
    return v;
  }

  [[nodiscard]] Detector detector() const { return {setup.gain, setup.read_noise}; }

  /// Rows in the order of the stars, measured from places up to 0.3 px off.
  [[nodiscard]] StarTable measure(const MeasureOptions& options, Mosaic mosaic = Mosaic::rggb) const {
    std::vector<Star> starts;
    std::mt19937_64 bits(99);
    const auto shift = [&bits] { return 0.6 * static_cast<double>(bits() >> 11) * 0x1p-53 - 0.3; };
    for (const ColouredStar& s : stars) starts.push_back({s.x + shift(), s.y + shift()});
    Detections d = forced(starts);
    d.fwhm_px = setup.fwhm;
    MeasureWorkspace workspace;
    StarTable measured, ordered;
    const FrameView frame = view(mosaic);
    starflow::measure(frame, estimate_background(frame, {}, serial_for), detector(), d, options, serial_for, workspace,
                      measured);
    std::vector<std::uint32_t> rows;
    for (const std::size_t k : rows_by_id(measured)) rows.push_back(static_cast<std::uint32_t>(k));
    append_rows(measured, rows, ordered);
    return ordered;
  }
};

}  // namespace starflow::test
