// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Small frames with known stars, drawn by formula and independent of the library's own profiles.

#include <starflow/core/frame_view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <type_traits>
#include <vector>

namespace starflow::test {

/// A frame that owns its pixels.
template <class T>
struct Scene {
  int width = 0, height = 0;
  std::vector<T> pixels;

  Scene(int w, int h, double level)
      : width(w), height(h), pixels(static_cast<std::size_t>(w) * static_cast<std::size_t>(h), static_cast<T>(level)) {}

  [[nodiscard]] T& at(int x, int y) {
    return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }

  [[nodiscard]] FrameView view() const {
    FrameView v;
    v.pixels = pixels.data();
    v.type = type();
    v.width = width;
    v.height = height;
    v.row_bytes = static_cast<std::ptrdiff_t>(sizeof(T)) * width;
    return v;
  }

  static constexpr PixelType type() {
    if constexpr (std::is_same_v<T, std::uint8_t>) return PixelType::u8;
    if constexpr (std::is_same_v<T, std::uint16_t>) return PixelType::u16;
    if constexpr (std::is_same_v<T, std::int16_t>) return PixelType::i16;
    if constexpr (std::is_same_v<T, std::int32_t>) return PixelType::i32;
    if constexpr (std::is_same_v<T, double>) return PixelType::f64;
    return PixelType::f32;
  }
};

/// Adds a pixel-integrated Gaussian of total light \p flux.
template <class T>
void add_star(Scene<T>& scene, double x, double y, double flux, double sigma_x, double sigma_y) {
  const auto part = [](int i, double centre, double sigma) {
    const double s = sigma * std::numbers::sqrt2;
    return 0.5 * (std::erf((i + 0.5 - centre) / s) - std::erf((i - 0.5 - centre) / s));
  };
  // Beyond 9 sigma a pixel's part is 0 in double.
  const auto first = [](double centre, double sigma) {
    return std::max(0, static_cast<int>(std::floor(centre - 9 * sigma - 1)));
  };
  const auto last = [](double centre, double sigma, int size) {
    return std::min(size - 1, static_cast<int>(std::ceil(centre + 9 * sigma + 1)));
  };
  for (int j = first(y, sigma_y); j <= last(y, sigma_y, scene.height); ++j) {
    for (int i = first(x, sigma_x); i <= last(x, sigma_x, scene.width); ++i) {
      scene.at(i, j) =
          static_cast<T>(static_cast<double>(scene.at(i, j)) + flux * part(i, x, sigma_x) * part(j, y, sigma_y));
    }
  }
}

/// Adds normal noise, rounded for integer pixels. The sums, not std::normal_distribution, fix the values: the same
/// everywhere.
template <class T>
void add_noise(Scene<T>& scene, double sigma, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  const auto uniform = [&bits] { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; };
  for (T& pixel : scene.pixels) {
    const double normal = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    const double value = static_cast<double>(pixel) + sigma * normal;
    pixel = static_cast<T>(std::is_integral_v<T> ? std::round(value) : value);
  }
}

}  // namespace starflow::test
