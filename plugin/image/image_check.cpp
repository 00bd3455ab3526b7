// SPDX-License-Identifier: MIT
#include "image_check.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace starflow {
namespace {

using Bytes = std::span<const unsigned char>;

constexpr std::string_view kPngMagic("\x89PNG\r\n\x1a\n", 8);
constexpr std::uint64_t kMaxPacking = 1100;  // zlib packs at most 1032:1
constexpr std::uint64_t kAlwaysAllowed = std::uint64_t{64} << 20;

bool begins_with(Bytes file, std::string_view magic) {
  return file.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), file.begin(),
                    [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; });
}

/// Reads numbers at positions that the file itself states; past the end gives 0 and sets `good` to false.
struct Reader {
  Bytes file;
  bool big_endian = true;
  bool good = true;

  std::uint64_t number(std::uint64_t at, std::uint64_t bytes) {
    if (at > file.size() || file.size() - at < bytes) {
      good = false;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::uint64_t i = 0; i < bytes; ++i) value = value << 8 | file[at + (big_endian ? i : bytes - 1 - i)];
    return value;
  }
};

ImageFault truncated(std::string_view format, Bytes file) {
  return {"image.truncated", "is cut short: this " + std::string(format) + " needs more than its " +
                                 std::to_string(file.size()) + " bytes"};
}

std::uint64_t crc_of(Bytes bytes) { return crc32_z(0, bytes.data(), bytes.size()); }

// PNG specification (ISO/IEC 15948), section 5: chunks of length, type, data, CRC; IHDR is the first, IEND the last.
std::optional<ImageFault> check_png(Bytes file) {
  Reader r{file};
  constexpr std::uint64_t kIend = 0x49454E44;
  const std::uint64_t width = r.number(16, 4);
  const std::uint64_t height = r.number(20, 4);
  const std::uint64_t bits = r.number(24, 1);
  if (r.good &&
      width * height / 8 * std::max<std::uint64_t>(bits, 1) > std::max(kAlwaysAllowed, file.size() * kMaxPacking)) {
    return ImageFault{"image.too_large", "claims " + std::to_string(width) + "x" + std::to_string(height) +
                                             " px, more than can be in a PNG of " + std::to_string(file.size()) +
                                             " bytes"};
  }
  for (std::uint64_t at = kPngMagic.size(); r.good;) {
    const std::uint64_t length = r.number(at, 4);
    const std::uint64_t type = r.number(at + 4, 4);
    const std::uint64_t stored = r.number(at + 8 + length, 4);
    if (!r.good) break;
    if (crc_of(file.subspan(at + 4, length + 4)) != stored) {
      return ImageFault{"image.truncated",
                        "is damaged: the checksum of a PNG chunk at byte " + std::to_string(at) + " is wrong"};
    }
    if (type == kIend) return std::nullopt;
    at += 12 + length;
  }
  return truncated("PNG", file);
}

// ITU-T T.81, annex B: segments up to the start of scan, then entropy-coded data, in which FF D9 is the end of the
// image.
std::optional<ImageFault> check_jpeg(Bytes file) {
  Reader r{file};
  constexpr std::uint64_t kStartOfScan = 0xDA;
  for (std::uint64_t at = 2; r.good;) {
    const std::uint64_t marker = r.number(at, 2);
    const std::uint64_t length = r.number(at + 2, 2);
    if (!r.good || marker >> 8 != 0xFF || (length < 2 && marker != 0xFFFF)) break;
    if (marker == 0xFFFF) {  // a fill byte
      ++at;
      continue;
    }
    at += 2 + length;
    if ((marker & 0xFF) != kStartOfScan || at > file.size()) continue;
    constexpr std::array<unsigned char, 2> kEnd{0xFF, 0xD9};
    const Bytes data = file.subspan(at);
    if (std::search(data.begin(), data.end(), kEnd.begin(), kEnd.end()) != data.end()) return std::nullopt;
    break;
  }
  return truncated("JPEG", file);
}

// TIFF 6.0, section 2: the values of an entry of the directory at `entry`, in line or where it points.
std::vector<std::uint64_t> tiff_values(Reader& r, std::uint64_t entry) {
  const std::uint64_t type = r.number(entry + 2, 2);
  const std::uint64_t count = r.number(entry + 4, 4);
  const std::uint64_t size = type == 3 ? 2 : 4;  // SHORT or LONG
  const std::uint64_t at = size * count <= 4 ? entry + 8 : r.number(entry + 8, 4);
  std::vector<std::uint64_t> values;
  for (std::uint64_t i = 0; r.good && i < count; ++i) values.push_back(r.number(at + i * size, size));
  return values;
}

std::optional<ImageFault> check_tiff(Bytes file) {
  Reader r{file, file[0] == 'M'};
  const std::uint64_t directory = r.number(4, 4);
  const std::uint64_t entries = r.number(directory, 2);
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t i = 0; r.good && i < entries; ++i) {
    const std::uint64_t entry = directory + 2 + 12 * i;
    const std::uint64_t tag = r.number(entry, 2);
    if (tag == 273 || tag == 324) offsets = tiff_values(r, entry);  // of strips or tiles
    if (tag == 279 || tag == 325) sizes = tiff_values(r, entry);
  }
  for (std::size_t i = 0; r.good && i < std::min(offsets.size(), sizes.size()); ++i) {
    r.good = offsets[i] <= file.size() && sizes[i] <= file.size() - offsets[i];
  }
  if (!r.good) return truncated("TIFF", file);
  return std::nullopt;
}

}  // namespace

std::optional<ImageFault> check_image(Bytes file) {
  if (begins_with(file, kPngMagic)) return check_png(file);
  if (begins_with(file, "\xFF\xD8\xFF")) return check_jpeg(file);
  if (begins_with(file, std::string_view("II*\0", 4)) || begins_with(file, std::string_view("MM\0*", 4)))
    return check_tiff(file);
  return std::nullopt;
}

}  // namespace starflow
