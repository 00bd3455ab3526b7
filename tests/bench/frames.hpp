// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The frame that is measured as a whole.

#include "stamps.hpp"

namespace starflow::bench {

inline constexpr int kFrameSide = 2048;     ///< px
inline constexpr double kFrameSigma = 1.5;  ///< px, FWHM 3.5
inline constexpr std::size_t kFrameStars = 2000;

/// kFrameStars stars anywhere, central heights 50..20000 e- log-uniform. Drawn at the first call and kept.
[[nodiscard]] const Picture& frame_picture();

}  // namespace starflow::bench
