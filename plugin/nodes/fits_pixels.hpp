// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The one call that reads pixels, made here for plain images and in starflow-unfits for tile-compressed ones.

#include "fits_file.hpp"

#include <array>

namespace starflow {

/// One plane of an image, and the type that it is read as.
struct FitsPlane {
  int datatype = 0;                                 ///< of CFITSIO: TBYTE, ...
  std::array<long long, kMaxFitsAxes> first{1, 1};  ///< of the first pixel, counted from 1
  long long pixels = 0;
};

/// \param handle  CFITSIO's `fitsfile*`, at the image
/// \param mask    gets 1 where an integer pixel is blank, else 0; null = not asked for. Blank floats are NaN.
/// \param blanks  set to non-zero where a pixel is blank
/// \return CFITSIO's status, 0 = good
int read_pixels(void* handle, const FitsPlane& plane, void* out, char* mask, int& blanks);

}  // namespace starflow
