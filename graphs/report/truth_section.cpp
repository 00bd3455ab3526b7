// SPDX-License-Identifier: MIT
#include "html.hpp"
#include "sections.hpp"
#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

namespace starflow::report {
namespace {

std::string pull_chart(const TruthCounts& t) {
  const auto n = static_cast<double>(t.pull_count);
  const double peak = n * TruthCounts::kPullCell / std::sqrt(2 * std::numbers::pi);
  const double top = 1.1 * std::max(peak, static_cast<double>(*std::ranges::max_element(t.pulls)));
  Chart chart(420, 280, {-6, 6, false, "(measured - true) / stated error"}, {0, top, false, "axes of stars"});
  for (std::size_t i = 0; i < TruthCounts::kPullCells; ++i) {
    const double low = TruthCounts::kPullLow + TruthCounts::kPullCell * static_cast<double>(i);
    if (t.pulls[i] > 0) {
      chart.cell(low, 0, low + TruthCounts::kPullCell, static_cast<double>(t.pulls[i]), "#56b4e9",
                 fmt::format("{:.2f} to {:.2f}: {}", low, low + TruthCounts::kPullCell, grouped(t.pulls[i])));
    }
  }
  std::vector<std::pair<double, double>> normal;
  for (double x = -6; x <= 6; x += 0.1) normal.emplace_back(x, peak * std::exp(-0.5 * x * x));
  chart.line(normal, "class=\"normal\"");
  return fmt::format(
      "<figure><h3>Pulls</h3>{}<figcaption>x and y of {}; root mean square {:.3f}, mean {:+.3f}, {} beyond 6. Line: "
      "a normal distribution of width 1, which honest errors give.</figcaption></figure>\n",
      chart.svg("Histogram of pulls"), counted(t.pull_count / 2, "star"), std::sqrt(t.pull_square / n), t.pull_sum / n,
      grouped(t.outside));
}

std::string completeness_chart(const TruthCounts& t) {
  std::vector<std::pair<double, double>> points;
  double low = 5, high = 0;
  for (std::size_t s = 0; s < TruthCounts::kSnrCells; ++s) {
    if (t.by_true_snr[s].stars == 0) continue;
    const double snr = (static_cast<double>(s) + 0.5) * TruthCounts::kSnrCell;
    points.emplace_back(
        snr, 100.0 * static_cast<double>(t.by_true_snr[s].found) / static_cast<double>(t.by_true_snr[s].stars));
    low = std::min(low, snr - TruthCounts::kSnrCell);
    high = std::max(high, snr + TruthCounts::kSnrCell);
  }
  if (points.empty()) return {};
  Chart chart(420, 280, {low, high, true, "true signal-to-noise ratio"}, {0, 105, false, "found, %"});
  chart.line(points, "class=\"series\"");
  for (const auto& [snr, part] : points) {
    const auto& at = t.by_true_snr[static_cast<std::size_t>(snr / TruthCounts::kSnrCell)];
    chart.circle(snr, part, 3.5, "class=\"point\"",
                 fmt::format("{} of {} found", grouped(at.found), counted(at.stars, "star")));
  }
  return fmt::format(
      "<figure><h3>Completeness</h3>{}<figcaption>{} of {} found, {} of these with a flag.</figcaption></figure>\n",
      chart.svg("Completeness against signal-to-noise ratio"), grouped(t.found), counted(t.stars, "true star"),
      grouped(t.flagged));
}

}  // namespace

std::string truth_section(const Results& r) {
  if (r.truth.stars == 0) return {};
  return fmt::format(
      "<section id=\"truth\"><h2>Against the truth</h2><p>Isolated stars of the simulated sky that were matched with "
      "what was measured.</p>\n"
      "<div class=\"pair\">{}{}</div></section>\n",
      r.truth.pull_count > 0 ? pull_chart(r.truth) : "", completeness_chart(r.truth));
}

}  // namespace starflow::report
