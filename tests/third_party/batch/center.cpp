// SPDX-License-Identifier: MIT
/// \file
/// A centroid method that works on several stars at once: the centre of the light within a FWHM of the place. The
/// innermost loop runs over the stars, one of each to a lane.

#include <starflow/sdk/plugin.hpp>

#include <cmath>
#include <vector>

struct Sums {
  double light = 0, x = 0, y = 0;
};

void center(std::span<const starflow::StarStamp> stamps, std::span<starflow::StarEstimate> found) {
  std::vector<Sums> sums(stamps.size());
  const int side = stamps.front().side;  // the same for all stars of a frame
  for (int row = 0; row < side; ++row) {
    for (int column = 0; column < side; ++column) {
      for (std::size_t i = 0; i < stamps.size(); ++i) {
        const starflow::StarStamp& stamp = stamps[i];
        const bool near = std::hypot(column - stamp.x, row - stamp.y) < stamp.fwhm;
        const double light = near && stamp.weight_of(column, row) > 0 ? stamp.light(column, row) : 0;
        sums[i].light += light;
        sums[i].x += light * column;
        sums[i].y += light * row;
      }
    }
  }
  for (std::size_t i = 0; i < stamps.size(); ++i)
    found[i] = {.x = sums[i].x / sums[i].light, .y = sums[i].y / sums[i].light, .flux = sums[i].light};
}

void init(starflow::Registrar& registrar) {
  registrar.add(starflow::method<center>("lanes.center", "Centre of the light, of several stars at once."));
}
STARFLOW_PLUGIN("lanes", "1.0.0", "MIT", init);
