// SPDX-License-Identifier: MIT
#include "star_groups.hpp"

#include "square.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace starflow {
namespace {

/// Of two stars, whether the first counts for more.
bool brighter(const Detections& stars, std::uint32_t a, std::uint32_t b) {
  const double p = std::isfinite(stars.peak[a]) ? stars.peak[a] : 0.0;
  const double q = std::isfinite(stars.peak[b]) ? stars.peak[b] : 0.0;
  return p != q ? p > q : higher_up(stars, a, b);
}

}  // namespace

bool higher_up(const Detections& stars, std::uint32_t a, std::uint32_t b) {
  return std::tuple(stars.y[a], stars.x[a], stars.id[a]) < std::tuple(stars.y[b], stars.x[b], stars.id[b]);
}

void StarGroups::build(
    const Detections& stars, const NeighbourGrid& grid, int width, int height, const GroupRules& rules) {
  find_links(stars, grid, width, height, rules);
  close_links(stars, rules);
  number_groups(stars);
}

void StarGroups::find_links(
    const Detections& stars, const NeighbourGrid& grid, int width, int height, const GroupRules& rules) {
  const std::size_t n = stars.size();
  state_.assign(n, 0);
  links_.clear();
  const double far = rules.reach_px;
  const auto measured = [&](double x, double y) {
    return x > -far && y > -far && x < width - 1 + far && y < height - 1 + far;
  };
  for (std::size_t i = 0; i < n; ++i) {
    const double x = stars.x[i], y = stars.y[i];
    if (!measured(x, y)) continue;
    const auto a = static_cast<std::uint32_t>(i);
    grid.near(x, y, rules.reach_px, [&](const NeighbourGrid::Entry& e) {
      if (e.star == a || !measured(e.x, e.y)) return;
      const double squared = square(e.x - x) + square(e.y - y);
      if (squared < square(rules.same_px)) {
        if (brighter(stars, e.star, a)) state_[i] |= kShadow;
        return;
      }
      state_[i] |= kCrowded;
      if (squared < square(rules.link_px) && higher_up(stars, a, e.star)) links_.push_back({squared, a, e.star});
    });
  }
}

void StarGroups::close_links(const Detections& stars, const GroupRules& rules) {
  std::erase_if(links_, [&](const Link& l) { return shadow(l.a) || shadow(l.b); });
  std::ranges::sort(links_, [&](const Link& l, const Link& m) {
    if (l.squared != m.squared) return l.squared < m.squared;
    return l.a != m.a ? higher_up(stars, l.a, m.a) : higher_up(stars, l.b, m.b);
  });
  joined_.reset(stars.size());
  clusters_.resize(stars.size());
  for (const Link& l : links_) {
    for (const std::uint32_t s : {l.a, l.b}) {
      clusters_[s] = {stars.x[s], stars.x[s], stars.y[s], stars.y[s], 1};
      state_[s] |= kLinked;
    }
  }
  for (const Link& l : links_) {
    const std::uint32_t p = joined_.of(l.a), q = joined_.of(l.b);
    if (p == q) continue;
    const Cluster &a = clusters_[p], &b = clusters_[q];
    const Cluster both{std::min(a.x_low, b.x_low), std::max(a.x_high, b.x_high), std::min(a.y_low, b.y_low),
                       std::max(a.y_high, b.y_high), a.count + b.count};
    if (both.count > rules.size || both.x_high - both.x_low > rules.extent_px ||
        both.y_high - both.y_low > rules.extent_px) {
      continue;
    }
    clusters_[joined_.join(p, q)] = both;
  }
}

void StarGroups::number_groups(const Detections& stars) {
  const std::size_t n = stars.size();
  group_.assign(n, kNone);
  slot_.assign(n, kNone);
  members_.clear();
  begin_.clear();
  for (std::size_t i = 0; i < n; ++i) {
    const auto star = static_cast<std::uint32_t>(i);
    if (linked(i) && clusters_[joined_.of(star)].count > 1) members_.push_back(star);
  }
  std::ranges::sort(members_, [&](std::uint32_t a, std::uint32_t b) {
    const std::uint32_t p = joined_.of(a), q = joined_.of(b);
    return p != q ? p < q : brighter(stars, a, b);
  });
  for (std::size_t k = 0; k < members_.size(); ++k) {
    if (k == 0 || joined_.of(members_[k]) != joined_.of(members_[k - 1]))
      begin_.push_back(static_cast<std::uint32_t>(k));
    group_[members_[k]] = static_cast<std::uint32_t>(begin_.size() - 1);
    slot_[members_[k]] = static_cast<std::uint32_t>(k);
  }
  if (!begin_.empty()) begin_.push_back(static_cast<std::uint32_t>(members_.size()));
}

}  // namespace starflow
