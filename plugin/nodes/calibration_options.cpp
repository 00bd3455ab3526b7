// SPDX-License-Identifier: MIT
#include "calibration_options.hpp"

#include "option_specs.hpp"

#include <utility>

namespace starflow {
namespace {

OptionSpec text(std::string name, std::string doc) { return option(std::move(name), Accepts::text, std::move(doc)); }

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
  OptionSpec holds_bias = option("dark_holds_bias", Accepts::boolean,
                                 "The dark is as the sensor gave it; false: the bias is off it already.");
  OptionSpec scale =
      option("scale_dark", Accepts::boolean,
             "The dark current grows with the exposure of the frame; false: frames must have the dark's.");
  OptionSpec tolerance =
      number("exposure_tolerance",
             "How far the exposures of frame and dark may be apart, in parts of the dark's, where it is not scaled.",
             "", 0, 1);
  OptionSpec least = number("flat_min", "Pixels of the flat below this part of its median are bad.", "", 0, 1);
  OptionSpec level = choice("flat_level",
                            "What is 1 in the flat: the median of the frame, or of each place of a colour cell, which "
                            "keeps the colours of the sensor.",
                            {"frame", "colour"});
  return {
      text("bias", "Master bias, FITS or image: taken off frames, and off a dark that is scaled."),
      text("dark", "Master dark: taken off frames."),
      with_default(holds_bias, true),
      above_zero(number("dark_exposure_s", "Of the dark, where its header does not tell it.", "s", 0, 1e6)),
      with_default(scale, false),
      with_default(tolerance, 0.02),
      number("hot_sigma", "Pixels of the dark so far above its median are bad; without it none is.", "sigma", 1, 1e6),
      text("flat", "Master flat: frames are divided by it, 1 in its middle."),
      text("flat_dark", "Dark or bias of the flat: taken off it first."),
      with_default(above_zero(least), 0.1),
      with_default(level, std::string("frame"))};
}

}  // namespace starflow
