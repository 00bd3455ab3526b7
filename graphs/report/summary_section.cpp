// SPDX-License-Identifier: MIT
#include "html.hpp"
#include "sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace starflow::report {
namespace {

// Okabe & Ito, by outcome.
constexpr std::array<std::string_view, kOutcomes> kColours = {"#009e73", "#e69f00", "#d55e00",
                                                              "#777777", "#56b4e9", "#cc79a7"};

std::string tile(std::string_view value, std::string_view name, std::string_view more = {}) {
  return fmt::format(R"(<div class="tile"><b>{}</b><span>{}</span><small>{}</small></div>)", escaped(value),
                     escaped(name), escaped(more));
}

double median_of(const std::vector<FrameRow>& rows, double FrameRow::*value) {
  Sample sample(Results::kMostRows);
  for (const FrameRow& row : rows) {
    if (std::isfinite(row.*value)) sample.add(row.*value);
  }
  return sample.median();
}

std::string duration_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  if (seconds < 7200) return fmt::format("{:.1f} min", seconds / 60);
  return seconds < 172'800 ? fmt::format("{:.1f} h", seconds / 3600) : fmt::format("{:.1f} d", seconds / 86'400);
}

std::string tiles(const Results& r) {
  const auto measured = r.outcomes[0] + r.outcomes[1];
  std::string out = tile(grouped(r.frames), "frames", fmt::format("{} measured", grouped(measured)));
  out += tile(grouped(r.stars), "stars",
              r.stars == 0 ? ""
                           : fmt::format("{:.1f} % without a flag",
                                         100.0 * static_cast<double>(r.clean_stars) / static_cast<double>(r.stars)));
  out += tile(short_number(median_of(r.rows, &FrameRow::fwhm)), "FWHM, px", "median of the frames");
  out += tile(short_number(median_of(r.rows, &FrameRow::ellipticity)), "ellipticity", "median of the frames");
  out += tile(short_number(median_of(r.rows, &FrameRow::background)), "background, " + r.unit, "median of the frames");
  double first = INFINITY, last = -INFINITY;
  for (const FrameRow& row : r.rows) {
    if (!std::isfinite(row.time_s)) continue;
    first = std::min(first, row.time_s);
    last = std::max(last, row.time_s);
  }
  if (first == last) out += tile(time_text(first).substr(11), "observed, UTC", time_text(first).substr(0, 10));
  if (first < last) out += tile(duration_text(last - first), "observed", time_text(first) + " UTC");
  if (r.exposure_s > 0) out += tile(duration_text(r.exposure_s), "exposure", "sum of the frames");
  return "<div class=\"tiles\">" + out + "</div>\n";
}

std::string outcome_bar(const Results& r) {
  std::string bar, legend;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (r.outcomes[i] == 0) continue;
    const double part = 100.0 * static_cast<double>(r.outcomes[i]) / static_cast<double>(r.frames);
    bar += fmt::format(R"(<i style="flex-grow:{:.4f};background:{}" title="{} {}"></i>)", std::max(part, 0.3),
                       kColours[i], kOutcomeNames[i], r.outcomes[i]);
    legend += fmt::format(R"(<span class="key"><i style="background:{}"></i>{} {} <small>({:.2f} %)</small></span>)",
                          kColours[i], kOutcomeNames[i], grouped(r.outcomes[i]), part);
  }
  return fmt::format("<div class=\"outcomes\">{}</div>\n<p class=\"keys\">{}</p>\n", bar, legend);
}

std::string joined(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// What a reader must know before trusting the rest.
std::string warnings(const Results& r) {
  std::string out;
  const auto warn = [&](const std::string& text) { out += fmt::format("<li>{}</li>", escaped(text)); };
  for (const FileState& f : r.files) {
    if (f.unfinished_line) warn(f.path + ": its last line is cut; the run that wrote it was stopped");
    if (f.damaged_lines > 0) {
      warn(fmt::format("{}: {} no record (first: line {}), left out", f.path,
                       f.damaged_lines == 1 ? "1 line is" : grouped(f.damaged_lines) + " lines are", f.first_damaged));
    }
    if (f.frames > 0 && !f.has_run) warn(f.path + ": has no run record at its end: the run is not complete");
    if (f.has_run && !f.complete)
      warn(f.path + ": the run is not complete" + (f.reason.empty() ? "" : ": " + f.reason));
    if (f.has_run && f.run_frames >= 0 && f.run_frames != static_cast<double>(f.frames))
      warn(fmt::format("{}: its run record counts {} frames, but {} are there", f.path, f.run_frames, f.frames));
  }
  if (r.hashes.size() > 1) warn("the frames were measured with different configurations: " + joined(r.hashes));
  if (r.versions.size() > 1) warn("the frames were measured by different versions: " + joined(r.versions));
  if (r.frames > r.rows.size()) {
    warn(fmt::format("the first {} frames are listed and charted; counts, maps and errors are of all {}",
                     grouped(r.rows.size()), grouped(r.frames)));
  }
  return out.empty() ? out : "<ul class=\"warnings\">" + out + "</ul>\n";
}

}  // namespace

std::string summary_section(const Results& r) {
  std::string from;
  for (std::size_t i = 0; i < r.files.size() && i < 5; ++i) from += (i == 0 ? "" : ", ") + r.files[i].path;
  if (r.files.size() > 5) from += fmt::format(" and {} more files", r.files.size() - 5);
  return fmt::format("{}{}{}<p class=\"origin\">From {}; starflow {}, configuration {}.</p>\n", warnings(r), tiles(r),
                     outcome_bar(r), escaped(from), escaped(joined(r.versions)), escaped(joined(r.hashes)));
}

}  // namespace starflow::report
