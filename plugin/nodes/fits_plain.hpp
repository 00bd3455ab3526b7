// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Pixels of the commonest images read without CFITSIO, which copies them three times on their way.

#include <cstdint>
#include <span>

namespace starflow {

/// Reads big-endian 16-bit pixels from byte \p at of a file on. \p flip  1 bits are inverted: 0x8000 where BZERO makes
/// them unsigned. \return whether the file held them all
[[nodiscard]] bool read_plain_pixels(int descriptor, std::int64_t at, std::uint16_t flip, std::span<std::uint16_t> out);

}  // namespace starflow
