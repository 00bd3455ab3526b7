// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Draws an annotated frame.

#include "overlay_picture.hpp"

#include <opencv2/core/mat.hpp>

namespace starflow {

/// Colour of a kind of mark, as blue, green, red. After the palette of Okabe & Ito (Color Universal Design, 2008),
/// which people with any colour vision tell apart.
[[nodiscard]] cv::Scalar mark_colour(MarkKind kind);

/// The frame with its stars, between a line of its name and facts above and a legend with counts and a scale below.
/// Ellipses are three times the FWHM long and wide, and no smaller than can be seen.
/// \return CV_8UC3
[[nodiscard]] cv::Mat draw_overlay(const OverlayPicture& picture);

}  // namespace starflow
