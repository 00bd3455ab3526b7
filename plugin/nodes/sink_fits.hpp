// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node type `sink.fits`: binary tables of stars and frames in one file.

#include "fits_table_writer.hpp"
#include "output_file.hpp"
#include "record_writer.hpp"
#include "table_file.hpp"

#include <starflow/sdk/node.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace starflow {

/// Writes the stars of every frame in order as they come; one row for each frame, measured or not, is kept until the
/// end (about 300 bytes). The file gets its name when the run is complete; else it stays as `<path>.part`, a whole FITS
/// file too where it could be written, and report() names it.
class SinkFits final : public Sink {
 public:
  explicit SinkFits(const Options& options);
  [[nodiscard]] std::vector<std::string> files() const override;
  void start(StartContext& context) override;
  void write(Context& context) override;
  std::string checkpoint() override;
  void close(const RunSummary& summary) override;
  [[nodiscard]] std::string report() const override { return report_; }

 private:
  void restore(const std::vector<std::string>& checkpoints);
  void finish(const RunSummary& summary);
  [[nodiscard]] std::string primary_header(bool complete) const;

  std::string path_;
  RecordStyle style_;
  RunIdentity run_;
  std::vector<FitsColumn> columns_;    ///< the frame's number first
  std::vector<std::size_t> of_style_;  ///< for each but the first, its number in style_.columns
  OutputFile file_;
  std::uint64_t stars_at_ = 0;  ///< bytes before the header of the stars
  std::uint64_t stars_ = 0, stars_bytes_ = 0;
  std::vector<std::vector<Cell>> frames_;  ///< in the order of frame_columns()
  std::size_t told_ = 0;                   ///< of them, how many checkpoint() has given
  std::string text_, report_;
};

}  // namespace starflow
