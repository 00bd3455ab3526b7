// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// One line of the benchmark: what is run, over how many stars, and what came of it.

#include "stamps.hpp"

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace starflow::bench {

/// How good the answers are; NaN = does not apply.
struct Quality {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double rms_over_crlb = kNone;    ///< RMS over x and y of (position - truth) / bound, all stars that gave a position
  double iterations = kNone;       ///< mean
  double allocs_per_star = kNone;  ///< heap allocations once warm
  double failed = kNone;           ///< stars without a position, or by another method than the one asked for
};

struct Case {
  std::string name;
  int stamp = 0;  ///< side, px; 0 = whole frames
  std::string type;
  std::size_t units = 1;  ///< stars, or frames, of one run
  std::function<void(Case&)> prepare;
  std::function<void()> run;         ///< set by `prepare`
  Quality quality;                   ///< the same
  std::size_t stars = 0;             ///< of a whole frame, the same
  double peak_mib = Quality::kNone;  ///< the same
  std::vector<double> us{};          ///< thread CPU time of a unit in each round

  [[nodiscard]] std::string label() const { return name + '/' + std::to_string(stamp) + '/' + type; }
};

/// A position of a star of a Field, px of its frame.
struct Position {
  double x = Quality::kNone, y = Quality::kNone;
  double iterations = 0;
  bool failed = false;
};

/// The scores of \p positions, one for each star of \p field.
[[nodiscard]] Quality judge(const Field& field, const std::vector<Position>& positions);

/// The field of this profile and stamp, drawn at the first call and kept.
[[nodiscard]] const Field& field_of(Profile profile, int side);

void add_methods(std::vector<Case>& cases);      ///< every preset of starflow, from frame to row
void add_kernels(std::vector<Case>& cases);      ///< the same without gathering, metrics and rows
void add_seed_cases(std::vector<Case>& cases);   ///< the three that the first plan of this engine named
void add_frames(std::vector<Case>& cases);       ///< background, detection and measurement of a frame
void add_ceres_cases(std::vector<Case>& cases);  ///< Ceres TinySolver
void add_gsl_cases(std::vector<Case>& cases);    ///< GSL multifit_nlinear
void add_sep_cases(std::vector<Case>& cases);    ///< SEP's winpos, and its way through a frame

/// Most memory that a process needs for background, detection and measurement of a frame, MiB; the frame included.
[[nodiscard]] double peak_mib(const std::string& method, PixelType type);

/// Allocations of one star and of 1,000 stars.
struct SeedAllocations {
  double single_moments = 0, single_fit = 0, thousand_fits = 0;
};
[[nodiscard]] SeedAllocations count_seed_allocations();

/// Heap allocations of `operator new` since the program began.
[[nodiscard]] std::size_t allocations();

}  // namespace starflow::bench
