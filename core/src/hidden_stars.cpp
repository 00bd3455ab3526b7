// SPDX-License-Identifier: MIT
#include "hidden_stars.hpp"

#include "scene_fit.hpp"
#include "scene_residual.hpp"
#include "shape_mismatch.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

namespace starflow {
namespace {

constexpr int kSweeps = 8;          // of the fit; two stars 0.7 FWHM apart come within a tenth of their error
constexpr int kLastSweeps = 32;     // only of what still moves: pairs 1 FWHM apart come within 0.1 px
constexpr double kMergeFwhm = 0.5;  // nearer to another star a new one is not told from it

/// New stars that the last fit made faint, or moved onto another one: of two new ones the fainter goes.
std::vector<std::uint8_t> doubtful(const StarScene& scene, double fwhm_px, double least) {
  std::vector<std::uint8_t> gone(scene.stars.size(), 0);
  for (std::size_t i = 0; i < scene.stars.size(); ++i) {
    const SceneStar& s = scene.stars[i];
    if (s.round == 0) continue;
    if (!(s.amplitude > least)) {
      gone[i] = 1;
      continue;
    }
    const auto rank = [&](std::size_t k) { return std::tuple(scene.stars[k].round, -scene.stars[k].amplitude, k); };
    scene.visit_near(s.x, s.y, fwhm_px * (kMergeFwhm + kMaxWayFwhm), [&](std::size_t j) {
      const SceneStar& o = scene.stars[j];
      if (j != i && std::hypot(o.x - s.x, o.y - s.y) < kMergeFwhm * fwhm_px && rank(j) < rank(i)) gone[i] = 1;
    });
  }
  return gone;
}

void unsettle_about(StarScene& scene, std::size_t star, double radius) {
  const SceneStar s = scene.stars[star];
  scene.visit_near(s.x, s.y, radius, [&](std::size_t j) {
    if (std::abs(scene.stars[j].y - s.y) <= radius) scene.stars[j].settled = false;
  });
}

}  // namespace

std::vector<SceneStar> find_hidden_stars(
    const SearchJob& job, std::vector<SceneStar> known, int times, SceneResidual& residual, ParallelFor parallel) {
  StarScene scene(job.frame.height, least_strip_rows(job.shape));
  scene.add(known);
  SceneFit fit(job.bright, job.index, job.shape, scene);
  residual.left_over = job.bright.height;
  residual.mismatch.assign(job.bright.size(), 0.0F);
  ShapeMismatch mismatch;
  const bool shot_noise = job.detector.gain_e_per_adu > 0;
  fit.run(kSweeps, parallel);
  for (int round = 1; round <= times; ++round) {
    residual.changed.assign(scene.strips(), 0);
    subtract_light(job.index, job.shape, scene, residual, parallel);
    if (round == 1) mismatch = measure_mismatch(job.frame, job.background, job.filter, job.shape, scene, parallel);
    subtract_mismatch(job.index, mismatch, scene, shot_noise, residual, parallel);
    for (SceneStar& s : scene.stars) s.taken = s.light();
    std::vector<SceneStar> found = search_residual(job, scene, residual, mismatch.known_to, parallel);
    if (found.empty()) break;
    for (SceneStar& s : found) s.round = round;
    scene.add(found);
    fit.run(kSweeps, parallel);
  }
  const std::vector<std::uint8_t> gone = doubtful(scene, job.shape.fwhm_px(), job.threshold_sigma);
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (gone[i] != 0) unsettle_about(scene, i, job.shape.reach());
  }
  scene.remove_if([&](std::size_t i) { return gone[i] != 0; });
  fit.run(kLastSweeps, parallel);
  return std::move(scene.stars);
}

}  // namespace starflow
