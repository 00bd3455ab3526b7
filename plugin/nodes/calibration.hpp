// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What master frames of bias, dark and flat take off each pixel, and by how much they multiply it.

#include "calibration_options.hpp"

#include <starflow/sdk/node.hpp>

#include <opencv2/core/mat.hpp>

#include <limits>
#include <string>

namespace starflow {

/// (pixel - offset - exposure * per_second) * gain. Planes are CV_32FC1 of one size, or empty.
struct Calibration {
  cv::Mat offset;      ///< ADU; empty = 0
  cv::Mat per_second;  ///< ADU/s, dark current; empty = 0
  cv::Mat gain;        ///< 1 over the flat, 1 in its middle; empty = 1
  cv::Mat bad;         ///< CV_8UC1, non-zero: no master tells the pixel, or it is hot; empty = none
  std::string path;    ///< of a master, for messages
  double exposure_s = std::numeric_limits<double>::quiet_NaN();  ///< that frames must have; NaN = any
  double least_offset = 0, least_per_second = 0, most_gain = 1;  ///< of all good pixels

  [[nodiscard]] cv::Size size() const;
};

/// Reads the masters. \throws OptionError where one can't be read or used, or their sizes differ
[[nodiscard]] Calibration read_calibration(const CalibrationOptions& options, StartContext& context);

}  // namespace starflow
