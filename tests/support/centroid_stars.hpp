// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Stars measured by the kernels of centroid_lanes.hpp, in pixels and ADU of their frames.

#include "centroid_lanes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "scene.hpp"

namespace starflow::test {

inline constexpr double kSky = 100, kNoise = 10, kSigma = 1.3;
inline constexpr std::array<Method, 4> kCentroids = {Method::windowed, Method::adaptive, Method::moments,
                                                     Method::quadratic};

/// One star's numbers, in frame px and ADU.
struct Result {
  double x = 0, y = 0, flux = 0;
  std::array<float, 15> raw{};  // every output as it is
  Termination termination = Termination::converged;
  double cov_xx = 0, cov_yy = 0, cov_xy = 0, flux_err = 0, xx = 0, yy = 0, xy = 0, n_pix = 0, n_masked = 0, chi2 = 0;
  bool one_sided = false, aliased = false;
};

inline Result result(const StarBlock& block, const CentroidLanes& l, std::size_t k) {
  Result r;
  r.raw = {l.x[k],  l.y[k],  l.cov_xx[k], l.cov_yy[k],      l.cov_xy[k],   l.flux[k],       l.flux_err[k], l.xx[k],
           l.yy[k], l.xy[k], l.n_pix[k],  l.termination[k], l.n_masked[k], l.iterations[k], l.chi2[k]};
  const auto d = [](float v) { return static_cast<double>(v); };
  r.x = block.to_frame_x(k, d(l.x[k]));
  r.y = block.to_frame_y(k, d(l.y[k]));
  r.flux = d(l.flux[k]) * block.unit_adu[k];
  r.flux_err = d(l.flux_err[k]) * block.unit_adu[k];
  r.cov_xx = d(l.cov_xx[k]);
  r.cov_yy = d(l.cov_yy[k]);
  r.cov_xy = d(l.cov_xy[k]);
  r.xx = d(l.xx[k]);
  r.yy = d(l.yy[k]);
  r.xy = d(l.xy[k]);
  r.chi2 = d(l.chi2[k]);
  r.one_sided = l.one_sided[k] > 0;
  r.aliased = l.aliased[k] > 0;
  r.n_pix = d(l.n_pix[k]);
  r.n_masked = d(l.n_masked[k]);
  r.termination = static_cast<Termination>(l.termination[k]);
  return r;
}

/// What a batch is made of.
struct Setting {
  Method method = Method::windowed;
  double sigma = kSigma;
  int radius = 9;
  double move_limit = 2.25;
  Detector detector{};
  LocalSky sky{kSky, 0, 0, kNoise};
};

struct Star {
  FrameView frame;
  double x = 0, y = 0;
};

/// Measures the stars in the order of \p order, batch by batch.
inline std::vector<Result> measure(const Setting& s,
                                   const std::vector<Star>& stars,
                                   const std::vector<std::size_t>& order) {
  const auto block = std::make_unique<StarBlock>();
  const auto lanes = std::make_unique<CentroidLanes>();
  std::vector<Result> out(stars.size());
  for (std::size_t first = 0; first < order.size(); first += simd_lanes()) {
    const std::size_t last = std::min(order.size(), first + simd_lanes());
    begin_block(*block, s.radius, 1);
    for (std::size_t k = first; k < last; ++k) {
      const Star& star = stars[order[k]];
      add_star(*block, star.frame, s.detector, s.sky, star.x, star.y);
    }
    end_block(*block);
    lanes->sigma.fill(static_cast<float>(s.sigma));
    run_centroids(*block, {s.method, static_cast<float>(s.move_limit), 50, s.radius}, *lanes);
    for (std::size_t k = first; k < last; ++k) out[order[k]] = result(*block, *lanes, k - first);
  }
  return out;
}

inline std::vector<Result> measure(const Setting& s, const std::vector<Star>& stars) {
  std::vector<std::size_t> order(stars.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  return measure(s, stars, order);
}

inline Result measure(const Setting& s, const Star& star) { return measure(s, std::vector{star}).front(); }

}  // namespace starflow::test
