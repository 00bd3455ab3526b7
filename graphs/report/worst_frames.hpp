// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Which frames of a run to look at first.

#include "results.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace starflow::report {

struct WorstFrame {
  std::size_t row = 0;
  double sigma = 0;  ///< how far it is from the others
  std::string why;   ///< "FWHM 5.2 px, 3.1 of the others"
};

/// Measured frames that are farthest from the median of all, worst first: wider or longer stars, fewer of them, a
/// brighter or noisier sky; of each kind a few, so that one cloud does not hide the rest. Distances are in units of
/// 1.4826 times the median absolute deviation, but of 2 % of the median at least, and of its root for counts.
[[nodiscard]] std::vector<WorstFrame> worst_frames(const std::vector<FrameRow>& rows, std::size_t most);

}  // namespace starflow::report
