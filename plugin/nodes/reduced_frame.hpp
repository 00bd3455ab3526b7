// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A frame made small enough to look at.

#include <starflow/sdk/frame.hpp>

#include <opencv2/core/mat.hpp>

namespace starflow {

struct ReducedFrame {
  cv::Mat values;  ///< CV_32FC1; NaN where no pixel counts
  int factor = 1;  ///< pixels of the frame along the side of one of these
};

/// Means of blocks of factor x factor pixels that count (is_valid()); blocks at the right and lower border may be cut.
/// A mosaic is reduced by an even factor, so that each block has all its colours.
/// \param longest  most pixels along either side, from 1 on
/// \param offset   taken off each pixel before it is rounded to float; a finite number
[[nodiscard]] ReducedFrame reduced(const Frame& frame, int longest, double offset);

/// Grey levels for the eye: the sky dark, faint stars visible, bright ones not all white. Black lies 2 sigma below the
/// median, white at the brightest values; between them asinh (Lupton et al. 2004, PASP 116, 133), linear up to about
/// 3 sigma. sigma is 1.4826 times the median absolute deviation.
/// \return CV_8UC1; NaN is 0
[[nodiscard]] cv::Mat stretched(const cv::Mat& values);

}  // namespace starflow
