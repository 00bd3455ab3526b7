// SPDX-License-Identifier: MIT
#include "method_lanes.hpp"

#include "square.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace starflow {
namespace {

/// The pixels of one lane as the method reads them.
struct Pixels {
  std::array<float, StarBlock::kMaxPixels> light, weight;
};

void read(const StarBlock& block, std::size_t lane, int radius, Pixels& pixels) {
  const double unit = block.unit_adu[lane];
  const auto first = static_cast<std::size_t>(block.radius - radius), side = static_cast<std::size_t>(2 * radius + 1);
  for (std::size_t j = 0, k = 0; j < side; ++j) {
    for (std::size_t i = 0; i < side; ++i, ++k) {
      const std::size_t at = block.index(first + i, first + j, lane);
      const float variance = block.variance[at];
      const bool counts = variance > 0 && variance < StarBlock::kMissing;  // negative: saturated
      pixels.light[k] = static_cast<float>(static_cast<double>(block.value[at]) * unit);
      pixels.weight[k] = counts ? static_cast<float>(1 / (static_cast<double>(variance) * square(unit))) : 0.0F;
    }
  }
}

Termination judge(const StarEstimate& e, double dx, double dy, double move_limit) {
  if (!std::isfinite(e.x) || !std::isfinite(e.y)) return Termination::nonfinite;
  return std::hypot(dx, dy) <= move_limit ? Termination::converged : Termination::moved_from_seed;
}

void write(const StarEstimate& e, int radius, double unit, std::size_t lane, CentroidLanes& lanes) {
  const auto put = [lane](CentroidLanes::Lanes<float>& to, double value) { to[lane] = static_cast<float>(value); };
  put(lanes.x, e.x - radius);
  put(lanes.y, e.y - radius);
  put(lanes.cov_xx, e.x_variance);
  put(lanes.cov_yy, e.y_variance);
  put(lanes.cov_xy, e.xy_covariance);
  put(lanes.flux, e.flux / unit);
  put(lanes.flux_err, std::sqrt(e.flux_variance) / unit);
  put(lanes.xx, e.xx);
  put(lanes.yy, e.yy);
  put(lanes.xy, e.xy);
  put(lanes.iterations, e.iterations);
}

}  // namespace

void run_method(const StarBlock& block,
                const CentroidRules& rules,
                const StarMethod* method,
                double gain_e_per_adu,
                CentroidLanes& lanes) {
  const int radius = std::min(rules.stamp_radius, block.radius);
  const auto move = static_cast<double>(rules.move_limit);
  Pixels pixels;
  for (std::size_t lane = 0; lane < block.size; ++lane) {
    read(block, lane, radius, pixels);
    const double x = static_cast<double>(block.x[lane]) + radius, y = static_cast<double>(block.y[lane]) + radius;
    const StarStamp stamp{2 * radius + 1, pixels.light.data(), pixels.weight.data(), x, y, rules.fwhm, gain_e_per_adu,
                          move,           rules.max_iterations};
    const StarEstimate e = method != nullptr ? method->measure(stamp) : StarEstimate{};
    write(e, radius, block.unit_adu[lane], lane, lanes);
    lanes.termination[lane] = static_cast<float>(static_cast<int>(judge(e, e.x - x, e.y - y, move)));
    const PixelCensus pixel_count = census(block, lane, radius);
    lanes.n_pix[lane] = static_cast<float>(pixel_count.n_pix);
    lanes.n_masked[lane] = static_cast<float>(pixel_count.n_masked);
    lanes.chi2[lane] = std::numeric_limits<float>::quiet_NaN();
    lanes.residual[lane] = lanes.skew[lane] = lanes.one_sided[lane] = lanes.aliased[lane] = 0;
  }
}

}  // namespace starflow
