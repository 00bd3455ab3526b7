// SPDX-License-Identifier: MIT
#include "blends.hpp"

#include "square.hpp"
#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace starflow {

void Blends::build(const Detections& list, const MeasurePlan& plan, int width, int height) {
  stars = &list;
  reach_px = plan.near.reach_px;
  same_px = plan.near.same_px;
  grid.build(list.x, list.y, width, height, reach_px);
  groups.build(list, grid, width, height, plan.near);
  model.assign(list.size(), {});
  const double area = 2 * std::numbers::pi * (square(kSigmaPerFwhm * plan.fwhm_px) + kPixelVariance);
  for (std::size_t g = 0; g < groups.size(); ++g) {  // what the list says, until they are fitted
    for (const std::uint32_t s : groups.members(g))
      model[s] = {list.x[s], list.y[s], area * list.peak[s], std::log(plan.fwhm_px), 0, 0, plan.fit.beta};
  }
  fitted.assign(groups.total(), {});
}

void Blends::near(std::size_t star, NearStars& out) const {
  out.size = 0;
  const double x = stars->x[star], y = stars->y[star];
  const auto squared = [&](std::uint32_t s) { return square(stars->x[s] - x) + square(stars->y[s] - y); };
  const auto nearer = [&](std::uint32_t a, std::uint32_t b) {
    const double p = squared(a), q = squared(b);
    return p != q ? p < q : higher_up(*stars, a, b);
  };
  grid.near(x, y, reach_px, [&](const NeighbourGrid::Entry& e) {
    if (e.star == star || groups.shadow(e.star) || squared(e.star) < square(same_px)) return;
    const bool full = out.size == NearStars::kMost;
    if (full && !nearer(e.star, out.star[out.size - 1])) return;
    std::size_t k = full ? out.size - 1 : out.size++;
    for (; k > 0 && nearer(e.star, out.star[k - 1]); --k) out.star[k] = out.star[k - 1];
    out.star[k] = e.star;
  });
}

void Blends::list_crowded() {
  crowded.clear();
  for (const bool member : {false, true}) {
    for (std::size_t i = 0; i < stars->size(); ++i) {
      const std::uint32_t slot = groups.slot(i);
      const bool known = slot != StarGroups::kNone && fitted[slot].fitted;
      if (groups.crowded(i) && known == member) crowded.push_back(static_cast<std::uint32_t>(i));
    }
  }
}

void Blends::publish(const MeasurePlan& plan) {
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const std::uint32_t star : groups.members(g)) {
      const GroupStar& from = fitted[groups.slot(star)];
      const auto& p = from.fit.value;
      if (from.fitted) {
        model[star] = {p[kFitX],  p[kFitY],  p[kFitFlux], p[kFitWidth] + std::log(plan.pitch),
                       p[kFitE1], p[kFitE2], p[kFitBeta]};
      } else if (from.fit.termination != Termination::too_few_pixels) {
        model[star].flux = 0;  // what the others are like without it says nothing of its own light
      }
    }
  }
}

bool Blends::touches_others(std::size_t group) const {
  bool touches = false;
  for (const std::uint32_t star : groups.members(group)) {
    grid.near(stars->x[star], stars->y[star], reach_px, [&](const NeighbourGrid::Entry& e) {
      const std::uint32_t other = groups.group_of(e.star);
      touches = touches || (other != StarGroups::kNone && other != group);
    });
  }
  return touches;
}

StarModel model_of(const StarRow& row, const MeasurePlan& plan) {
  constexpr double kNarrow = 0.6, kWide = 1.7;  // of the frame's FWHM
  StarModel m{row.x, row.y, row.flux, std::log(plan.fwhm_px), 0, 0, plan.fit.beta};
  const double area = std::sqrt(row.xx * row.yy - square(row.xy));
  const double fwhm = kFwhmPerSigma * std::sqrt(area);
  if (!(fwhm > kNarrow * plan.fwhm_px && fwhm < kWide * plan.fwhm_px)) return m;
  m.log_fwhm = std::log(fwhm);
  const double along = 0.5 * (row.xx - row.yy), length = std::hypot(along, row.xy);
  if (length > 0) {
    const double size = std::min(std::asinh(length / area), fit_rule::kMaxStretch);
    m.e1 = size * along / length;
    m.e2 = size * row.xy / length;
  }
  if (!std::isnan(row.beta)) m.beta = row.beta;
  return m;
}

bool mask_neighbour(
    StarBlock& block, std::size_t lane, const Detections& stars, std::size_t star, std::size_t other, double fwhm_px) {
  constexpr double kNearest = 0.25;  // of the distance
  const double dx = (stars.x[other] - stars.x[star]) / block.pitch;
  const double dy = (stars.y[other] - stars.y[star]) / block.pitch, squared = square(dx) + square(dy);
  const double own = stars.peak[star], its = stars.peak[other];
  const double brighter = own > 0 && its > 0 ? std::log(own / its) : 0.0;
  const double border =
      0.5 + brighter * square(kSigmaPerFwhm * fwhm_px / block.pitch) / squared;  // in parts of the distance
  const double from = std::clamp(border, kNearest, 1 - kNearest) * squared;
  bool any = false;
  for (std::size_t j = 0; j < block.side(); ++j) {
    const double v = static_cast<double>(j) - block.radius - static_cast<double>(block.y[lane]);
    for (std::size_t i = 0; i < block.side(); ++i) {
      const double u = static_cast<double>(i) - block.radius - static_cast<double>(block.x[lane]);
      if (u * dx + v * dy <= from) continue;
      const std::size_t k = block.index(i, j, lane);
      if (block.variance[k] >= StarBlock::kMissing) continue;
      block.value[k] = 0;
      block.variance[k] = StarBlock::kNeighbour;
      any = true;
    }
  }
  if (any) {
    block.clean[lane] = false;
    block.plain = 0;
  }
  return any;
}

}  // namespace starflow
