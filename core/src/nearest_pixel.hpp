// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The pixel that a position lies in.

#include <starflow/core/frame_view.hpp>

namespace starflow {

struct PixelIndex {
  int x = 0, y = 0;
};

/// The pixel nearest to (x, y). Halfway between two it is the one with more light on its side, so that a mirrored frame
/// has mirrored stars: of the pixels that \p reach columns, or rows, on either side show within 2.5 px along the border
/// between them. Where neither has more it is the even one.
/// \param x, y   px; so near to the frame that an int holds them
/// \param shift  px that a pixel's number lies below what is rounded: of the corner of a block pixel
[[nodiscard]] PixelIndex nearest_pixel(const FrameView& frame, double x, double y, double shift = 0, int reach = 3);

}  // namespace starflow
