// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How lopsided what the model leaves over of a frame's stars is, and which star is more so.

#include "star_row.hpp"

#include <array>
#include <cstddef>

namespace starflow {

/// The frame's own stars are the measure: coma is common to them, a neighbour is not. Where three in four of the bright
/// ones are not lopsided, a star of 0.14 of the light at 1 FWHM is seen from S/N 100 on, which leaves 0.023 to 0.045 of
/// it; below the limit that holds for every optic it would hide. Of 20,000 lone stars a cell (Gaussian and Moffat, by
/// Gaussian and Moffat fits and windows, FWHM 2 to 5 px, S/N 100 to 1,000) none was called lopsided.
class UsualSkew {
 public:
  /// Offers a star as a sample.
  void offer(const StarRow& row);

  /// To be called after the last offer.
  void settle();

  /// \return flag::poor_fit where the star is more lopsided than usual by more than the stars' scatter explains; 0
  ///         where too few samples say what is usual
  [[nodiscard]] Flags judge(const StarRow& row) const;

 private:
  static constexpr std::size_t kEnough = 10, kMost = 1024;

  std::array<double, kMost> sample_{};
  std::size_t size_ = 0;
  double limit_ = 0;  ///< 0 = not known
};

}  // namespace starflow
