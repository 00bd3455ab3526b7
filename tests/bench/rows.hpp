// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The measured cases as rows: each of ours beside the peer that does the same work, and what it was to reach.

#include <string>
#include <vector>

#include "cases.hpp"

namespace starflow::bench {

/// Middle and spread of the rounds.
struct Timing {
  double median = Quality::kNone;
  double spread = Quality::kNone;  ///< interquartile range / median
};
[[nodiscard]] Timing timing_of(const Case& c);

struct Row {
  const Case* ours = nullptr;
  Timing time;
  std::string peer;
  double peer_us = Quality::kNone;
  double ratio = Quality::kNone;  ///< peer_us / us
  double goal = 0;                ///< of the ratio; 0 = none was set
  double memcpy_ratio = Quality::kNone, peak_mib = Quality::kNone;

  [[nodiscard]] bool judged() const { return goal > 0 && ratio == ratio; }
};

/// Of a whole frame, kFrameSide px wide and high.
[[nodiscard]] double ns_per_px(double frame_us);

/// The rows of the cases that were timed, in their order; a case with several peers has a row for each.
[[nodiscard]] std::vector<Row> make_rows(const std::vector<Case>& cases);

/// One JSON array, a row a line. Numbers that do not apply are null. \return false where \p path can't be written
[[nodiscard]] bool write_json(const std::vector<Row>& rows, const std::string& path);

void print_table(const std::vector<Row>& rows);
void print_seed_allocations(const SeedAllocations& ours);

}  // namespace starflow::bench
