// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node type `records`: a table of stars in, its JSON lines out.

#include "record_writer.hpp"

#include <starflow/sdk/node.hpp>

namespace starflow {

/// Makes what sink.jsonl would write of a frame available inside the graph and to callbacks.
class RecordsNode final : public Node {
 public:
  explicit RecordsNode(const Options& options);
  void start(StartContext& context) override;
  void process(Context& context) override;

 private:
  RecordStyle style_;
  RunIdentity run_;
};

}  // namespace starflow
