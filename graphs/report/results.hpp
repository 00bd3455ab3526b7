// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What files of results come to: the numbers that the report shows, gathered record by record in bounded memory.

#include "error_counts.hpp"
#include "field_map.hpp"
#include "record.hpp"
#include "sample.hpp"

#include <starflow/core/flags.hpp>
#include <starflow/sdk/node.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace starflow::report {

inline constexpr std::size_t kOutcomes = std::size(kOutcomeNames);

struct FrameRow {
  std::int64_t id = 0;
  std::size_t file = 0;  ///< of the results
  std::string source;
  std::size_t outcome = 0;
  double stars = 0, left_out = 0, background = 0, noise = 0, fwhm = 0;  ///< NaN = not measured
  double ellipticity = std::numeric_limits<double>::quiet_NaN();        ///< median of its stars
  double time_s = 0;                                                    ///< since 1970, UTC; NaN = unknown
  std::string error;                                                    ///< code of the first; empty = none
};

struct ErrorGroup {
  std::uint64_t count = 0;
  std::string text, source;          ///< of the first
  std::vector<std::int64_t> frames;  ///< the first few
};

/// One file of results.
struct FileState {
  std::string path;
  std::uint64_t frames = 0, damaged_lines = 0, first_damaged = 0;
  bool unfinished_line = false, has_run = false, complete = false;
  std::string reason;      ///< why not
  double run_frames = -1;  ///< as its run record counts; -1 = it has none
};

class Results {
 public:
  static constexpr std::size_t kMostRows = 100'000;  ///< frames that are listed
  static constexpr double kShapeSnr = 20;            ///< stars of less tell nothing of the shape

  void begin_file(std::string path);
  /// A line of the file that was begun last; \p good where it was a record.
  void add(const Record& record);
  void add_damaged(std::uint64_t line, bool unfinished);
  void end_file();

  std::vector<FileState> files;
  std::vector<FrameRow> rows;
  std::uint64_t frames = 0;
  std::array<std::uint64_t, kOutcomes> outcomes{};
  std::uint64_t stars = 0;
  std::array<std::uint64_t, kFlagNames.size()> flags{};
  std::uint64_t clean_stars = 0;
  std::map<std::string, double> rejected;
  std::map<std::pair<std::string, std::string>, ErrorGroup> errors;  ///< by node and code
  std::uint64_t errors_beyond = 0;                                   ///< in no group: there are too many
  std::set<std::string> versions, hashes;
  std::string unit;
  double exposure_s = 0;
  FieldMap field;
  ErrorCounts error_counts;
  TruthCounts truth;

 private:
  void add_frame(const Record& record);
  void add_star(const Record& record);
  void add_match(const Record& record);
  void end_frame();

  /// Of the frame whose stars come now.
  struct Place {
    double id = -1, x0 = 0, y0 = 0, width = 0, height = 0;
  };
  Place place_;
  Sample ellipticity_{20'000};
};

/// \param text  ISO 8601, UTC. \return seconds since 1970; NaN where it is none
[[nodiscard]] double seconds_of(const std::string& text);
/// "2026-11-23 14:15:11"
[[nodiscard]] std::string time_text(double seconds);

/// Reads every file. \throws InputError where one can't be read, or holds no record of a frame
[[nodiscard]] Results read_results(const std::vector<std::string>& paths);

}  // namespace starflow::report
