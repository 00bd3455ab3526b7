// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The colours that a part of a mosaic begins with.

#include <starflow/core/frame_view.hpp>

#include <cstddef>
#include <string>

namespace starflow {

/// The Bayer pattern of the pixels from (x, y) on, of a mosaic whose first 2x2 pixels have \p mosaic; empty of none.
[[nodiscard]] inline std::string mosaic_from(const std::string& mosaic, int x, int y) {
  std::string out = mosaic;
  for (int p = 0; p < static_cast<int>(out.size()); ++p)
    out[static_cast<std::size_t>(p)] = mosaic[mosaic_phase(x + p % 2, y + p / 2)];
  return out;
}

}  // namespace starflow
