// SPDX-License-Identifier: MIT
#include "method_lanes.hpp"

#include "square.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace starflow {
namespace {

/// The pixels of a star as the method reads them.
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

/// As the methods of our own end. \param center  of the stamp
/// \param flux  as it will be kept: too large for a float is infinite there
Termination judge(const StarEstimate& e, float flux, const StarStamp& stamp, double center) {
  if (!std::isfinite(e.x) || !std::isfinite(e.y) || std::isinf(flux)) return Termination::nonfinite;
  const bool left = std::max(std::abs(e.x - center), std::abs(e.y - center)) > center + 0.5;
  if (left || std::hypot(e.x - stamp.x, e.y - stamp.y) > stamp.move_limit) return Termination::moved_from_seed;
  if (e.flux <= 0) return Termination::nonpositive_flux;
  return e.iterations > stamp.max_iterations ? Termination::max_iterations : Termination::converged;
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
  put(lanes.iterations, std::max(e.iterations, 0));
}

}  // namespace

void run_method(const StarBlock& block,
                const CentroidRules& rules,
                const StarMethod* method,
                double gain_e_per_adu,
                CentroidLanes& lanes) {
  const int radius = std::min(rules.stamp_radius, block.radius);
  std::array<Pixels, StarBlock::kMaxLanes> pixels;
  std::array<StarStamp, StarBlock::kMaxLanes> stamps;
  std::array<StarEstimate, StarBlock::kMaxLanes> found;
  for (std::size_t lane = 0; lane < block.size; ++lane) {
    read(block, lane, radius, pixels[lane]);
    const double x = static_cast<double>(block.x[lane]) + radius, y = static_cast<double>(block.y[lane]) + radius;
    stamps[lane] = {2 * radius + 1,
                    pixels[lane].light.data(),
                    pixels[lane].weight.data(),
                    x,
                    y,
                    rules.fwhm,
                    gain_e_per_adu,
                    static_cast<double>(rules.move_limit),
                    rules.max_iterations};
  }
  if (method != nullptr) method->measure_all(std::span(stamps).first(block.size), std::span(found).first(block.size));
  for (std::size_t lane = 0; lane < block.size; ++lane) {
    const StarEstimate& e = found[lane];
    write(e, radius, block.unit_adu[lane], lane, lanes);
    lanes.termination[lane] = static_cast<float>(static_cast<int>(judge(e, lanes.flux[lane], stamps[lane], radius)));
    const PixelCensus pixel_count = census(block, lane, radius);
    lanes.n_pix[lane] = static_cast<float>(pixel_count.n_pix);
    lanes.n_masked[lane] = static_cast<float>(pixel_count.n_masked);
    lanes.chi2[lane] = std::numeric_limits<float>::quiet_NaN();
    lanes.residual[lane] = lanes.skew[lane] = lanes.one_sided[lane] = lanes.aliased[lane] = 0;
  }
}

}  // namespace starflow
