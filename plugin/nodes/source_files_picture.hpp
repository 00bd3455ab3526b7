// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Pixels of one file after the other, whatever its format.

#include "fits_reader.hpp"
#include "image_reader.hpp"
#include "source_files_options.hpp"

#include <starflow/sdk/frame.hpp>

#include <opencv2/core/mat.hpp>

#include <memory>
#include <string>

namespace starflow {

/// What one file, or one plane of it, gives.
struct Picture {
  cv::Mat image;
  cv::Mat mask;  ///< empty = none
};

/// Opens files by their content, not their name, and goes through the planes of a cube where that is asked for.
class PictureReader {
 public:
  /// \param options  hdu, channel and plane count; must outlive this object
  explicit PictureReader(const FilesOptions& options) : options_(options) {}

  /// The file's picture, or the first plane of a cube with option plane = all; keywords and notes go into \p info.
  /// \throws FrameError with a text that does not name the file: "is empty (0 bytes)"
  [[nodiscard]] Picture read(const std::string& path, FrameInfo& info);
  /// \return true while a cube has planes left
  [[nodiscard]] bool has_plane() const noexcept { return cube_ != nullptr; }
  /// The next plane of that cube. \throws FrameError likewise.
  [[nodiscard]] Picture read_plane(FrameInfo& info);

 private:
  [[nodiscard]] Picture read_fits(const std::string& path, FrameInfo& info);
  [[nodiscard]] Picture read_image(const std::string& path, FrameInfo& info);

  const FilesOptions& options_;
  std::unique_ptr<FitsReader> cube_;  // whose planes are being sent
  int next_plane_ = 0;
  ImageReader images_;
};

/// A file that goes with frames: its first image, with all channels that it has; what a FITS header says goes into
/// \p info. \throws FrameError likewise.
[[nodiscard]] Picture read_companion(const std::string& path, FrameInfo& info);
[[nodiscard]] Picture read_companion(const std::string& path);

}  // namespace starflow
