// SPDX-License-Identifier: MIT
#include "fits_gzip.hpp"

#include <starflow/sdk/node.hpp>

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <limits>

namespace starflow {
namespace {

constexpr std::size_t kSmallest = 2880;  // bytes; one block of FITS
constexpr std::size_t kAlwaysAllowed = std::size_t{512} << 20;
constexpr std::size_t kMaxPacking = 100;  // deflate reaches 1032:1; a frame with noise stays below 10:1
constexpr int kGzipWindow = 15 + 16;      // zlib: the largest window, with gzip's header and checksum

/// zlib's stream; what is set up is taken down.
class Inflater {
 public:
  Inflater() {
    if (inflateInit2(&z, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&z); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  z_stream z{};
};

/// The packed file, a piece at a time.
class Packed {
 public:
  explicit Packed(const std::string& path) : in_(path, std::ios::binary | std::ios::ate) {
    size = static_cast<std::size_t>(std::max<std::streamoff>(in_.tellg(), 0));
    // The last four bytes state the unpacked size: a hint only, as anybody can write anything there.
    std::array<unsigned char, 4> tail{};
    in_.seekg(-4, std::ios::end);
    in_.read(reinterpret_cast<char*>(tail.data()), tail.size());
    for (std::size_t i = 0; i < tail.size(); ++i) stated_size |= std::size_t{tail[i]} << (8 * i);
    in_.clear();
    in_.seekg(0);
  }
  /// \return false at the end of the file
  bool refill(z_stream& z) {
    in_.read(reinterpret_cast<char*>(piece_.data()), static_cast<std::streamsize>(piece_.size()));
    z.next_in = piece_.data();
    z.avail_in = static_cast<uInt>(in_.gcount());
    return z.avail_in > 0;
  }

  std::size_t size = 0;
  std::size_t stated_size = 0;

 private:
  std::ifstream in_;
  std::vector<Bytef> piece_ = std::vector<Bytef>(std::size_t{1} << 18);
};

// Between two members. \return false where no further one begins.
bool begin_member(Packed& file, z_stream& z) {
  if (z.avail_in == 0 && !file.refill(z)) return false;
  return *z.next_in == 0x1f && inflateReset(&z) == Z_OK;
}

}  // namespace

std::vector<char> unpack_gzip(const std::string& path) {
  Packed file(path);
  const std::size_t limit = std::max(kAlwaysAllowed, file.size * kMaxPacking);
  std::vector<char> out(
      std::clamp(file.stated_size + 1, kSmallest, std::min(limit, file.size * kMaxPacking + kSmallest)));
  std::size_t used = 0;
  Inflater inflater;
  z_stream& z = inflater.z;
  for (;;) {
    if (z.avail_in == 0 && !file.refill(z)) throw FrameError("fits.truncated", "is cut short: its gzip data end early");
    if (used == out.size()) {
      if (used >= limit) {
        throw FrameError("fits.too_large", fmt::format("unpacks to more than {} MiB, from {} bytes: unpack it with "
                                                       "gunzip if it is an image",
                                                       limit >> 20, file.size));
      }
      out.resize(std::min(limit, 2 * used));
    }
    const std::size_t room = std::min<std::size_t>(out.size() - used, std::numeric_limits<uInt>::max());
    z.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    z.avail_out = static_cast<uInt>(room);
    const int result = inflate(&z, Z_NO_FLUSH);
    used += room - z.avail_out;
    if (result == Z_STREAM_END) {
      if (!begin_member(file, z)) break;
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw FrameError("fits.damaged",
                       fmt::format("is damaged: its gzip data are wrong ({})", z.msg != nullptr ? z.msg : "no reason"));
    }
  }
  out.resize(used);
  return out;
}

}  // namespace starflow
