// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What `calibrate` can be told.

#include <starflow/sdk/options.hpp>

#include <optional>
#include <string>
#include <vector>

namespace starflow {

struct CalibrationOptions {
  std::string bias, dark, flat, flat_dark;  ///< paths; empty = not given
  std::optional<double> dark_exposure_s, hot_sigma;
  bool dark_holds_bias = true, scale_dark = false;
  bool flat_by_colour = false;
  double exposure_tolerance = 0;  ///< part of the dark's
  double flat_min = 0;            ///< part of the median

  /// \throws OptionError where options contradict, or miss another one
  explicit CalibrationOptions(const Options& o);
};

/// The only list of these options.
[[nodiscard]] std::vector<OptionSpec> calibration_option_table();

}  // namespace starflow
