// SPDX-License-Identifier: MIT
#include "fits_pixels.hpp"

#include <fitsio.h>

#include <limits>

namespace starflow {

int read_pixels(void* handle, const FitsPlane& plane, void* out, char* mask, int& blanks) {
  static_assert(sizeof(LONGLONG) == sizeof(long long));
  auto* file = static_cast<fitsfile*>(handle);
  auto first = plane.first;  // CFITSIO takes it as non-const
  int status = 0;
  if (mask != nullptr) {
    fits_read_pixnullll(file, plane.datatype, first.data(), plane.pixels, out, mask, &blanks, &status);
    return status;
  }
  float nan_f32 = std::numeric_limits<float>::quiet_NaN();
  double nan_f64 = std::numeric_limits<double>::quiet_NaN();
  void* blank = plane.datatype == TFLOAT    ? static_cast<void*>(&nan_f32)
                : plane.datatype == TDOUBLE ? static_cast<void*>(&nan_f64)
                                            : nullptr;
  fits_read_pixll(file, plane.datatype, first.data(), plane.pixels, blank, out, &blanks, &status);
  return status;
}

}  // namespace starflow
