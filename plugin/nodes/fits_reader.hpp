// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Reads one image of a FITS file in its native type.

#include "fits_keywords.hpp"

#include <opencv2/core/mat.hpp>

#include <memory>
#include <string>
#include <vector>

namespace starflow {

/// The pixels of one plane, rows in the order of the file.
struct FitsPixels {
  cv::Mat image;                   ///< 8U, 16U, 16S, 32S, 32F or 64F
  cv::Mat mask;                    ///< 8U, non-zero where an integer pixel is BLANK; empty = none is
  std::vector<std::string> notes;  ///< what the reader of the record should know
};

/// An open FITS file, plain, gzipped or tile-compressed, at the image that was asked for. Objects share nothing, so any
/// number of threads may read, each with its own.
class FitsReader {
 public:
  /// \param hdu  "" = the first image with data, else a number (0 = primary) or a name ("SCI", "SCI,2").
  /// \throws FrameError `fits.unreadable`, `fits.no_image` (tables only), `fits.no_hdu`, `fits.not_2d`,
  ///         `fits.truncated`, `fits.damaged`, `fits.too_large`, `fits.unsupported`. Nothing is allocated for pixels
  ///         here. The text says what is wrong with the file, without its name: "is cut short: ..."
  FitsReader(const std::string& path, const std::string& hdu);
  ~FitsReader();
  FitsReader(const FitsReader&) = delete;
  FitsReader& operator=(const FitsReader&) = delete;

  [[nodiscard]] int width() const noexcept;
  [[nodiscard]] int height() const noexcept;
  /// Planes of a cube, the product of all axes after the second; 1 for an image.
  [[nodiscard]] int planes() const noexcept;
  /// The image's keywords and, for an extension, those of a primary header without data.
  [[nodiscard]] const FitsHeader& header() const noexcept;
  /// Reads plane 0 ... planes() - 1.
  ///
  /// Integers of 8 and 16 bit stay integers, unsigned ones by BZERO too; 32 bit signed stays; 32 bit unsigned and 64
  /// bit become f64. Scaled integers become f32, of 32 bit or more f64.
  /// \throws FrameError `fits.truncated`, `fits.damaged`, `fits.unreadable`, `fits.no_decoder`.
  [[nodiscard]] FitsPixels read(int plane) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starflow
