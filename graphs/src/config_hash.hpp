// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A short name for everything in a graph that can change a measurement.

#include <starflow/graph/graph_spec.hpp>

#include <string>

namespace starflow::graph {

/// 16 hex digits: FNV-1a, 64 bit, of the nodes by id with type, wiring and resolved options; options that can't change
/// a result, `run`, names and documentation are left out, and the order in the file does not matter. Source: Fowler,
/// Noll, Vo; IETF draft-eastlake-fnv.
[[nodiscard]] std::string config_hash(const GraphSpec& spec);

}  // namespace starflow::graph
