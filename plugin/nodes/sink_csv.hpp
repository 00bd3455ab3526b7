// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node type `sink.csv`: a table of stars and one of frames, as CSV or ECSV.

#include "output_file.hpp"
#include "record_writer.hpp"

#include <starflow/sdk/node.hpp>

#include <string>
#include <vector>

namespace starflow {

/// The table of frames that goes with a table of stars: "night/stars_frames.csv" for "night/stars.csv".
[[nodiscard]] std::string frames_beside(const std::string& path);

/// Writes every frame in order: its stars into one file, what is known of it, measured or not, into the other. Both get
/// their names when the run is complete, the frames first; else they stay as `<path>.part`, and report() names them.
class SinkCsv final : public Sink {
 public:
  explicit SinkCsv(const Options& options);
  [[nodiscard]] std::vector<std::string> files() const override;
  void start(StartContext& context) override;
  void write(Context& context) override;
  std::string checkpoint() override;
  void close(const RunSummary& summary) override;
  [[nodiscard]] std::string report() const override { return report_; }

 private:
  std::string path_, frames_path_;
  bool ecsv_ = false, frames_ = false;
  RecordStyle style_;
  RunIdentity run_;
  OutputFile stars_file_, frames_file_;
  std::string text_, report_;
};

}  // namespace starflow
