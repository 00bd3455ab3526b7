// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node types of the runtime itself, which no plugin has to bring.

#include <starflow/sdk/node.hpp>

#include <string_view>

namespace starflow::graph {

/// The source of a graph that a host pushes frames into with GraphRunner::submit(). One output, "frame"; no options.
inline constexpr std::string_view kPushSource = "source.push";

/// Adds the types of the runtime to a registry. \throws as Registrar::add().
void register_builtin(Registrar& registry);

}  // namespace starflow::graph
