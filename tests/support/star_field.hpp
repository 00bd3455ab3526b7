// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A field of isolated stars of all brightnesses, and lists of positions to measure.

#include <starflow/core/detect.hpp>
#include <starflow/core/star_table.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "support/scene.hpp"

namespace starflow::test {

inline constexpr int kFieldSide = 256;   ///< px; tiles of the background's mesh mirror onto each other
inline constexpr double kFieldFwhm = 3;  ///< px

struct Star {
  double x, y;
};

/// 49 stars of S/N 20 to 1,000 on whole ADU, and where a detection would put them: up to 0.3 px off.
struct Field {
  Scene<double> scene{kFieldSide, kFieldSide, 400};
  std::vector<Star> starts;

  Field() {
    std::mt19937_64 bits(11);
    const auto uniform = [&bits] { return static_cast<double>(bits() >> 11) * 0x1p-53; };
    for (int i = 0; i < 49; ++i) {
      const int column = i % 7, row = i / 7;
      const double x = 20 + 35 * column + 4 * uniform(), y = 20 + 35 * row + 4 * uniform();
      const double flux = 1500 * std::pow(100, uniform()), sigma_x = 1.2 + 0.1 * uniform();
      draw(x, y, flux, sigma_x, 1.25 + 0.1 * uniform());
      starts.push_back({x + 0.6 * uniform() - 0.3, y + 0.6 * uniform() - 0.3});
    }
    add_noise(scene, 10, 12);
    for (double& pixel : scene.pixels) pixel = std::round(pixel);
  }

  /// Within 14 px of its centre only, so that the field is drawn quickly.
  void draw(double x, double y, double flux, double sigma_x, double sigma_y) {
    Scene<double> stamp(29, 29, 0);
    const int x0 = static_cast<int>(x) - 14, y0 = static_cast<int>(y) - 14;
    add_star(stamp, x - x0, y - y0, flux, sigma_x, sigma_y);
    for (int j = 0; j < 29; ++j) {
      for (int i = 0; i < 29; ++i) scene.at(x0 + i, y0 + j) += stamp.at(i, j);
    }
  }
};

inline const Field& field() {
  static const Field f;
  return f;
}

/// As forced positions, whose rows keep their ids.
inline Detections forced(const std::vector<Star>& starts) {
  Detections d;
  d.resize(starts.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    d.x[i] = starts[i].x;
    d.y[i] = starts[i].y;
    d.id[i] = static_cast<std::int64_t>(i);
    d.flags[i] = flag::forced_position;
  }
  d.fwhm_px = kFieldFwhm;
  return d;
}

/// Row of each id.
inline std::vector<std::size_t> rows_by_id(const StarTable& stars) {
  std::vector<std::size_t> rows(stars.size());
  for (std::size_t k = 0; k < rows.size(); ++k) rows[static_cast<std::size_t>(stars.id[k])] = k;
  return rows;
}

}  // namespace starflow::test
