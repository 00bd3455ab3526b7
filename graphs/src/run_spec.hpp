// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The `run` object of a graph.

#include "option_layers.hpp"

#include <starflow/graph/graph_spec.hpp>

#include <memory>
#include <vector>

namespace starflow::graph {

/// The settings of `run` in the words of options: names with dots are members of nested objects.
[[nodiscard]] const std::vector<OptionSpec>& run_options();

/// \param object  the `run` member of \p doc; null = there is none
[[nodiscard]] std::shared_ptr<const ResolvedOptions> resolve_run(const JsonDoc& doc,
                                                                 const JsonValue* object,
                                                                 const std::vector<SetArgument>& set,
                                                                 const Parameters& parameters,
                                                                 Problems& problems);

[[nodiscard]] RunSpec read_run(const ResolvedOptions& options);

}  // namespace starflow::graph
