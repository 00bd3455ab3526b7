// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The columns of a table with one row a frame, measured or not.

#include "record_writer.hpp"

#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include <span>
#include <string>
#include <vector>

namespace starflow {

/// As the frame records have them, less what is a list or an object there: `errors` and `rejected` are one text each.
[[nodiscard]] const std::vector<TableColumn>& frame_columns();

/// One frame's row.
class FrameRow {
 public:
  /// \param stars  null = not measured: what hangs on them is null, where an empty sky has 0 stars
  FrameRow(const FrameInfo& info,
           const StarList* stars,
           Outcome outcome,
           std::span<const NodeError> errors,
           const RunIdentity& run);

  /// In the order of frame_columns(). The texts are borrowed from this row and from what it was made of.
  [[nodiscard]] const std::vector<TableCell>& cells() const noexcept { return cells_; }

 private:
  std::string errors_, rejected_, config_hash_;
  std::vector<TableCell> cells_;
};

}  // namespace starflow
