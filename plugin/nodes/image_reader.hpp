// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Reads PNG, TIFF, JPEG and other images through libstarflow_image.so, which is loaded at the first one: what it links
/// makes the start of a program ten times slower.

#include <starflow/sdk/plugin.hpp>

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace starflow {

/// An image as its file holds it: depth unchanged, colours in the order blue, green, red (, alpha).
struct ImagePixels {
  cv::Mat image;  ///< 1, 3 or 4 channels
  int pages = 1;  ///< of the file; the first one is read
};

inline constexpr std::uint32_t kImageReaderMagic = 0x53464C49;  // "SFLI"
inline constexpr std::uint32_t kImageReaderApi = 1;
inline constexpr const char* kImageLibrary = "libstarflow_image.so";
inline constexpr const char* kImageReaderSymbol = "starflow_image_reader";

/// The one symbol of libstarflow_image.so; checked before `read` is called. `read` throws FrameError.
struct ImageReaderDescriptor {
  std::uint32_t magic;
  std::uint32_t size;
  std::uint32_t api;
  const char* abi_tag;
  void (*read)(const std::string& path, ImagePixels& out);
};

/// Finds libstarflow_image.so at the first image: beside the code that runs, then in STARFLOW_PLUGIN_PATH.
class ImageReader {
 public:
  /// Reads an image file.
  /// \throws FrameError `image.unreadable`, `image.truncated`, `image.too_large`, `image.unsupported`, or
  ///         `image.no_reader` where the library is missing or of another version; that is tried again at the next
  ///         image.
  [[nodiscard]] ImagePixels read(const std::string& path);

 private:
  const ImageReaderDescriptor* library_ = nullptr;  // never unloaded
};

/// Takes one plane of a colour image. \param channel `green`, `red`, `blue`, or `luminance` = 0.2126 R + 0.7152 G +
/// 0.0722 B (Rec. ITU-R BT.709) in f32, for f64 in f64. \param bgr 3 or 4 channels. Of integer colours a pixel with one
/// channel at largest_value() has that value in the luminance too: it is saturated.
[[nodiscard]] cv::Mat take_channel(const cv::Mat& bgr, std::string_view channel);

/// The largest number that pixels of an OpenCV depth can hold; NaN for floats and 32-bit integers, which sensors do not
/// fill.
[[nodiscard]] double largest_value(int depth);

}  // namespace starflow
