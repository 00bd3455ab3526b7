// SPDX-License-Identifier: MIT
// What gathering costs alone, and the SIMD kernels: the stars stand in their lanes, and nothing is made of the answers.
#include <array>
#include <memory>

#include "centroid_lanes.hpp"
#include "fit.hpp"
#include "measure_plan.hpp"
#include "methods.hpp"

namespace starflow::bench {
namespace {

constexpr std::size_t kKernelStars = 256;  // the blocks of more would not stay in the cache, as those of a frame do

MeasurePlan plan_of(const Preset& p, const Field& field) {
  return {field.detections, kDetector, with_stamp(p.options, field)};
}

/// Fills \p block with the stars from \p first on. It is as large as measure() makes it: wide enough for the window of
/// a centroid and for the half-light radius, wider than the stamp of a fit.
void gather(const Field& field, PixelType type, const MeasurePlan& plan, std::size_t first, StarBlock& block) {
  const FrameView view = field.picture.view(type);
  begin_block(block, plan.block_radius, plan.pitch);
  for (std::size_t k = first; k < first + block.lanes; ++k) {
    const double x = field.detections.x[k], y = field.detections.y[k];
    const LocalSky sky{field.background.level(x, y), 0, 0, field.background.noise(x, y)};
    add_star(block, view, kDetector, sky, x, y);
  }
  end_block(block);
}

std::shared_ptr<std::vector<StarBlock>> blocks_of(const Field& field, const MeasurePlan& plan) {
  auto blocks = std::make_shared<std::vector<StarBlock>>(kKernelStars / simd_lanes());
  for (std::size_t k = 0; k < blocks->size(); ++k) {
    gather(field, PixelType::f32, plan, k * simd_lanes(), (*blocks)[k]);
  }
  return blocks;
}

void prepare_gather(Case& c, PixelType type) {
  const Field& field = field_of(Profile::gaussian, c.stamp);
  const auto block = std::make_shared<StarBlock>();
  const MeasurePlan plan = plan_of(preset("gaussian"), field);
  c.run = [&field, type, block, plan] {
    for (std::size_t k = 0; k < kStars; k += block->lanes) gather(field, type, plan, k, *block);
  };
}

void prepare_centroids(Case& c, const Preset& p) {
  const Field& field = field_of(Profile::gaussian, c.stamp);
  const MeasurePlan plan = plan_of(p, field);
  const auto blocks = blocks_of(field, plan);
  const auto lanes = std::make_shared<CentroidLanes>();
  lanes->sigma.fill(static_cast<float>(plan.window_sigma()));
  c.run = [blocks, lanes, rules = plan.centroid] {
    for (StarBlock& block : *blocks) run_centroids(block, rules, *lanes);
  };
}

void prepare_fits(Case& c, const Preset& p) {
  const Field& field = field_of(p.truth, c.stamp);
  const MeasurePlan plan = plan_of(p, field);
  const auto blocks = blocks_of(field, plan);
  const auto fits = std::make_shared<std::array<Fit, StarBlock::kMaxLanes>>();
  c.run = [blocks, fits, rules = plan.fit] {
    for (const StarBlock& block : *blocks) run_fits(block, rules, *fits);
  };
}

}  // namespace

void add_kernels(std::vector<Case>& cases) {
  for (const int side : {9, 15, 21, 31}) {
    cases.push_back({"gather", side, "f32", kStars, [](Case& c) { prepare_gather(c, PixelType::f32); }, {}, {}});
    cases.push_back({"gather", side, "u16", kStars, [](Case& c) { prepare_gather(c, PixelType::u16); }, {}, {}});
    for (const Preset& p : presets()) {
      const bool fits = p.options.method == Method::gaussian || p.options.method == Method::moffat;
      const auto prepare = [p, fits](Case& c) { fits ? prepare_fits(c, p) : prepare_centroids(c, p); };
      cases.push_back({p.name + "_kernel", side, "f32", kKernelStars, prepare, {}, {}});
    }
  }
}

}  // namespace starflow::bench
