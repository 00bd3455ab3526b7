// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Fixed ratios of the Gaussian profile.

#include <numbers>

namespace starflow {

inline constexpr double kFwhmPerSigma = 2.3548200450309493;  ///< 2 sqrt(2 ln 2)
inline constexpr double kSigmaPerFwhm = 1 / kFwhmPerSigma;
inline constexpr double kPixelVariance = 1.0 / 12;  ///< second moment of a unit pixel, px^2
inline constexpr double kDegreesPerRadian = 180 / std::numbers::pi;

}  // namespace starflow
