// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The parts of the page, each as HTML; empty where the results have nothing for it.

#include "results.hpp"
#include "worst_frames.hpp"

#include <string>
#include <vector>

namespace starflow::report {

/// A frame to look at.
struct Card {
  WorstFrame frame;
  std::string picture;  ///< a data URL; empty = none
};

/// Counts, outcomes as a bar, what is missing or damaged.
[[nodiscard]] std::string summary_section(const Results& results);
/// FWHM and ellipticity over the field.
[[nodiscard]] std::string field_section(const Results& results);
/// Stated errors by S/N; flags; what was left out.
[[nodiscard]] std::string stars_section(const Results& results);
/// Pulls, errors and completeness by S/N, where the truth is known.
[[nodiscard]] std::string truth_section(const Results& results);
/// Frames that stand out.
[[nodiscard]] std::string cards_section(const Results& results, const std::vector<Card>& cards);
/// Errors of frames, grouped by node and code.
[[nodiscard]] std::string failures_section(const Results& results);

}  // namespace starflow::report
