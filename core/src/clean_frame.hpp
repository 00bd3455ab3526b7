// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A frame without its hot pixels.

#include <starflow/core/frame_view.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// The frame as its stars are measured: with the hot pixels that detection found as bad ones. Borrows the pixels.
class CleanFrame {
 public:
  /// \param x, y  of the hot pixels, px; those outside of the frame count as none
  /// \param mask  memory that is reused; must outlive this object
  CleanFrame(const FrameView& frame, std::span<const int> x, std::span<const int> y, std::vector<std::uint8_t>& mask);

  /// Without the hot pixels.
  [[nodiscard]] const FrameView& frame() const noexcept { return clean_; }
  /// The same for the pixels up to \p reach px from (x, y): as given where none of them is hot, since a frame without a
  /// mask is read faster.
  [[nodiscard]] const FrameView& about(double x, double y, int reach) const noexcept;

 private:
  const FrameView& given_;
  FrameView clean_;
};

}  // namespace starflow
