// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node type `sink.jsonl`: one file of frame, star, rejected and run records.

#include "output_file.hpp"
#include "record_writer.hpp"

#include <starflow/sdk/node.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace starflow {

/// Writes every frame, measured or not, in order, and ends with the run's record. The file gets its name when the run
/// is complete; else it stays as `<path>.part` with a run record that says `complete: false`, and report() names it.
class SinkJsonl final : public Sink {
 public:
  explicit SinkJsonl(const Options& options);
  [[nodiscard]] std::vector<std::string> files() const override;
  void start(StartContext& context) override;
  void write(Context& context) override;
  std::string checkpoint() override;
  void close(const RunSummary& summary) override;
  [[nodiscard]] std::string report() const override { return report_; }

 private:
  std::string path_;
  RecordStyle style_;
  RunIdentity run_;
  OutputFile file_;
  std::string text_;
  std::uint64_t stars_ = 0;
  std::string report_;
};

}  // namespace starflow
