// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What a run says at its end: failures, reports of sinks, counts, times.

#include "progress.hpp"

#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/runner.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace starflow::tool {

/// Tells of the frames that did not come out whole: the first few at once, the rest as a number.
class FailureLines {
 public:
  explicit FailureLines(Progress& progress) : progress_(progress) {}
  void add(const graph::FrameResult& result);
  void finish() const;

 private:
  Progress& progress_;
  std::size_t count_ = 0;
};

/// A sink's report, one JSON object: a line for each value, a table for a list of objects; an output that is not
/// complete is a warning. \param kept  a journal tells how to go on with it
void print_report(const std::string& node, const std::string& text, bool kept);

/// "12 frames: 11 ok, 1 failed; 300 stars; 1.20 s, 10.0 frames/s"
/// \param continued  frames that an earlier run had done
void print_counts(const RunSummary& summary, std::uint64_t continued, double seconds);

/// A line for each node: calls, errors, quantiles of the body's time and of the wait for it; and what was inside at
/// most.
void print_node_times(const graph::RunReport& report);

/// Which field of the stage times each node belongs to.
class StageTimes {
 public:
  explicit StageTimes(const graph::GraphSpec& spec);
  /// One JSON line. read_s is of the source, detect_s of nodes that make detections, whose background is measured
  /// inside and not timed apart (background_s is null), centroid_s of nodes that make stars of a frame, write_s of
  /// sinks. Wall seconds; with several threads the stages overlap.
  [[nodiscard]] std::string json(const graph::RunReport& report, double total_seconds) const;

 private:
  enum class Stage : std::uint8_t { read, detect, centroid, write, other };
  std::vector<Stage> stages_;  // of each node
};

}  // namespace starflow::tool
