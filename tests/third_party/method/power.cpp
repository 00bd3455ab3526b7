// SPDX-License-Identifier: MIT
/// \file
/// A centroid method of one's own: the mean of the pixels' places, weighted by a power of their light.

#include <starflow/sdk/plugin.hpp>

#include <cmath>

struct Settings {
  double exponent;
  explicit Settings(const starflow::Options& o) : exponent(o.number("exponent")) {}
};

starflow::StarEstimate power(const starflow::StarStamp& stamp, const Settings& settings) {
  double sum = 0, sum_x = 0, sum_y = 0, flux = 0;
  for (int row = 0; row < stamp.side; ++row) {
    for (int column = 0; column < stamp.side; ++column) {
      const bool counts = stamp.weight_of(column, row) > 0 && stamp.light(column, row) > 0;
      if (!counts || std::hypot(column - stamp.x, row - stamp.y) > stamp.fwhm) continue;
      const double weight = std::pow(stamp.light(column, row), settings.exponent);
      sum += weight;
      sum_x += weight * column;
      sum_y += weight * row;
      flux += stamp.light(column, row);
    }
  }
  return {.x = sum_x / sum, .y = sum_y / sum, .flux = flux};  // NaN where no pixel counts: the row is flagged
}

void init(starflow::Registrar& registrar) {
  registrar.add(starflow::method<power>("example.power", "Mean place, weighted by a power of the light.",
                                        {{.name = "exponent", .fallback = 2.0, .minimum = 0.5, .maximum = 4}}));
}
STARFLOW_PLUGIN("example", "1.0.0", "MIT", init);
