// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the command line changes of a graph.

#include "commands.hpp"

namespace starflow::tool {

/// \throws graph::ConfigError for a --set without "=".
[[nodiscard]] graph::Overrides overrides_of(const RunArguments& arguments);

}  // namespace starflow::tool
