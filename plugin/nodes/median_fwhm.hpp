// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The width that a frame's record gives.

#include <starflow/core/star_table.hpp>

namespace starflow {

/// Median FWHM of the stars without a flag; where there are none, of those whose flags don't say that the width is
/// another thing than one whole star's. Being asked for by position, or on a mosaic, is no fault. px; NaN = none.
[[nodiscard]] double median_fwhm(const StarTable& stars);

}  // namespace starflow
