// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Unpacks tile-compressed images in a process of their own. The decoders of CFITSIO 4.2 read and write out of bounds
/// on damaged tiles, which no check of headers and no checksum prevents; a crash there is a damaged frame here.

#include "fits_pixels.hpp"

#include <cstddef>

namespace starflow {

inline constexpr const char* kUnpackProgram = "starflow-unfits";

/// Unpacks \p plane of the image where \p file stands. A frame of 3 Mpx of u16 (Rice) takes 43 ms, of which 26 ms are
/// the decoder's and 5 to 8 ms the start of the program. Any thread may call it.
/// \param pixels  of \p bytes bytes \param mask, blanks  as of read_pixels()
/// \throws FrameError `fits.damaged`, `fits.truncated`, `fits.unreadable`, or `fits.no_decoder` where the program is
///         missing, of another version, or can't be started.
void unpack_tiles(
    const FitsFile& file, const FitsPlane& plane, void* pixels, std::size_t bytes, char* mask, int& blanks);

}  // namespace starflow
