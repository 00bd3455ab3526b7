// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Which image of a FITS file is meant.

#include "fits_file.hpp"

#include <string>

namespace starflow {

/// Moves \p file to the image \p hdu: "" = the first one with data and two axes or more, else a number (0 = primary) or
/// a name ("SCI", "SCI,2"). \return its axes
/// \throws FrameError `fits.no_image` (tables only), `fits.no_hdu` or `fits.not_2d`; the text lists what the file
/// holds.
FitsAxes select_image(const FitsFile& file, const std::string& hdu);

}  // namespace starflow
