// SPDX-License-Identifier: MIT
#include "error_counts.hpp"

#include <cmath>

namespace starflow::report {
namespace {

/// \return the number of the cell that \p value lies in, or \p cells
std::size_t cell_of(double value, double low, double width, std::size_t cells) {
  const double at = std::floor((value - low) / width);
  return at >= 0 && at < static_cast<double>(cells) ? static_cast<std::size_t>(at) : cells;
}

}  // namespace

void ErrorCounts::add(double snr, double error_px) {
  const std::size_t s = cell_of(std::log10(snr), kSnrLow, kSnrCell, kSnrCells);
  const std::size_t e = cell_of(std::log10(error_px), kErrorLow, kErrorCell, kErrorCells);
  if (s == kSnrCells || e == kErrorCells) return;
  ++cells[s][e];
  ++stars;
}

void TruthCounts::add_star(double snr, bool was_found, bool was_flagged) {
  ++stars;
  found += was_found ? 1 : 0;
  flagged += was_found && was_flagged ? 1 : 0;
  const std::size_t s = cell_of(std::log10(snr), 0, kSnrCell, kSnrCells);
  if (s == kSnrCells) return;
  ++by_true_snr[s].stars;
  by_true_snr[s].found += was_found ? 1 : 0;
}

void TruthCounts::add_error(double snr, double dx, double dy) {
  const std::size_t s = cell_of(std::log10(snr), 0, kSnrCell, kSnrCells);
  const double square = 0.5 * (dx * dx + dy * dy);
  if (s == kSnrCells || !std::isfinite(square)) return;
  ++by_snr[s].stars;
  by_snr[s].square += square;
}

void TruthCounts::add_pull(double pull) {
  if (!std::isfinite(pull)) return;
  ++pull_count;
  pull_sum += pull;
  pull_square += pull * pull;
  const std::size_t at = cell_of(pull, kPullLow, kPullCell, kPullCells);
  at == kPullCells ? ++outside : ++pulls[at];
}

}  // namespace starflow::report
