// SPDX-License-Identifier: MIT
#include "median_fwhm.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace starflow {
namespace {

double median_of(std::vector<double>& v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  if (v.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(v.begin(), middle));
}

}  // namespace

double median_fwhm(const StarTable& stars) {
  constexpr Flags kNoFault = flag::forced_position | flag::cfa_fit;
  constexpr Flags kSpoilt = flag::saturated | flag::bad_pixel_center | flag::edge | flag::no_convergence |
                            flag::at_bound | flag::fallback_method | flag::too_few_pixels | flag::moved_from_seed |
                            flag::cosmic_ray | flag::hot_pixel | flag::trailed | flag::extended | flag::low_snr |
                            flag::duplicate;
  std::vector<double> good;
  for (const Flags bad : {~kNoFault, kSpoilt}) {
    for (std::size_t i = 0; i < stars.size(); ++i) {
      if ((stars.flags[i] & bad) == 0 && std::isfinite(stars.fwhm[i])) good.push_back(stars.fwhm[i]);
    }
    if (!good.empty()) return median_of(good);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace starflow
