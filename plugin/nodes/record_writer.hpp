// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The lines that leave the graph: frame, star, rejected and run records as JSON, one object a line.

#include "star_columns.hpp"

#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace starflow {

/// How stars are written.
struct RecordStyle {
  Coords coords = Coords::frame;
  PixelOrigin origin = PixelOrigin::center0;
  StarColumns columns = {};
};

/// What made the records.
struct RunIdentity {
  std::string config_hash, version;
};

/// What stands in the record of one frame. \param config_hash  of the configuration it was measured with; empty = the
/// run's
[[nodiscard]] inline RunIdentity identity_of_frame(const RunIdentity& run, std::string_view config_hash) {
  return {config_hash.empty() ? run.config_hash : std::string(config_hash), run.version};
}

/// Appends a frame's record. \p stars null = not measured: counts and sky are null then, where an empty sky has 0
/// stars.
void append_frame_record(std::string& out,
                         const FrameInfo& info,
                         const StarList* stars,
                         Outcome outcome,
                         std::span<const NodeError> errors,
                         const RecordStyle& style,
                         const RunIdentity& run);

/// Appends one record for each star, in their order, with the columns of \p style, those of \p tracks behind them where
/// it has rows and \p style is not a choice; NaN is null.
/// Never allocates once \p out is large enough. \throws std::invalid_argument for columns of different lengths.
void append_star_records(std::string& out,
                         const FrameInfo& info,
                         const StarTable& stars,
                         const RecordStyle& style,
                         const StarTracks& tracks = {});

/// As append_star_records(), with the reason of each, for stars that were left out. \throws std::invalid_argument also
/// where reasons and stars are not as many.
void append_rejected_records(std::string& out,
                             const FrameInfo& info,
                             const RejectedStars& listed,
                             const RecordStyle& style);

/// Appends the record that ends a file. \p stars are the star records before it.
void append_run_record(std::string& out, const RunSummary& summary, std::uint64_t stars, const RunIdentity& run);

}  // namespace starflow
