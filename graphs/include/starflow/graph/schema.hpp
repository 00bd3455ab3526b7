// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The JSON Schema of graph files, for editors.

#include <starflow/graph/registry.hpp>

#include <string>

namespace starflow::graph {

/// \return a schema (draft 2020-12) of "starflow.graph/1" with the types of \p registry: their inputs and options with
///         form, range, choices, default and unit. A text "${name}" is allowed wherever a parameter may stand. What a
///         schema can't say (edges that fit, cycles) only `starflow validate` checks. Ended by '\n'.
[[nodiscard]] std::string schema_json(const Registry& registry);

}  // namespace starflow::graph
