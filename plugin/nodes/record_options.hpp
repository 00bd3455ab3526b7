// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The options of everything that writes stars.

#include "record_writer.hpp"

#include <starflow/sdk/options.hpp>

#include <string>
#include <utility>
#include <vector>

namespace starflow {

inline std::vector<OptionSpec> record_style_options() {
  OptionSpec coords;
  coords.name = "coords";
  coords.form = Accepts::text;
  coords.fallback = std::string("frame");
  coords.choices = {"frame", "sensor"};
  coords.doc = "Positions in pixels of the frame as given, or of the sensor: region of interest and binning applied.";
  OptionSpec origin;
  origin.name = "origin";
  origin.form = Accepts::text;
  origin.fallback = std::string("center0");
  origin.choices = pixel_origin_choices();
  origin.doc = "The centre of the first pixel is written as (0, 0), (1, 1) or (0.5, 0.5).";
  std::vector<OptionSpec> all{coords, origin};
  for (OptionSpec& option : star_column_options()) all.push_back(std::move(option));
  return all;
}

inline RecordStyle record_style(const Options& options) {
  return {options.text("coords") == "sensor" ? Coords::sensor : Coords::frame, pixel_origin(options.text("origin")),
          StarColumns(options)};
}

}  // namespace starflow
