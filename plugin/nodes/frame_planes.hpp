// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Masks and variances that go with frames: files for all frames, or one for each by a pattern.

#include "bad_pixel_file.hpp"
#include "frame_pattern.hpp"

#include <starflow/sdk/node.hpp>

#include <opencv2/core/mat.hpp>

#include <string>
#include <vector>

namespace starflow {

/// `mask`, `variance`, `bad_pixels`, `bad_pixels_origin`
[[nodiscard]] std::vector<OptionSpec> frame_plane_options();

/// Immutable after start(): any number of threads may ask.
class FramePlanes {
 public:
  struct Planes {
    cv::Mat mask;                    ///< CV_8UC1, non-zero = bad; empty = none. Shared: not to be written
    cv::Mat variance;                ///< CV_32FC1, ADU^2; empty = none. Shared likewise
    std::vector<std::string> notes;  ///< for the frame's record
  };

  explicit FramePlanes(const Options& options);

  /// Reads the files that are for all frames.
  /// \throws OptionError where one can't be read, or a pattern has an unknown name in braces
  void start(StartContext& context);

  [[nodiscard]] bool per_frame() const noexcept;
  [[nodiscard]] bool has_frame_id() const;
  /// The files of one frame alone; only `source` and `frame_id` of \p info count.
  [[nodiscard]] std::vector<std::string> paths(const FrameInfo& info) const;
  /// What goes with a frame.
  /// \throws FrameError `mask.missing`, `mask.unreadable`, `mask.size`, the same of `variance` and `bad_pixels`
  [[nodiscard]] Planes of(const FrameInfo& info) const;

 private:
  struct Text {
    std::string mask, variance, bad_pixels;
  };

  Text text_;
  int first_pixel_ = 0;  // of a list of bad pixels
  FramePattern mask_pattern_, variance_pattern_, bad_pixels_pattern_;
  cv::Mat mask_, variance_;  // for all frames
  std::vector<BadPixels> bad_pixels_;
};

/// \throws FrameError(\p code) where the size of a plane is not the frame's. \param what  the plane, for the message
void require_size(const std::string& code, const std::string& what, cv::Size plane, cv::Size frame);

/// A pixel is bad where one of them says so; either may be empty. Neither is written.
[[nodiscard]] cv::Mat merge_masks(const cv::Mat& a, const cv::Mat& b);

}  // namespace starflow
