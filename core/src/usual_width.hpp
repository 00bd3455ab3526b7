// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How wide the stars of a frame are along their major axes, and which star is longer than that.

#include "star_row.hpp"

#include <array>
#include <cstddef>

namespace starflow {

/// The frame's own stars are the measure: two stars that one model or window takes for one fit it well, but no lone
/// star of the frame is as long. Two alike are, from 1.0 FWHM apart on, 1.5 times as long; one a quarter as bright
/// makes 1.35 of it.
class UsualWidth {
 public:
  /// Offers a star as a sample; of the brightest first. \return false once there are enough
  bool offer(const StarRow& row);

  /// To be called after the last offer. Of fewer than kFew samples nothing is taken to be longer than usual.
  void settle();

  /// \return flag::extended where the star is longer than usual by more than the stars' scatter and its own noise
  ///         explain, flag::trailed where it is so along one axis only, or where it is that much longer than wide and
  ///         no star tells what is usual; 0 where its width is not known or not of the method asked for
  [[nodiscard]] Flags judge(const StarRow& row) const;

 private:
  static constexpr std::size_t kFew = 5, kEnough = 20, kMost = 1024;

  std::array<double, kMost> sample_{};  ///< px
  std::size_t size_ = 0;
  double usual_ = 0;  ///< px; 0 = not known
  double slack_ = 0;  ///< in parts of it
};

}  // namespace starflow
