// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The `--set path=value` arguments, sorted by what they set.

#include "problems.hpp"

#include <starflow/graph/graph_spec.hpp>

#include <memory>
#include <string>
#include <vector>

namespace starflow::graph {

/// One argument. `name` is what follows the part that `target` and `node` say: an option, a parameter or a run setting.
struct SetArgument {
  enum class Target : std::uint8_t { parameter, node, run };
  Target target = Target::parameter;
  std::string node, name;
  JsonDoc doc;
  std::string from;  ///< "--set", or what the user wrote instead
};

/// Splits the paths; of equal ones the last stays. Paths of another form are problems.
[[nodiscard]] std::vector<SetArgument> read_overrides(const Overrides& overrides, Problems& problems);

}  // namespace starflow::graph
