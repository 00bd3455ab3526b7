// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What libstarflow_image.so does for us: the one library that links OpenCV's imgcodecs and imgproc, which make the
/// start of a program ten times slower, so that it is loaded where it is needed.

#include "overlay_picture.hpp"

#include <starflow/sdk/plugin.hpp>

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace starflow {

/// An image as its file holds it: depth unchanged, colours in the order blue, green, red (, alpha).
struct ImagePixels {
  cv::Mat image;  ///< 1, 3 or 4 channels
  int pages = 1;  ///< of the file; the first one is read
};

inline constexpr std::uint32_t kImageLibraryMagic = 0x53464C49;  // "SFLI"
inline constexpr std::uint32_t kImageLibraryApi = 3;
inline constexpr const char* kImageLibrary = "libstarflow_image.so";
inline constexpr const char* kImageLibrarySymbol = "starflow_image_reader";

/// The one symbol of libstarflow_image.so; checked before a function of it is called.
struct ImageLibraryDescriptor {
  std::uint32_t magic;
  std::uint32_t size;
  std::uint32_t api;
  const char* abi_tag;
  /// Reads an image file. Throws FrameError.
  void (*read)(const std::string& path, ImagePixels& out);
  /// Draws a picture and encodes it as PNG. Throws std::runtime_error where that fails.
  void (*draw)(const OverlayPicture& picture, std::vector<unsigned char>& png);
  /// Reads an image file of 8 bits a colour, makes it no longer than that on either side, and encodes it as JPEG.
  /// Throws FrameError, or std::runtime_error where that fails.
  void (*shrink)(const std::string& path, int longest_px, std::vector<unsigned char>& jpeg);
};

/// Finds the library beside the code that runs, in STARFLOW_PLUGIN_PATH, then in \p folders, and loads it. It is never
/// unloaded.
/// \throws std::runtime_error where it is missing, or of another version; a later call tries again
[[nodiscard]] const ImageLibraryDescriptor& load_image_library(const std::vector<std::string>& folders = {});

}  // namespace starflow
