// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Finds what CFITSIO can't survive, before it opens a file.

#include <optional>
#include <string>

namespace starflow {

/// Walks the headers of an uncompressed file and checks the keywords of tile-compressed images, by which CFITSIO 4.2
/// divides and allocates unseen: a tile side of 0 ends the program with SIGFPE. Other faults are left to CFITSIO.
/// \return what is wrong and in which HDU; nothing for a good file, a gzipped one, or one that can't be opened.
[[nodiscard]] std::optional<std::string> find_fits_fault(const std::string& path);

}  // namespace starflow
