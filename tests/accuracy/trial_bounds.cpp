// SPDX-License-Identifier: MIT
#include "trial_bounds.hpp"

#include "small_matrix.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace starflow::test {
namespace {

constexpr std::size_t kN = 6;  // x, y, flux, background, two widths

}  // namespace

StarBounds least_squares_bounds(const StarScene& scene, const PixelBox& box) {
  const auto n = static_cast<std::size_t>(box.width()) * static_cast<std::size_t>(box.height());
  std::vector<double> light(n), above(n), below(n);
  std::array<std::vector<double>, kN> column;
  pixel_light(scene.shape, scene.x, scene.y, box, light);
  column[2] = light;
  column[3].assign(n, 1);
  constexpr double kStep = 1e-5;
  for (const std::size_t c : {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{5}}) {
    const auto shifted = [&](double by, std::vector<double>& out) {
      StarScene s = scene;
      (c == 0 ? s.x : c == 1 ? s.y : c == 4 ? s.shape.width_u : s.shape.width_v) += by;
      pixel_light(s.shape, s.x, s.y, box, out);
    };
    shifted(kStep, above);
    shifted(-kStep, below);
    for (std::size_t i = 0; i < n; ++i) column[c].push_back(scene.flux_e * (above[i] - below[i]) / (2 * kStep));
  }
  SmallMatrix normal{kN, {}}, spread = normal;
  for (std::size_t i = 0; i < n; ++i) {
    const double variance = scene.background_e + scene.flux_e * light[i] + scene.read_noise_e * scene.read_noise_e;
    for (std::size_t a = 0; a < kN; ++a) {
      for (std::size_t b = 0; b < kN; ++b) {
        normal[a][b] += column[a][i] * column[b][i];
        spread[a][b] += column[a][i] * column[b][i] * variance;
      }
    }
  }
  const SmallMatrix bread = inverse(normal), covariance = bread * spread * bread;
  StarBounds bounds;
  bounds.x = std::sqrt(covariance[0][0]);
  bounds.y = std::sqrt(covariance[1][1]);
  bounds.flux = std::sqrt(covariance[2][2]);
  bounds.background = std::sqrt(covariance[3][3]);
  bounds.width_u = std::sqrt(covariance[4][4]);
  bounds.width_v = std::sqrt(covariance[5][5]);
  return bounds;
}

TrialBounds trial_bounds(const Preset& preset, const StarScene& scene, const PixelBox& box) {
  const bool free_beta = preset.options.free_beta;
  const bool least_squares = preset.kind == Kind::least_squares;
  const StarBounds b =
      least_squares ? least_squares_bounds(scene, box) : cramer_rao(scene, box, preset.widths, free_beta);
  TrialBounds bounds{b.x, b.y, b.flux, b.background, StarBounds::kNone};
  if (least_squares || free_beta || scene.shape.width_u != scene.shape.width_v) return bounds;
  // The mean of two free widths of a round star has the bound of one common width: by symmetry their difference tells
  // nothing about it.
  const double width = preset.widths == FreeWidths::one ? b.width_u : cramer_rao(scene, box, FreeWidths::one).width_u;
  bounds.fwhm = width * (scene.shape.profile == Profile::gaussian ? 2 * std::sqrt(2 * std::numbers::ln2)
                                                                  : 2 * std::sqrt(std::exp2(1 / scene.shape.beta) - 1));
  return bounds;
}

}  // namespace starflow::test
