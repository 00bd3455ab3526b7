// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How other programs count pixels: what to add to our positions, where (0, 0) is the centre of the first pixel.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace starflow {

enum class PixelOrigin : std::uint8_t {
  center0,  ///< ours; also photutils, SEP
  fits1,    ///< the centre of the first pixel is (1, 1): FITS, SExtractor, DS9
  corner05  ///< the outer corner of the first pixel is (0, 0), its centre (0.5, 0.5)
};
inline constexpr std::array<std::string_view, 3> kPixelOriginNames = {"center0", "fits1", "corner05"};

/// px to add to a position of ours to give it in \p origin.
constexpr double origin_offset_px(PixelOrigin origin) noexcept {
  return origin == PixelOrigin::fits1 ? 1 : origin == PixelOrigin::corner05 ? 0.5 : 0;
}

/// The origin of that name; center0 for a name that is none (options are checked before).
constexpr PixelOrigin pixel_origin(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kPixelOriginNames.size(); ++i) {
    if (kPixelOriginNames[i] == name) return static_cast<PixelOrigin>(i);
  }
  return PixelOrigin::center0;
}

inline std::vector<std::string> pixel_origin_choices() { return {kPixelOriginNames.begin(), kPixelOriginNames.end()}; }

}  // namespace starflow
