// SPDX-License-Identifier: MIT
#include "page.hpp"

#include "assets.hpp"
#include "html.hpp"
#include "json_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace starflow::report {
namespace {

void append_rounded(std::string& out, double value) {
  std::isfinite(value) ? void(out += fmt::format("{:.6g}", value)) : void(out += "null");
}

/// The frames as columns, for the table and the charts.
std::string frames_json(const Results& r) {
  std::string out = "{";
  const auto column = [&](std::string_view name, const auto& append_cell) {
    json::append_key(out, name);
    out += '[';
    for (const FrameRow& row : r.rows) {
      if (out.back() != '[') out += ',';
      append_cell(row);
    }
    out += ']';
  };
  const auto numbers = [&](std::string_view name, double FrameRow::*value) {
    column(name, [&](const FrameRow& row) { append_rounded(out, row.*value); });
  };
  column("id", [&](const FrameRow& row) { json::append(out, row.id); });
  column("source", [&](const FrameRow& row) { json::append(out, std::string_view(row.source)); });
  column("outcome", [&](const FrameRow& row) { json::append(out, kOutcomeNames[row.outcome]); });
  column("error", [&](const FrameRow& row) { json::append(out, std::string_view(row.error)); });
  column("time", [&](const FrameRow& row) {
    std::isfinite(row.time_s) ? void(out += fmt::format("{:.3f}", row.time_s)) : void(out += "null");
  });
  numbers("stars", &FrameRow::stars);
  numbers("left_out", &FrameRow::left_out);
  numbers("fwhm", &FrameRow::fwhm);
  numbers("ellipticity", &FrameRow::ellipticity);
  numbers("background", &FrameRow::background);
  numbers("noise", &FrameRow::noise);
  json::append_member(out, "unit", std::string_view(r.unit));
  return out + '}';
}

constexpr std::string_view kFrames = R"(<section id="time"><h2>Over time</h2>
<p class="tools"><span id="axis"></span> <small>Drag to zoom, double-click to go back. <span id="failed">Red ticks: frames that were not measured.</span></small></p>
<div id="charts"></div></section>
<section id="frames"><h2>Frames</h2>
<p class="tools"><input id="filter" type="search" placeholder="name, number or code" aria-label="filter">
<select id="outcome" aria-label="outcome"></select> <span id="shown"></span>
<button id="back">&lsaquo;</button> <span id="part"></span> <button id="on">&rsaquo;</button></p>
<div class="scroll"><table id="table"><thead></thead><tbody></tbody></table></div>
<noscript>The charts over time and the table of frames need JavaScript.</noscript></section>
)";

}  // namespace

std::string page(const Results& r, const std::vector<Card>& cards, const std::string& title) {
  const std::string name = escaped(title);
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  // Whatever the records hold: the page can't fetch or send anything.
  out +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src "
      "'unsafe-inline'; img-src data:\">\n<meta name=\"viewport\" content=\"width=device-width\">\n";
  out += fmt::format("<title>{}</title>\n<style>\n{}{}</style></head>\n<body><header><h1>{}</h1></header>\n<main>\n",
                     name, assets::kPlotStyle, assets::kStyle, name);
  out += summary_section(r);
  out += failures_section(r);
  out += cards_section(r, cards);
  out += kFrames.substr(0, kFrames.find("<section id=\"frames\">"));
  out += field_section(r) + stars_section(r) + truth_section(r);
  out += kFrames.substr(kFrames.find("<section id=\"frames\">"));
  out += "</main>\n<script type=\"application/json\" id=\"data\">";
  out += script_json(frames_json(r));
  out += "</script>\n<script>\n";
  out += fmt::format("/* uPlot\n{}*/\n", assets::kPlotLicence);
  out += assets::kPlot;
  out += "</script>\n<script>\n";
  out += assets::kScript;
  return out + "</script></body></html>\n";
}

}  // namespace starflow::report
