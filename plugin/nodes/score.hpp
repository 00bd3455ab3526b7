// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Measured stars against true ones, summed over frames.

#include <starflow/sdk/messages.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace starflow {

/// Numbers over the isolated true stars of one range of SNR.
struct ScoreBin {
  double snr_min = 0, snr_max = std::numeric_limits<double>::infinity();
  std::uint64_t n = 0;         ///< isolated true stars
  std::uint64_t found = 0;     ///< of those, with a measured star
  std::uint64_t flagged = 0;   ///< of the found, with a flag besides forced_position
  std::uint64_t outliers = 0;  ///< of the found without a flag, more than 6 bounds away along x or y
  // Sums over the found without a flag, the outliers among them.
  std::uint64_t clean = 0;
  double dx2 = 0, dy2 = 0;          ///< px^2
  double crlb_x2 = 0, crlb_y2 = 0;  ///< of errors in units of their Cramer-Rao bound
  double pull_x2 = 0, pull_y2 = 0;  ///< of errors in units of the reported x_err, y_err
  std::uint64_t pulls = 0;          ///< stars that report both

  void add(const ScoreBin& other);
};

/// A true star has at most one measured star and the other way round: pairs closer than the radius, nearest first.
/// \return for each true star the row of its measured star, kNoMatch where it has none
inline constexpr std::size_t kNoMatch = static_cast<std::size_t>(-1);
[[nodiscard]] std::vector<std::size_t> match_stars(const Truth& truth, const StarTable& stars, double radius_px);

class Score {
 public:
  /// \param snr_min  isolated stars from here on count in the summary
  explicit Score(double snr_min) : snr_min_(snr_min) {}

  void add(const Truth& truth, const StarTable& stars, double radius_px);
  void add_failed_frame() { ++failed_frames_; }

  /// A JSON object; sink.score documents its members.
  [[nodiscard]] std::string json() const;

 private:
  double snr_min_;
  std::uint64_t frames_ = 0, failed_frames_ = 0, truths_ = 0, measured_ = 0, false_detections_ = 0;
  ScoreBin summary_;
  std::array<ScoreBin, 4> bins_ = {ScoreBin{0, 10}, ScoreBin{10, 30}, ScoreBin{30, 100}, ScoreBin{.snr_min = 100}};
};

}  // namespace starflow
