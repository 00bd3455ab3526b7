// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// From a frame and its stars to what is drawn of them.

#include "overlay_picture.hpp"

#include <starflow/core/flags.hpp>
#include <starflow/sdk/messages.hpp>

namespace starflow {

/// How a picture shall look.
struct OverlayStyle {
  int longest_px = 1600;  ///< of the frame's part of the picture, either side
  std::size_t labels = 40;
};

/// What the flags of a star make of its mark. Being asked for by position, on a mosaic or predicted is no fault.
[[nodiscard]] MarkKind mark_kind(Flags flags) noexcept;

/// \param frame  shown; the stars may have been measured on another frame of the same sensor, such as a part of this
///        one or a binned one: their places follow from both frames' place on it
/// \throws std::invalid_argument for a table with columns of different lengths
[[nodiscard]] OverlayPicture overlay_picture(const Frame& frame, const StarList& list, const OverlayStyle& style);

}  // namespace starflow
