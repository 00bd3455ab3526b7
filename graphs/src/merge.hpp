// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Puts the outputs of the shards of one run together.

#include <starflow/graph/registry.hpp>
#include <starflow/sdk/node.hpp>

#include <string>
#include <vector>

namespace starflow::graph {

struct MergeResult {
  RunSummary summary;
  bool already_complete = false;  ///< the output was the merge of these shards before
  bool mixed_simd = false;        ///< shards were measured on different instruction sets, where rounding differs
};

/// Makes \p output of \p names, the main outputs of one sink in the shards of a run, each with its journal beside it.
/// They may come in any order; the output is what the run would have written without shards, with a journal that says
/// so. \throws ConfigError with everything that stands against it: a shard that is missing, there twice, not complete
/// or
///         changed, of another run; an output that exists, unless \p force. RunError where the output can't be written
MergeResult merge_shards(const Registry& registry,
                         const std::vector<std::string>& names,
                         const std::string& output,
                         bool force);

}  // namespace starflow::graph
