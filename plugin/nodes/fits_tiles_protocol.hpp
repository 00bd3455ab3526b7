// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What a source and starflow-unfits, built together, say to each other.
///
/// The program finds the unpacked file at descriptor 0, the job at the begin of the shared memory at descriptor 1, and
/// the place for pixels and mask behind it. Descriptor 2 is a pipe: its end says that the program has ended.

#include "fits_pixels.hpp"

#include <cstddef>
#include <cstdint>

namespace starflow {

inline constexpr std::uint32_t kUnpackVersion = 0x53465501;  // "SFU", version 1

struct UnpackJob {
  std::uint32_t version = kUnpackVersion;  ///< the program puts its own here, and ends where it is another one
  std::int32_t hdu = 1;                    ///< as CFITSIO counts
  FitsPlane plane;
  std::uint64_t pixel_bytes = 0;
  std::uint64_t mask_bytes = 0;  ///< 0 = no mask
  // The answer:
  std::int32_t done = 0;    ///< still 0 where the program crashed
  std::int32_t status = 0;  ///< of CFITSIO
  std::int32_t blanks = 0;
};

inline constexpr std::size_t kUnpackPixels = 4096;  ///< where the pixels begin, the mask right behind them
static_assert(sizeof(UnpackJob) <= kUnpackPixels);

}  // namespace starflow
