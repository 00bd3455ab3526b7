// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Reads PNG, TIFF, JPEG and other images through libstarflow_image.so, which is loaded at the first one.

#include "image_library.hpp"

#include <opencv2/core/mat.hpp>

#include <string>
#include <string_view>

namespace starflow {

/// Loads libstarflow_image.so at the first image.
class ImageReader {
 public:
  /// Reads an image file.
  /// \throws FrameError `image.unreadable`, `image.truncated`, `image.too_large`, `image.unsupported`, or
  ///         `image.no_reader` where the library is missing or of another version; that is tried again at the next
  ///         image.
  [[nodiscard]] ImagePixels read(const std::string& path);

 private:
  const ImageLibraryDescriptor* library_ = nullptr;  // never unloaded
};

/// Takes one plane of a colour image. \param channel `green`, `red`, `blue`, or `luminance` = 0.2126 R + 0.7152 G +
/// 0.0722 B (Rec. ITU-R BT.709) in f32, for f64 in f64. \param bgr 3 or 4 channels. Of integer colours a pixel with one
/// channel at largest_value() has that value in the luminance too: it is saturated.
[[nodiscard]] cv::Mat take_channel(const cv::Mat& bgr, std::string_view channel);

/// The largest number that pixels of an OpenCV depth can hold; NaN for floats and 32-bit integers, which sensors do not
/// fill.
[[nodiscard]] double largest_value(int depth);

}  // namespace starflow
