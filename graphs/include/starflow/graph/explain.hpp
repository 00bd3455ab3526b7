// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What a graph came to, for people: every value with where it came from, and a picture of the nodes.

#include <starflow/graph/graph_spec.hpp>

#include <string>
#include <string_view>

namespace starflow::graph {

/// One line for each value under \p path: `nodes.det.options.fwhm = "auto"  (default)`. Of a single value also what it
/// replaced, what is allowed, and what it means.
/// \param path  parameters.NAME, nodes.ID.options.NAME, run.NAME or the front of one; empty = everything
/// \throws ConfigError where nothing is there, with what was meant
[[nodiscard]] std::string explain(const GraphSpec& spec, std::string_view path);

/// The graph in the language of Graphviz: nodes with the options that were given, edges with what travels on them.
[[nodiscard]] std::string to_dot(const GraphSpec& spec);

}  // namespace starflow::graph
