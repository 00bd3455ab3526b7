// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Unpacks gzipped files into memory.

#include <string>
#include <vector>

namespace starflow {

/// All members of the gzip file \p path, one after the other; what follows the last one is ignored, as gunzip does.
/// Their checksums are verified.
/// \throws FrameError `fits.truncated`, `fits.damaged`, or `fits.too_large` above 100 times the packed size and 512
/// MiB.
[[nodiscard]] std::vector<char> unpack_gzip(const std::string& path);

}  // namespace starflow
