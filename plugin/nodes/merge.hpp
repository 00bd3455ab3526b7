// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What shards wrote, put together frame by frame: the MergeFunction of each sink that writes tables.

#include <starflow/sdk/node.hpp>

#include <string>
#include <vector>

namespace starflow {

[[nodiscard]] std::vector<std::string> merge_jsonl(const MergeJob& job);
/// Also of the tables of the frames, into one that is named from the output's name.
[[nodiscard]] std::vector<std::string> merge_csv(const MergeJob& job);
[[nodiscard]] std::vector<std::string> merge_fits(const MergeJob& job);
[[nodiscard]] std::vector<std::string> merge_sqlite(const MergeJob& job);

}  // namespace starflow
