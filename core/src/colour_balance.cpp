// SPDX-License-Identifier: MIT
#include "colour_balance.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace starflow {
namespace {

constexpr double kLeastResponse = 0.05;

/// Calls visit(index, phase, light of a unit star) for the pixels of the square that hold something.
template <class Visit>
void visit_square(const StarBlock& block, std::size_t lane, int radius, const GreyStar& star, const Visit& visit) {
  const int side = 2 * radius + 1, first = block.radius - radius;
  std::array<double, StarBlock::kMaxPixels> light;
  pixel_light(star.shape, star.x, star.y, {-radius, radius + 1, -radius, radius + 1},
              std::span(light).first(static_cast<std::size_t>(side) * static_cast<std::size_t>(side)));
  const StarBlock::Source& source = block.source[lane];
  std::size_t next = 0;
  for (int j = first; j < first + side; ++j) {
    for (int i = first; i < first + side; ++i, ++next) {
      const std::size_t k = block.index(static_cast<std::size_t>(i), static_cast<std::size_t>(j), lane);
      if (block.variance[k] >= StarBlock::kMissing) continue;
      visit(k, mosaic_phase(source.first_x + i, source.first_y + j), light[next]);
    }
  }
}

double response(const StarBlock& block, std::size_t lane, std::size_t phase) {
  return block.source[lane].phases[phase].response;
}

}  // namespace

double balance_colours(StarBlock& block, std::size_t lane, int radius, GreyStar& star) {
  std::array<double, 4> products{}, squares{}, amplitude{};
  const double level = star.flux > 0 ? star.level / star.flux : 0.0;
  visit_square(block, lane, radius, star, [&](std::size_t k, std::size_t phase, double light) {
    const auto variance = static_cast<double>(block.variance[k]);
    if (variance < 0) return;  // saturated: a lower limit
    const double shape = light + level;
    products[phase] += shape * static_cast<double>(block.value[k]) / variance;
    squares[phase] += shape * shape / variance;
  });
  double mean = 0, known = 0, joint = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    const double r = response(block, lane, k);
    amplitude[k] = squares[k] > 0 ? r * products[k] / squares[k] : r * std::max(star.flux, 0.0);
    mean += amplitude[k] / 4;
    known += squares[k];
    joint += squares[k] > 0 ? r * r / squares[k] / 16 : 0.0;
  }
  if (!(mean > 0) || !std::isfinite(mean)) return 0;
  double sum = 0;
  for (double& a : amplitude) sum += (a = std::max(a / mean, kLeastResponse));
  for (std::size_t k = 0; k < 4; ++k) block.source[lane].phases[k].response = 4 * amplitude[k] / sum;
  star.flux = mean;
  return std::max(0.0, joint - 1 / known);
}

void add_shot_noise(StarBlock& block, std::size_t lane, int radius, const GreyStar& star) {
  const auto per_gain = static_cast<double>(block.per_gain[lane]);
  if (!(per_gain > 0)) return;
  double least = 1 / kLeastResponse;
  for (std::size_t k = 0; k < 4; ++k) least = std::min(least, 1 / response(block, lane, k));
  visit_square(block, lane, radius, star, [&](std::size_t k, std::size_t phase, double light) {
    const double more = (1 / response(block, lane, phase) - least) * per_gain * std::max(star.flux, 0.0) * light;
    float& variance = block.variance[k];
    variance += static_cast<float>(std::copysign(more, static_cast<double>(variance)));
  });
  block.per_gain[lane] = static_cast<float>(least * per_gain);
}

}  // namespace starflow
