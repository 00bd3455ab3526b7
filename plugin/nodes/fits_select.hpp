// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Which HDU of a FITS file is meant.

#include "fits_file.hpp"

#include <string>

namespace starflow {

/// Moves \p file to the image \p hdu: "" = the first one with data and two axes or more, else a number (0 = primary) or
/// a name ("SCI", "SCI,2"). \return its axes
/// \throws FrameError `fits.no_image` (tables only), `fits.no_hdu` or `fits.not_2d`; the text lists what the file
/// holds.
FitsAxes select_image(const FitsFile& file, const std::string& hdu);

/// Moves \p file to the HDU of that number or name. \throws FrameError `fits.no_hdu` likewise.
void select_hdu(const FitsFile& file, const std::string& hdu);

/// \return true where \p file stands at an image, or at no data at all
bool at_image(const FitsFile& file);

/// "HDU 0: no data; HDU 1 'STARS': table, 101 rows". Leaves \p file elsewhere.
std::string list_hdus(const FitsFile& file);

}  // namespace starflow
