// SPDX-License-Identifier: MIT
#include "sink_score.hpp"

#include "json_text.hpp"
#include "option_specs.hpp"
#include "register.hpp"
#include "sink_output.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace starflow {
namespace {

constexpr double kUnknownFwhmPx = 3;  // where the frame's width could not be measured

std::vector<OptionSpec> options() {
  OptionSpec path = option(
      "path", Accepts::text,
      "JSON Lines of the isolated true stars, each with how far off it was measured, for `starflow report`; left out: "
      "none.");
  path.result_neutral = true;
  return {path,
          {.name = "match_radius",
           .form = Accepts::number,
           .fallback = 0.5,
           .doc = "A measured star this close to a true one is that star.",
           .unit = "FWHM",
           .minimum = 0.01,
           .maximum = 10,
           .result_neutral = true},
          {.name = "snr_min",
           .form = Accepts::number,
           .fallback = 10.0,
           .doc = "Fainter true stars are left out of the summary, but not of the numbers by SNR.",
           .minimum = 0,
           .maximum = 1e9,
           .result_neutral = true}};
}

/// A line for each isolated true star: its S/N and Cramer-Rao bounds, and what was measured, null where it was not
/// found.
void append_matches(std::string& out, const Truth& truth, const StarList& list, const std::vector<std::size_t>& match) {
  using json::append_member;
  const StarTable& stars = list.stars;
  const double none = std::nan("");
  for (std::size_t n = 0; n < match.size(); ++n) {
    if (!truth.isolated[n] || !std::isfinite(truth.snr[n])) continue;
    const std::size_t row = match[n];
    const bool found = row != kNoMatch;
    out += R"({"type":"match")";
    append_member(out, "frame_id", truth.frame != nullptr ? truth.frame->frame_id : 0);
    json::append_key(out, "id");
    found ? json::append(out, stars.id[row]) : void(out += "null");
    append_member(out, "snr_true", truth.snr[n]);
    append_member(out, "snr", found ? stars.snr[row] : none);
    append_member(out, "x_crlb", truth.x_crlb[n]);
    append_member(out, "y_crlb", truth.y_crlb[n]);
    append_member(out, "dx", found ? stars.x[row] - truth.x[n] : none);
    append_member(out, "dy", found ? stars.y[row] - truth.y[n] : none);
    append_member(out, "x_err", found ? stars.x_err[row] : none);
    append_member(out, "y_err", found ? stars.y_err[row] : none);
    append_member(out, "flags", found ? stars.flags[row] : Flags{0});
    out += "}\n";
  }
}

}  // namespace

SinkScore::SinkScore(const Options& options)
    : score_(options.number("snr_min")), radius_(options.number("match_radius")) {
  if (!options.has("path")) return;
  path_ = options.text("path");
  if (path_.empty()) throw OptionError("path", "is empty; leave it out for no file");
}

void SinkScore::start(StartContext& context) {
  if (!path_.empty()) open_output(context, file_, "path", path_, nlohmann::json());
}

void SinkScore::write(Context& context) {
  const auto* stars = context.input(0).as<StarList>();
  const auto* truth = context.input(1).as<Truth>();
  if (stars == nullptr || truth == nullptr) return score_.add_failed_frame();
  const double radius = radius_ * (stars->fwhm_px > 0 ? stars->fwhm_px : kUnknownFwhmPx);
  score_.add(*truth, stars->stars, radius);
  if (path_.empty()) return;
  text_.clear();
  append_matches(text_, *truth, *stars, match_stars(*truth, stars->stars, radius));
  file_.write(text_);
}

void SinkScore::close(const RunSummary& summary) {
  if (path_.empty()) return;
  if (summary.complete && !file_.failed()) {
    file_.commit();
  } else {
    unfinished_ = leave_unfinished({{"incomplete_output", &file_}});
  }
}

std::string SinkScore::report() const {
  std::string out = score_.json();
  if (unfinished_.empty()) return out;
  out.pop_back();
  return out + ',' + unfinished_.substr(1);
}

NodeType sink_score_type() {
  return {.name = "sink.score",
          .doc =
              "Compares measured stars with the truth of a simulated sky: completeness, false detections, errors "
              "against the "
              "Cramer-Rao bound and against the reported errors.",
          .inputs = {{"stars", message_type<StarList>, "the measured stars of a frame"},
                     {"truth", message_type<Truth>, "its true stars"}},
          .outputs = {},
          .options = options(),
          .make = factory_of<SinkScore>()};
}

}  // namespace starflow
