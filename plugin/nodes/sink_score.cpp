// SPDX-License-Identifier: MIT
#include "sink_score.hpp"

#include "register.hpp"

#include <vector>

namespace starflow {
namespace {

constexpr double kUnknownFwhmPx = 3;  // where the frame's width could not be measured

std::vector<OptionSpec> options() {
  return {{.name = "match_radius",
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

}  // namespace

SinkScore::SinkScore(const Options& options)
    : score_(options.number("snr_min")), radius_(options.number("match_radius")) {}

void SinkScore::write(Context& context) {
  const auto* stars = context.input(0).as<StarList>();
  const auto* truth = context.input(1).as<Truth>();
  if (stars == nullptr || truth == nullptr) return score_.add_failed_frame();
  score_.add(*truth, stars->stars, radius_ * (stars->fwhm_px > 0 ? stars->fwhm_px : kUnknownFwhmPx));
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
