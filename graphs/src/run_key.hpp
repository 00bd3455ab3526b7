// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What makes two runs the same, so that one may go on with the records of the other or be put together with them.

#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/runner.hpp>

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::graph {

/// The files that a run reads, told apart from other files of the same name by size and time of the last change.
class InputMarks {
 public:
  void add(const std::string& path);
  /// Eight hex digits a file.
  [[nodiscard]] const std::string& marks() const noexcept { return marks_; }
  [[nodiscard]] const std::vector<std::string>& paths() const noexcept { return paths_; }

 private:
  std::vector<std::string> paths_;
  std::string marks_;
};

/// A sink of a run with the files it writes, the main one first.
struct SinkFiles {
  std::string node, type;
  std::vector<std::string> files;
};

/// The key of a run as one JSON object: version, instruction set, shard, settings, inputs, sinks. Names of outputs and
/// what can't change a record (threads, names of inputs) are no settings.
[[nodiscard]] nlohmann::json run_key(const GraphSpec& spec,
                                     const Shard& shard,
                                     const InputMarks& inputs,
                                     const std::vector<SinkFiles>& sinks);

/// What differs between the keys of two runs, as a sentence about \p now that begins in small letters; empty = nothing.
/// \param of_shards  they may be different shards of one run, and may have run on different instruction sets
/// \param paths      of the inputs of \p now, to name one; empty = not known
[[nodiscard]] std::string difference(const nlohmann::json& then,
                                     const nlohmann::json& now,
                                     const std::vector<std::string>& paths,
                                     bool of_shards);

}  // namespace starflow::graph
