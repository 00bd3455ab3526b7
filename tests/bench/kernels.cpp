// SPDX-License-Identifier: MIT
// What the SIMD kernels cost alone: the stars stand in their lanes, and nothing is made of the answers.
#include <array>
#include <memory>

#include "centroid_lanes.hpp"
#include "fit.hpp"
#include "measure_plan.hpp"
#include "methods.hpp"

namespace starflow::bench {
namespace {

constexpr std::size_t kKernelStars = 256;  // the blocks of more would not stay in the cache, as those of a frame do

std::vector<StarBlock> gather(const Field& field) {
  const std::size_t lanes = simd_lanes();
  std::vector<StarBlock> blocks(kKernelStars / lanes);
  const FrameView view = field.picture.view(PixelType::f32);
  std::size_t k = 0;
  for (StarBlock& block : blocks) {
    begin_block(block, field.side / 2, 1);
    for (std::size_t lane = 0; lane < lanes; ++lane, ++k) {
      const double x = field.detections.x[k], y = field.detections.y[k];
      const LocalSky sky{field.background.level(x, y), 0, 0, field.background.noise(x, y)};
      add_star(block, view, kDetector, sky, x, y);
    }
    end_block(block);
  }
  return blocks;
}

void prepare_centroids(Case& c, const Preset& p) {
  const Field& field = field_of(Profile::gaussian, c.stamp);
  const auto blocks = std::make_shared<std::vector<StarBlock>>(gather(field));
  const auto lanes = std::make_shared<CentroidLanes>();
  lanes->sigma.fill(static_cast<float>(field.sigma));
  const CentroidRules rules = MeasurePlan(field.detections, kDetector, with_stamp(p.options, field)).centroid;
  c.run = [blocks, lanes, rules] {
    for (const StarBlock& block : *blocks) run_centroids(block, rules, *lanes);
  };
}

void prepare_fits(Case& c, const Preset& p) {
  const Field& field = field_of(p.truth, c.stamp);
  const auto blocks = std::make_shared<std::vector<StarBlock>>(gather(field));
  const auto fits = std::make_shared<std::array<Fit, StarBlock::kMaxLanes>>();
  const FitRules rules = MeasurePlan(field.detections, kDetector, with_stamp(p.options, field)).fit;
  c.run = [blocks, fits, rules] {
    for (const StarBlock& block : *blocks) run_fits(block, rules, *fits);
  };
}

}  // namespace

void add_kernels(std::vector<Case>& cases) {
  for (const int side : {9, 15, 21, 31}) {
    for (const Preset& p : presets()) {
      const bool fits = p.options.method == Method::gaussian || p.options.method == Method::moffat;
      const auto prepare = [p, fits](Case& c) { fits ? prepare_fits(c, p) : prepare_centroids(c, p); };
      cases.push_back({p.name + "_kernel", side, "f32", kKernelStars, prepare, {}, {}});
    }
  }
}

}  // namespace starflow::bench
