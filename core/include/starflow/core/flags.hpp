// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Quality flags of a star: one bit each, never reused, written as an integer and as names.

#include <array>
#include <cstdint>
#include <string_view>

namespace starflow {

using Flags = std::uint32_t;

namespace flag {
inline constexpr Flags saturated = 1U << 0;  ///< by the level given, or a flat top that no star has by chance
inline constexpr Flags near_saturation = 1U << 1;
inline constexpr Flags bad_pixel = 1U << 2;         ///< in the stamp: masked, or 1e15 times its noise from the sky
inline constexpr Flags bad_pixel_center = 1U << 3;  ///< a masked pixel within 1 px of the position
inline constexpr Flags edge = 1U << 4;              ///< the stamp leaves the frame
inline constexpr Flags blended = 1U << 5;
inline constexpr Flags group_fit = 1U << 6;
inline constexpr Flags neighbour_masked = 1U << 7;
inline constexpr Flags no_convergence = 1U << 8;
inline constexpr Flags at_bound = 1U << 9;  ///< a width, axis ratio or beta rests on its limit; a given window is cut
/// the other one failed; a fit: edge or bad pixels take what a window needs. What tells no axes then is taken for round
/// at an edge: a star of ellipticity 0.3 whose long axis lies across it has errors of position and flux 2.4 times too
/// small at S/N 20, one whose long axis lies along it 1.6 times, and at S/N 100 and FWHM 2 px 5 times; of 0.15 1.5 and
/// 2.3 times
inline constexpr Flags fallback_method = 1U << 10;
inline constexpr Flags no_covariance = 1U << 11;
inline constexpr Flags too_few_pixels = 1U << 12;
inline constexpr Flags nonpositive_flux = 1U << 13;
inline constexpr Flags moved_from_seed = 1U << 14;
inline constexpr Flags cosmic_ray = 1U << 15;
inline constexpr Flags hot_pixel = 1U << 16;
inline constexpr Flags trailed = 1U << 17;
/// longer than the frame's stars by more than their scatter and its noise: two stars in one, a galaxy
inline constexpr Flags extended = 1U << 18;
inline constexpr Flags undersampled = 1U << 19;
/// no noise could be measured; an annulus held no pixel; or the level is the mesh's, whose tiles take stars of 0.4 of
/// their side FWHM and more for sky
inline constexpr Flags background_unreliable = 1U << 20;
inline constexpr Flags nonfinite_input = 1U << 21;
inline constexpr Flags low_snr = 1U << 22;
inline constexpr Flags duplicate = 1U << 23;
inline constexpr Flags forced_position = 1U << 24;
inline constexpr Flags deadline_degraded = 1U << 25;
/// the pixels show more than the star: a neighbour, a hot pixel or a cosmic ray beside it; or no peak
inline constexpr Flags poor_fit = 1U << 26;
inline constexpr Flags cfa_fit = 1U << 27;
inline constexpr Flags predicted = 1U << 28;
inline constexpr Flags nonlinear_range = 1U << 29;
}  // namespace flag

/// The name of bit n at index n.
inline constexpr std::array<std::string_view, 30> kFlagNames = {"saturated",
                                                                "near_saturation",
                                                                "bad_pixel",
                                                                "bad_pixel_center",
                                                                "edge",
                                                                "blended",
                                                                "group_fit",
                                                                "neighbour_masked",
                                                                "no_convergence",
                                                                "at_bound",
                                                                "fallback_method",
                                                                "no_covariance",
                                                                "too_few_pixels",
                                                                "nonpositive_flux",
                                                                "moved_from_seed",
                                                                "cosmic_ray",
                                                                "hot_pixel",
                                                                "trailed",
                                                                "extended",
                                                                "undersampled",
                                                                "background_unreliable",
                                                                "nonfinite_input",
                                                                "low_snr",
                                                                "duplicate",
                                                                "forced_position",
                                                                "deadline_degraded",
                                                                "poor_fit",
                                                                "cfa_fit",
                                                                "predicted",
                                                                "nonlinear_range"};

}  // namespace starflow
