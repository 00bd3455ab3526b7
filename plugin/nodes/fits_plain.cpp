// SPDX-License-Identifier: MIT
#include "fits_plain.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>

namespace starflow {
namespace {

/// \return whether all of \p to was there
bool fill(int descriptor, std::int64_t at, std::span<std::uint16_t> to) {
  auto* bytes = reinterpret_cast<char*>(to.data());
  for (std::size_t done = 0; done < to.size_bytes();) {
    const ssize_t n =
        pread(descriptor, bytes + done, to.size_bytes() - done, static_cast<off_t>(at) + static_cast<off_t>(done));
    if (n == 0 || (n < 0 && errno != EINTR)) return false;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

bool read_plain_pixels(int descriptor, std::int64_t at, std::uint16_t flip, std::span<std::uint16_t> out) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 16;  // pixels: their bytes are swapped while in the cache
  constexpr bool kSwaps = std::endian::native == std::endian::little;
  for (std::size_t done = 0; done < out.size(); done += kAtOnce) {
    const auto part = out.subspan(done, std::min(kAtOnce, out.size() - done));
    if (!fill(descriptor, at + static_cast<std::int64_t>(done * sizeof(std::uint16_t)), part)) return false;
    for (std::uint16_t& p : part) {
      const auto swapped = static_cast<std::uint16_t>((p << 8) | (p >> 8));
      p = static_cast<std::uint16_t>((kSwaps ? swapped : p) ^ flip);
    }
  }
  return true;
}

}  // namespace starflow
