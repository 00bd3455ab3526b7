// SPDX-License-Identifier: MIT
#include "html.hpp"
#include "sections.hpp"
#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace starflow::report {
namespace {

double median_fwhm(const Results& r) {
  Sample sample(Results::kMostRows);
  for (const FrameRow& row : r.rows) {
    if (std::isfinite(row.fwhm)) sample.add(row.fwhm);
  }
  return sample.median();
}

/// First and last cell of a count that is not 0.
struct Extent {
  std::size_t s0 = ErrorCounts::kSnrCells, s1 = 0, e0 = ErrorCounts::kErrorCells, e1 = 0;
  std::uint32_t most = 1;
};

Extent extent_of(const ErrorCounts& counts) {
  Extent x;
  for (std::size_t s = 0; s < ErrorCounts::kSnrCells; ++s) {
    for (std::size_t e = 0; e < ErrorCounts::kErrorCells; ++e) {
      const std::uint32_t n = counts.cells[s][e];
      if (n == 0) continue;
      x.s0 = std::min(x.s0, s);
      x.s1 = std::max(x.s1, s);
      x.e0 = std::min(x.e0, e);
      x.e1 = std::max(x.e1, e);
      x.most = std::max(x.most, n);
    }
  }
  return x;
}

/// What was measured against the truth, as points.
void add_truth(Chart& chart, const TruthCounts& truth) {
  constexpr std::uint64_t kLeast = 5;
  for (std::size_t s = 0; s < TruthCounts::kSnrCells; ++s) {
    const auto& at = truth.by_snr[s];
    if (at.stars < kLeast) continue;
    const double snr = (static_cast<double>(s) + 0.5) * TruthCounts::kSnrCell;
    const double rms = std::sqrt(at.square / static_cast<double>(at.stars));
    chart.circle(snr, std::log10(rms), 4.5, "class=\"truth\"",
                 fmt::format("true error {:.2g} px rms, {}", rms, counted(at.stars, "star")));
  }
}

std::string error_chart(const Results& r) {
  const ErrorCounts& counts = r.error_counts;
  if (counts.stars == 0) return {};
  const Extent x = extent_of(counts);
  const auto snr_edge = [](std::size_t s) {
    return ErrorCounts::kSnrLow + ErrorCounts::kSnrCell * static_cast<double>(s);
  };
  const auto error_edge = [](std::size_t e) {
    return ErrorCounts::kErrorLow + ErrorCounts::kErrorCell * static_cast<double>(e);
  };
  const double s0 = snr_edge(x.s0) - 0.1, s1 = snr_edge(x.s1 + 1) + 0.1;
  const double e0 = error_edge(x.e0) - 0.15, e1 = error_edge(x.e1 + 1) + 0.15;
  Chart chart(420, 320, {s0, s1, true, "signal-to-noise ratio"}, {e0, e1, true, "position error, px"});
  for (std::size_t s = x.s0; s <= x.s1; ++s) {
    for (std::size_t e = x.e0; e <= x.e1; ++e) {
      const std::uint32_t n = counts.cells[s][e];
      if (n == 0) continue;
      const double part = x.most > 1 ? std::log(n) / std::log(x.most) : 0.5;
      chart.cell(snr_edge(s), error_edge(e), snr_edge(s + 1), error_edge(e + 1), colour_of(0.95 - 0.95 * part),
                 counted(n, "star"));
    }
  }
  std::string note =
      fmt::format("{} without a flag; dark: many. Each error is the root mean square of x_err and y_err.",
                  counted(counts.stars, "star"));
  if (const double fwhm = median_fwhm(r); std::isfinite(fwhm) && fwhm > 0) {
    const double at_one = std::log10(fwhm / 2.3548);
    chart.line({{s0, at_one - s0}, {s1, at_one - s1}}, "class=\"reference\"");
    note += " Dashed: sigma of the star's profile over S/N, which stars brighter than the sky come near.";
  }
  if (r.truth.stars > 0) {
    add_truth(chart, r.truth);
    note += " Circles: the true errors, root mean square.";
  }
  return fmt::format("<figure><h3>Stated position error</h3>{}<figcaption>{}</figcaption></figure>\n",
                     chart.svg("Position error against signal-to-noise ratio"), note);
}

struct Count {
  std::string name;
  double n;
};

/// Names and bars, the longest first.
std::string bars(std::string_view title, std::vector<Count> counts, double whole, std::string_view caption) {
  constexpr std::size_t kMost = 14;
  std::erase_if(counts, [](const Count& c) { return !(c.n > 0); });
  if (counts.empty()) return {};
  std::ranges::stable_sort(counts, std::greater<>(), &Count::n);
  if (counts.size() > kMost) counts.resize(kMost);
  std::string rows;
  for (const Count& c : counts) {
    rows += fmt::format(
        R"(<tr><th>{}</th><td>{}</td><td class="barcell"><i style="width:{:.1f}%"></i></td><td>{:.2g} %</td></tr>)",
        escaped(c.name), grouped_count(c.n), 100 * c.n / counts.front().n, 100 * c.n / whole);
  }
  return fmt::format("<figure><h3>{}</h3><table class=\"bars\">{}</table><figcaption>{}</figcaption></figure>\n", title,
                     rows, caption);
}

}  // namespace

std::string stars_section(const Results& r) {
  const auto all = static_cast<double>(std::max<std::uint64_t>(r.stars, 1));
  std::vector<Count> flags, reasons;
  for (std::size_t bit = 0; bit < kFlagNames.size(); ++bit)
    flags.push_back({std::string(kFlagNames[bit]), static_cast<double>(r.flags[bit])});
  double left_out = 0;
  for (const auto& [reason, n] : r.rejected) {
    reasons.push_back({reason, n});
    left_out += n;
  }
  const std::string errors = error_chart(r), flagged = bars("Flags", std::move(flags), all,
                                                            "Stars that have the flag; a star may have several.");
  const std::string rejected = bars("Left out", std::move(reasons), all + left_out,
                                    "Candidates and rows that are in no table of stars, by reason; parts of all.");
  if ((errors + flagged + rejected).empty()) return {};
  return fmt::format("<section id=\"stars\"><h2>Stars</h2><div class=\"pair\">{}<div>{}{}</div></div></section>\n",
                     errors, flagged, rejected);
}

}  // namespace starflow::report
