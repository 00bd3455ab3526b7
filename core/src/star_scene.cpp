// SPDX-License-Identifier: MIT
#include "star_scene.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace starflow {

StarScene::StarScene(int height, int strip_rows)
    : rows_(strip_rows), first_(static_cast<std::size_t>((height + strip_rows - 1) / strip_rows) + 1, 0) {}

std::size_t StarScene::strip_of(double y) const noexcept {
  const double strip = std::clamp(std::floor(y / rows_), 0.0, static_cast<double>(strips() - 1));
  return static_cast<std::size_t>(strip);
}

void StarScene::add(std::span<const SceneStar> more) {
  const auto before = [this](const SceneStar& a, const SceneStar& b) {
    return std::tuple(strip_of(a.seed_y), a.seed_x, a.seed_y) < std::tuple(strip_of(b.seed_y), b.seed_x, b.seed_y);
  };
  const auto middle = stars.insert(stars.end(), more.begin(), more.end());
  std::sort(middle, stars.end(), before);
  std::inplace_merge(stars.begin(), middle, stars.end(), before);
  index();
}

void StarScene::index() {
  std::size_t next = 0;
  for (std::size_t s = 0; s < first_.size(); ++s) {
    while (next < stars.size() && strip_of(stars[next].seed_y) < s) ++next;
    first_[s] = next;
  }
  seed_x_.clear();
  for (const SceneStar& s : stars) seed_x_.push_back(s.seed_x);
}

std::size_t StarScene::first_right_of(std::size_t strip, double x) const noexcept {
  const auto in = std::span(seed_x_).subspan(first_[strip], first_[strip + 1] - first_[strip]);
  return first_[strip] + static_cast<std::size_t>(std::ranges::lower_bound(in, x) - in.begin());
}

}  // namespace starflow
