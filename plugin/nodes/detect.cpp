// SPDX-License-Identifier: MIT
/// \file
/// Node `detect`: frame in, star candidates and background out.

#include <starflow/core/detect.hpp>
#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>
#include <starflow/sdk/stages.hpp>

#include "background_options.hpp"
#include "option_specs.hpp"
#include "register.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace starflow {
namespace {

DetectOptions read_detect(const Options& o) {
  DetectOptions options;
  options.threshold_sigma = o.number("threshold_sigma");
  options.extend = o.number("extend");
  const std::int64_t connectivity = o.integer("connectivity");
  if (connectivity != 4 && connectivity != 8)
    throw OptionError("connectivity", std::to_string(connectivity) + " is no way to connect pixels; allowed: 4, 8");
  options.touch = connectivity == 4 ? Touch::sides : Touch::corners;
  options.fwhm_px = read_fwhm(o);
  options.min_pixels = static_cast<int>(o.integer("min_pixels"));
  options.prominence = o.number("prominence");
  options.search_again = static_cast<int>(o.integer("search_again"));
  options.keep_artefacts = o.text("artefacts") == "flag";
  return options;
}

class Detect final : public Node {
 public:
  explicit Detect(const Options& o)
      : stage_(read_background(o), read_detect(o), static_cast<int>(o.integer("background.passes"))) {}
  void process(Context& c) override { c.out(0, stage_(c.in<Frame>(0), c.parallel())); }

 private:
  DetectStage stage_;
};

std::vector<OptionSpec> options() {
  const DetectOptions d;
  std::vector<OptionSpec> specs = {
      {.name = "threshold_sigma",
       .form = Accepts::number,
       .fallback = d.threshold_sigma,
       .doc = "Signal to noise in the matched filter above which a peak is a star.",
       .unit = "sigma",
       .minimum = 1,
       .maximum = 1000},
      {.name = "extend",
       .form = Accepts::number,
       .fallback = d.extend,
       .doc = "Part of the threshold down to which the pixels about a peak are followed: the lower of two thresholds.",
       .minimum = 0.2,
       .maximum = 1},
      {.name = "connectivity",
       .form = Accepts::integer,
       .fallback = std::int64_t{8},
       .doc = "8: pixels that share a side or a corner belong together; 4: only those that share a side. 4 or 8.",
       .minimum = 4,
       .maximum = 8},
      fwhm_option("measured from the frame"),
      {.name = "min_pixels",
       .form = Accepts::integer,
       .fallback = std::int64_t{d.min_pixels},
       .doc = "Pixels above extend * threshold_sigma that a star needs.",
       .unit = "px",
       .minimum = 1,
       .maximum = 10000},
      {.name = "prominence",
       .form = Accepts::number,
       .fallback = d.prominence,
       .doc = "A peak beside a brighter one counts where it stands above the saddle by this fraction of itself.",
       .minimum = 0,
       .maximum = 1},
      {.name = "search_again",
       .form = Accepts::integer,
       .fallback = std::int64_t{d.search_again},
       .doc = "Times that the stars are fitted together, taken off, and what is left over searched for stars that they "
              "hide; each has the flag blended. Not in colour "
              "mosaics. 0: only peaks that stand by themselves.",
       .minimum = 0,
       .maximum = DetectOptions::kMaxSearches},
      {.name = "artefacts",
       .form = Accepts::text,
       .fallback = std::string("reject"),
       .doc = "Peaks that no star makes, hot pixels, cosmic rays and trails: left out and counted, or listed with "
              "their flag.",
       .choices = {"reject", "flag"}}};
  for (OptionSpec& s : background_options()) specs.push_back(std::move(s));
  specs.push_back(
      {.name = "background.passes",
       .form = Accepts::integer,
       .fallback = std::int64_t{1},
       .doc = "2: the background is measured again without the pixels of the stars that were found, and the frame "
              "searched again. For crowded fields, whose faint stars raise sky and noise; takes up to twice the time.",
       .minimum = 1,
       .maximum = 2});
  return specs;
}

}  // namespace

NodeType detect_type() {
  return {
      .name = "detect",
      .doc =
          "Finds stars: background mesh, matched filter, local threshold, one candidate for each prominent peak, and "
          "those hidden in the light of others.",
      .inputs = {{"frame", message_type<Frame>, "the frame to search"}},
      .outputs = {{"detections", message_type<DetectionList>, "candidates and the background that they stand on"}},
      .options = live(options()),
      .make = factory_of<Detect>()};
}

}  // namespace starflow
