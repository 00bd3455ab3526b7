// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What a clip at 3 sigma does to noise, and how stars show.

namespace starflow {

inline constexpr double kClip = 3;
inline constexpr int kMaxRounds = 30;
inline constexpr double kLowerSigma = 0.158655;  // quantile of a normal at -1 sigma
inline constexpr double kCrowded = 0.3;          // sigma between mean and median
inline constexpr int kExactSteps = 20;

/// The sigma of the normal whose part within +-reach has the standard deviation \p kept. \p guess starts the iteration.
[[nodiscard]] double uncut_sigma(double kept, double reach, double guess, int steps) noexcept;

/// 0 = the clip met nothing but noise, 1 = it met stars.
/// \param skew    skewness of the pixels that were left
/// \param bright  pixels cut from the bright side less those from the dark one, as a part of those left
/// \param edge    pixels of the last value that was left, as a part of all: where noise is a few quanta wide, the clip
///                may have cut half of these more
[[nodiscard]] double star_weight(double skew, double bright, double edge) noexcept;

/// How much further the clip is to reach into the longer tail of mere noise, sigma.
[[nodiscard]] double widening(double skew) noexcept;

}  // namespace starflow
