// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Before the sinks of a run that keeps a journal are started: whether its nodes allow that, and where it goes on.

#include "instances.hpp"

#include <starflow/graph/diagnostic.hpp>

#include <vector>

namespace starflow::graph {

/// Opens the journal of \p made, whose source and nodes have been started and whose sinks have not, and has the source
/// choose the frames that are left. \p problems get what stands against it; \p made has no journal then.
void open_journal(const GraphSpec& spec,
                  const StartPlan& plan,
                  const InputMarks& inputs,
                  Instances& made,
                  std::vector<Diagnostic>& problems);

}  // namespace starflow::graph
