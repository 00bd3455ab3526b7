// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Finds what CFITSIO can't survive, before it opens a file.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace starflow {

/// Copies bytes of a file from position \p at. \return how many there were, at most to.size()
using ReadBytes = std::function<std::size_t(std::uint64_t at, std::span<char> to)>;

/// Walks the headers of an unpacked file and checks the keywords that CFITSIO 4.2 reads as numbers, whose error message
/// overflows, and those of tile-compressed images, by which it divides and allocates unseen: a tile side of 0 ends the
/// program with SIGFPE. Tables must state their columns where the standard wants it. Other faults are left to CFITSIO.
/// \return what is wrong and in which HDU; nothing for a good file.
[[nodiscard]] std::optional<std::string> find_fits_fault(const ReadBytes& read);

}  // namespace starflow
