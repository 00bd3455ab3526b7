// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The stars of a frame that tell its width, and the width that they share.

#include <starflow/core/detect.hpp>
#include <starflow/core/star_table.hpp>

#include <cstddef>

namespace starflow {

/// The first \p most of \p found, at the most, that are neither saturated nor cut, and have no other star of more than
/// a fiftieth of their light near. Of stars that overlap a fit makes wide ones.
[[nodiscard]] Detections lone_stars(const Detections& found, double fwhm_px, std::size_t most);

/// Width that the good stars among \p stars share, px; 0 = none. Hot pixels and cosmic rays are narrower than a star in
/// focus, and in a poor frame they are the majority: where enough wider ones agree with each other, those are the
/// stars.
[[nodiscard]] double common_fwhm(const StarTable& stars);

}  // namespace starflow
