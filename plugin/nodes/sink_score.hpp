// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node type `sink.score`: how well the stars of a simulated sky were measured.

#include "output_file.hpp"
#include "score.hpp"

#include <starflow/sdk/node.hpp>

#include <string>

namespace starflow {

/// Its report is one JSON object. Members:
/// - `frames`, `failed_frames`: judged, and without a table of stars
/// - `n_truth`, `n_measured`: stars in all
/// - `false_detections`: measured stars that are no true star's; hot pixels among them
/// - `snr_min`: what follows is about isolated true stars (see Truth) of this SNR and more, and in each object of
/// `by_snr`
///   (0-10, 10-30, 30-100, 100 and more; `snr_max` null = no end) about those of its range
/// - `n_isolated`, `found`, `completeness` = found / n_isolated
/// - `failures`: not found, or found with a flag; `flagged_fraction` = flagged / found
/// - the rest is over the stars that were found without a flag, none left out: `outliers` more than 6 bounds away;
///   `rms_x`, `rms_y` px; `rms_over_crlb` of the errors along both axes in units of each star's Cramer-Rao bound, and
///   by axis; `pull_rms_x`, `pull_rms_y` of the errors in units of the reported error, 1 for honest errors
/// A number over no star is null.
/// With the option `path` there is a file, too: for each isolated true star a record of type `match`, which says how
/// far off it was measured.
class SinkScore final : public Sink {
 public:
  explicit SinkScore(const Options& options);
  void start(StartContext& context) override;
  void write(Context& context) override;
  void close(const RunSummary& summary) override;
  [[nodiscard]] std::string report() const override;

 private:
  Score score_;
  double radius_;     // FWHM
  std::string path_;  // of the matches; empty = none
  OutputFile file_;
  std::string text_, unfinished_;
};

}  // namespace starflow
