// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the node `filter` can be told, as rules.

#include <starflow/core/star_filter.hpp>
#include <starflow/sdk/options.hpp>

#include <vector>

namespace starflow {

/// The only list of these options. None has a default that takes a row.
[[nodiscard]] std::vector<OptionSpec> filter_option_table();

/// \throws OptionError for an option that says nothing without another one, or contradicts it.
[[nodiscard]] FilterRules read_filter(const Options& o);

}  // namespace starflow
