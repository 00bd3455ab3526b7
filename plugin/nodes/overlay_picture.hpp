// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// An annotated picture of a frame before it is drawn: what crosses the border to libstarflow_image.so.

#include <opencv2/core/mat.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace starflow {

/// What a star's flags make of it, in the order in which stars are drawn: what is wrong lies on top.
enum class MarkKind : std::uint8_t { clean, blended, saturated, doubtful, cut, artefact, failed };
/// As the legend names them.
inline constexpr std::array<std::string_view, 7> kMarkNames = {
    "clean", "blended", "saturated", "doubtful", "edge or bad pixel", "not a star", "failed"};

/// One star, in pixels of OverlayPicture::grey: (0, 0) is the centre of the first one, y points down.
struct OverlayMark {
  double x = 0, y = 0;
  double fwhm_major = 0, fwhm_minor = 0;  ///< above 0
  double theta_deg = 0;                   ///< of the major axis, from +x towards +y
  MarkKind kind = MarkKind::clean;
  std::int64_t id = 0;
};

struct OverlayPicture {
  cv::Mat grey;                    ///< CV_8UC1
  cv::Mat holes;                   ///< CV_8UC1 of its size, non-zero = no pixel of the frame counts there
  double frame_px = 1;             ///< side of a pixel of the frame, in pixels of `grey`
  int zoom = 1;                    ///< pixels drawn for one of `grey`, each way
  std::string title;               ///< the frame's name, ASCII
  std::string facts;               ///< what is known of it, ASCII
  std::size_t unplaced = 0;        ///< stars without a position
  std::size_t labels = 0;          ///< at most so many numbers of stars are written
  std::vector<OverlayMark> marks;  ///< brightest first
};

}  // namespace starflow
