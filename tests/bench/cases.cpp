// SPDX-License-Identifier: MIT
#include "cases.hpp"

#include "support/allocation_counter.hpp"

#include <cmath>
#include <map>
#include <utility>

namespace starflow::bench {

Quality judge(const Field& field, const std::vector<Position>& positions) {
  double sum = 0, iterations = 0;
  std::size_t n = 0, failed = 0;
  for (std::size_t k = 0; k < positions.size(); ++k) {
    const Position& p = positions[k];
    failed += p.failed ? 1 : 0;
    iterations += p.iterations;
    const double dx = (p.x - field.truth[k].x) / field.bound[k].x, dy = (p.y - field.truth[k].y) / field.bound[k].y;
    if (!std::isfinite(dx + dy)) continue;
    sum += dx * dx + dy * dy;
    ++n;
  }
  Quality q;
  q.rms_over_crlb = std::sqrt(sum / (2 * static_cast<double>(n)));
  q.iterations = iterations / static_cast<double>(positions.size());
  q.failed = static_cast<double>(failed);
  return q;
}

const Field& field_of(Profile profile, int side) {
  static std::map<std::pair<Profile, int>, Field> fields;
  const auto [place, fresh] = fields.try_emplace({profile, side});
  if (fresh) place->second = make_field(profile, side);
  return place->second;
}

std::size_t allocations() { return test::g_allocations; }

}  // namespace starflow::bench
