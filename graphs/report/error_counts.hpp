// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Position errors: the stated ones by signal-to-noise ratio, and the true ones where the truth is known.

#include <array>
#include <cstddef>
#include <cstdint>

namespace starflow::report {

/// How many stars have which S/N and which error, in cells of equal ratios.
struct ErrorCounts {
  static constexpr double kSnrLow = 0, kErrorLow = -5;         ///< log10 of the first edge; errors in px
  static constexpr double kSnrCell = 0.05, kErrorCell = 0.05;  ///< in log10
  static constexpr std::size_t kSnrCells = 100, kErrorCells = 140;

  std::array<std::array<std::uint32_t, kErrorCells>, kSnrCells> cells{};
  std::uint64_t stars = 0;  ///< that lie in a cell

  /// \param error_px  one number for both axes
  void add(double snr, double error_px);
};

/// True stars of a simulated sky, measured.
struct TruthCounts {
  static constexpr std::size_t kSnrCells = 25;  ///< of S/N, from 1 on
  static constexpr double kSnrCell = 0.2;       ///< in log10
  static constexpr std::size_t kPullCells = 48;
  static constexpr double kPullLow = -6, kPullCell = 0.25;

  struct Found {
    std::uint64_t stars = 0, found = 0;
  };
  struct Error {
    std::uint64_t stars = 0;
    double square = 0;  ///< sum of the mean squared error of both axes, px^2
  };
  std::array<Found, kSnrCells> by_true_snr{};
  std::array<Error, kSnrCells> by_snr{};          ///< as measured; stars without a flag
  std::array<std::uint64_t, kPullCells> pulls{};  ///< of both axes; what lies outside is in `outside`
  std::uint64_t outside = 0, pull_count = 0, stars = 0, found = 0, flagged = 0;
  double pull_sum = 0, pull_square = 0;

  /// A true star. \param snr  the true one
  void add_star(double snr, bool was_found, bool was_flagged);
  /// How far off a star without a flag was measured. \param snr  as measured
  void add_error(double snr, double dx, double dy);
  void add_pull(double pull);
};

}  // namespace starflow::report
