// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the node `centroid` can be told, as options of the measurement.

#include <starflow/core/measure.hpp>
#include <starflow/sdk/options.hpp>

#include <vector>

namespace starflow {

/// The only list of these options. Those that go with some methods only have no default here, so that it shows where
/// they were given; the sentence of each names what holds without it.
[[nodiscard]] std::vector<OptionSpec> centroid_option_table();

/// \throws OptionError for an option that does not go with the others, saying with what it goes.
[[nodiscard]] MeasureOptions read_centroid(const Options& o);

}  // namespace starflow
