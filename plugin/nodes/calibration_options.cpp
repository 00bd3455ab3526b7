// SPDX-License-Identifier: MIT
#include "calibration_options.hpp"

#include "option_specs.hpp"

#include <utility>

namespace starflow {
namespace {

OptionSpec option(std::string name, Accepts form, std::string doc, OptionValue fallback = {}) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.form = form;
  spec.doc = std::move(doc);
  spec.fallback = std::move(fallback);
  return spec;
}

}  // namespace

CalibrationOptions::CalibrationOptions(const Options& o) {
  const auto text = [&](const char* name) { return o.has(name) ? o.text(name) : std::string(); };
  const auto if_given = [&](const char* name) {
    return o.has(name) ? std::optional(o.number(name)) : std::optional<double>();
  };
  bias = text("bias");
  dark = text("dark");
  flat = text("flat");
  flat_dark = text("flat_dark");
  dark_exposure_s = if_given("dark_exposure_s");
  hot_sigma = if_given("hot_sigma");
  dark_holds_bias = o.flag("dark_holds_bias");
  scale_dark = o.flag("scale_dark");
  flat_by_colour = o.text("flat_level") == "colour";
  exposure_tolerance = o.number("exposure_tolerance");
  flat_min = o.number("flat_min");
  if (bias.empty() && dark.empty() && flat.empty())
    throw OptionError("bias", "there is nothing to calibrate with; give bias, dark or flat");
  if (flat.empty() && !flat_dark.empty()) throw OptionError("flat_dark", "there is no flat; give flat too");
  if (dark.empty()) {
    for (const char* name : {"dark_exposure_s", "hot_sigma"}) {
      if (o.has(name)) throw OptionError(name, "there is no dark; give dark too");
    }
    if (scale_dark) throw OptionError("scale_dark", "there is no dark; give dark too");
  }
  if (scale_dark && dark_holds_bias && bias.empty()) {
    throw OptionError("scale_dark",
                      "the bias in the dark does not grow with the exposure: give bias too, or say dark_holds_bias = "
                      "false");
  }
}

std::vector<OptionSpec> calibration_option_table() {
  OptionSpec exposure = number("dark_exposure_s", "Of the dark, where its header does not tell it.", "s", 0, 1e6);
  exposure.above_minimum = true;
  OptionSpec tolerance =
      number("exposure_tolerance",
             "How far the exposures of frame and dark may be apart, in parts of the dark's, where it is not scaled.",
             "", 0, 1);
  tolerance.fallback = 0.02;
  OptionSpec flat_least = number("flat_min", "Pixels of the flat below this part of its median are bad.", "", 0, 1);
  flat_least.fallback = 0.1;
  flat_least.above_minimum = true;
  OptionSpec hot =
      number("hot_sigma", "Pixels of the dark so far above its median are bad; without it none is.", "sigma", 1, 1e6);
  OptionSpec level = option("flat_level", Accepts::text,
                            "What is 1 in the flat: the median of the frame, or of each place of a colour cell, which "
                            "keeps the colours of the sensor.",
                            std::string("frame"));
  level.choices = {"frame", "colour"};
  return {option("bias", Accepts::text, "Master bias, FITS or image: taken off frames, and off a dark that is scaled."),
          option("dark", Accepts::text, "Master dark: taken off frames."),
          option("dark_holds_bias", Accepts::boolean,
                 "The dark is as the sensor gave it; false: the bias is off it already.", true),
          exposure,
          option("scale_dark", Accepts::boolean,
                 "The dark current grows with the exposure of the frame; false: frames must have the dark's.", false),
          tolerance,
          hot,
          option("flat", Accepts::text, "Master flat: frames are divided by it, 1 in its middle."),
          option("flat_dark", Accepts::text, "Dark or bias of the flat: taken off it first."),
          flat_least,
          level};
}

}  // namespace starflow
