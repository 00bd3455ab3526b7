// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A frame in the graph: pixels as cv::Mat in their native type, and what is known about them.

#include <starflow/core/detector.hpp>
#include <starflow/core/frame_view.hpp>
#include <starflow/sdk/message.hpp>

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace starflow {

/// Where a constant of the frame came from.
enum class Origin : std::uint8_t { assumed, estimated, metadata, config };
inline constexpr std::string_view kOriginNames[] = {"assumed", "estimated", "metadata", "config"};

/// A number and where it came from.
struct Stated {
  double value = std::numeric_limits<double>::quiet_NaN();  ///< NaN = unknown
  Origin origin = Origin::assumed;
};

/// What is known about a frame; travels with everything derived from it.
struct FrameInfo {
  std::uint64_t frame_id = 0;  ///< index in the full sorted input, or the camera's own number
  std::string source{};        ///< path or device, as given
  int width = 0, height = 0;   ///< px
  std::string unit = "ADU";    ///< of the pixels
  Stated gain{};               ///< e-/ADU
  Stated read_noise{};         ///< e-
  Stated saturation{};         ///< ADU
  double exposure_s = std::numeric_limits<double>::quiet_NaN();
  std::string t_mid{};       ///< ISO 8601, UTC, middle of the exposure; empty = unknown
  int roi_x = 0, roi_y = 0;  ///< position of the first pixel on the sensor, in sensor pixels
  int binning_x = 1, binning_y = 1;
  std::string channel{};             ///< "green", ... where a plane of a colour frame was taken; else empty
  int plane = -1;                    ///< plane of a cube; -1 = the frame has one
  std::string mosaic{};              ///< Bayer pattern of the first 2x2 pixels, RGGB, BGGR, GRBG or GBRG; empty = none
  std::vector<std::string> notes{};  ///< what the reader of the record should know (an ignored keyword, ...)

  [[nodiscard]] Detector detector() const noexcept;
};

/// Immutable once made. Copies are not needed: share it by shared_ptr<const Frame>.
class Frame {
 public:
  /// Takes the matrix over: without a copy where it is the last reference to its own buffer, else by copy, since OpenCV
  /// writes the next picture into a buffer that a caller still holds.
  /// \throws std::invalid_argument for a depth or channel count that is not supported, see kSupportedPixels.
  [[nodiscard]] static Frame adopt(cv::Mat&& image, FrameInfo info);
  /// Deep copy of \p image. Throws as adopt().
  [[nodiscard]] static Frame copy(const cv::Mat& image, FrameInfo info);
  /// Uses memory that somebody else owns; \p release is called exactly once, when nobody reads the pixels any more,
  /// whatever became of the frame, from any thread (also when this function throws). It must not throw.
  [[nodiscard]] static Frame borrow(cv::Mat image, FrameInfo info, std::function<void()> release);

  /// \p mask CV_8UC1 of the frame's size, non-zero = bad. \throws std::invalid_argument for another size or type.
  void set_mask(cv::Mat mask);
  /// \p variance CV_32FC1 of the frame's size, ADU^2, background included. \throws std::invalid_argument likewise.
  void set_variance(cv::Mat variance);

  [[nodiscard]] const cv::Mat& image() const noexcept { return image_; }
  [[nodiscard]] const cv::Mat& mask() const noexcept { return mask_; }
  [[nodiscard]] const cv::Mat& variance() const noexcept { return variance_; }
  [[nodiscard]] const FrameInfo& info() const noexcept { return *info_; }
  [[nodiscard]] std::shared_ptr<const FrameInfo> share_info() const noexcept { return info_; }
  [[nodiscard]] FrameView view() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;  ///< of the pixels, mask and variance

 private:
  Frame(cv::Mat image, FrameInfo info);
  cv::Mat image_, mask_, variance_;
  std::shared_ptr<const FrameInfo> info_;
  std::shared_ptr<void> lease_;  // runs a borrower's release
};

inline constexpr std::string_view kSupportedPixels = "one channel of u8, u16, i16, i32, f32 or f64";

template <>
inline constexpr std::string_view message_type<Frame> = "starflow.frame/1";

}  // namespace starflow
