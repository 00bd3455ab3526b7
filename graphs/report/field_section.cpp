// SPDX-License-Identifier: MIT
#include "html.hpp"
#include "sections.hpp"
#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <utility>

namespace starflow::report {
namespace {

using Cell = FieldMap::Cell;

constexpr double kWidth = 420;

/// Lowest and highest of the cells that are shown, never equal.
std::pair<double, double> range_of(const FieldMap& map, const std::function<double(const Cell&)>& value) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (int row = 0; row < map.rows(); ++row) {
    for (int column = 0; column < map.columns(); ++column) {
      if (!map.cell(column, row).shown()) continue;
      const double v = value(map.cell(column, row));
      low = std::min(low, v);
      high = std::max(high, v);
    }
  }
  if (high - low < 1e-3 * std::abs(high)) high = low + std::max(1e-3 * std::abs(high), 1e-6);
  return {low, high};
}

/// The field in per cent of the frame, y pointing down.
Chart chart_of(const FieldMap& map) {
  return {kWidth, kWidth * map.aspect(), {0, 100, false, "x, % of the frame"}, {100, 0, false, "y, % of the frame"}};
}

template <class Visit>
void for_each_cell(const FieldMap& map, const Visit& visit) {
  const double w = 100.0 / map.columns(), h = 100.0 / map.rows();
  for (int row = 0; row < map.rows(); ++row) {
    for (int column = 0; column < map.columns(); ++column) {
      if (map.cell(column, row).shown()) visit(map.cell(column, row), column * w, row * h, w, h);
    }
  }
}

std::string fwhm_map(const FieldMap& map) {
  const auto value = [](const Cell& c) { return c.fwhm.median(); };
  const auto [low, high] = range_of(map, value);
  Chart chart = chart_of(map);
  for_each_cell(map, [&, low = low, high = high](const Cell& c, double x, double y, double w, double h) {
    const double fwhm = value(c);
    chart.cell(x, y + h, x + w, y, colour_of((fwhm - low) / (high - low)),
               fmt::format("FWHM {:.3f} px, {}", fwhm, counted(c.stars, "star")));
  });
  return "<figure>" + chart.svg("Map of the FWHM") + colour_bar(low, high, "median FWHM, px") + "</figure>\n";
}

std::string ellipticity_map(const FieldMap& map) {
  const auto [low, high] = range_of(map, [](const Cell& c) { return c.ellipticity(); });
  Chart chart = chart_of(map);
  const double longest = 0.95 * kWidth / std::max(map.columns(), 8);
  for_each_cell(map, [&, low = low, high = high](const Cell& c, double x, double y, double w, double h) {
    const double e = c.ellipticity(), length = longest * e / high, angle = c.theta_deg() * std::numbers::pi / 180;
    const double cx = chart.x(x + w / 2), cy = chart.y(y + h / 2);
    const double dx = 0.5 * length * std::cos(angle), dy = 0.5 * length * std::sin(angle);
    chart.cell(x, y + h, x + w, y, "transparent",
               fmt::format("ellipticity {:.3f} at {:.0f} deg, {}", e, c.theta_deg(), counted(c.stars, "star")));
    chart.add(fmt::format(R"(<line class="whisker" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}"/>)",
                          cx - dx, cy - dy, cx + dx, cy + dy, colour_of(0.85 * (e - low) / (high - low))));
  });
  return fmt::format(
      "<figure>{}<figcaption>Whiskers lie along the major axis; the longest is an ellipticity of "
      "{:.3f}.</figcaption></figure>\n",
      chart.svg("Map of the ellipticity"), high);
}

}  // namespace

std::string field_section(const Results& r) {
  const FieldMap map = r.field.readable();
  if (!map.any_shown()) return {};
  return fmt::format(
      "<section id=\"field\"><h2>Over the field</h2><p>{} of S/N {:.0f} and more whose shape is their own, of all "
      "frames; FWHM is the "
      "median of a cell, ellipticity the mean of its vectors, so that noise alone averages out. Cells of fewer than {} "
      "stars are empty.</p>\n"
      "<div class=\"pair\">{}{}</div></section>\n",
      counted(r.field.stars(), "star"), Results::kShapeSnr, FieldMap::kLeastStars, fwhm_map(map), ellipticity_map(map));
}

}  // namespace starflow::report
