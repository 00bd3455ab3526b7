// SPDX-License-Identifier: MIT
#include "fits_check.hpp"

#include "fits_keywords.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace starflow {
namespace {

constexpr std::size_t kBlock = 2880;
constexpr std::size_t kCard = 80;
constexpr int kMaxHdus = 10'000;
constexpr int kMaxAxes = 6;          // of a compressed image in CFITSIO
constexpr double kMaxTile = 0x1p28;  // px
constexpr double kMaxBytes = 0x1p62;

// Reads the header that begins at \p position, which then stands behind its last block. \return false at the end of the
// file.
bool read_header(const ReadBytes& read, std::uint64_t& position, FitsHeader& header) {
  std::array<char, kBlock> block{};
  while (read(position, block) == kBlock) {
    position += kBlock;
    for (std::size_t at = 0; at < kBlock; at += kCard) {
      const std::string_view card(&block[at], kCard);
      const std::string_view key = card.substr(0, std::min<std::size_t>(card.find_first_of(" ="), 8));
      if (key == "END") return true;
      if (card.substr(8, 2) == "= ")
        header.add(key, card.substr(10, card.find('/') - std::min<std::size_t>(card.find('/'), 10)), "");
    }
  }
  return false;
}

// Bytes of the data with their padding; what makes no sense counts as nothing and is CFITSIO's to refuse.
double data_bytes(const FitsHeader& header) {
  const double axes = header.number("NAXIS").value_or(0);
  if (!(axes >= 1 && axes <= 999)) return 0;
  double items = 1;
  for (int i = 1; i <= static_cast<int>(axes); ++i)
    items *= std::max(header.number("NAXIS" + std::to_string(i)).value_or(0), 0.0);
  const double bytes =
      (items + header.number("PCOUNT").value_or(0)) * std::abs(header.number("BITPIX").value_or(0)) / 8;
  return std::ceil(bytes / kBlock) * kBlock;
}

std::optional<std::string> find_tile_fault(const FitsHeader& header) {
  const double axes = header.number("ZNAXIS").value_or(0);
  if (!(axes >= 1 && axes <= kMaxAxes)) return "ZNAXIS is not a number from 1 to 6";
  constexpr std::array<double, 6> kBitpix{8, 16, 32, 64, -32, -64};
  if (std::find(kBitpix.begin(), kBitpix.end(), header.number("ZBITPIX").value_or(0)) == kBitpix.end())
    return "ZBITPIX is not one of 8, 16, 32, 64, -32, -64";
  double tile = 1;
  for (int i = 1; i <= static_cast<int>(axes); ++i) {
    const std::string n = std::to_string(i);
    const double side = header.number("ZNAXIS" + n).value_or(0);
    if (!(side >= 1)) return "ZNAXIS" + n + " is not above 0";
    const double otherwise = i == 1 ? side : 1;
    const double tile_side = header.has("ZTILE" + n) ? header.number("ZTILE" + n).value_or(0) : otherwise;
    if (!(tile_side >= 1)) return "ZTILE" + n + " is not above 0";
    tile *= tile_side;
  }
  if (tile > kMaxTile) return "its tiles are larger than 2^28 px";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_fits_fault(const ReadBytes& read) {
  std::uint64_t position = 0;
  for (int hdu = 0; hdu < kMaxHdus; ++hdu) {
    FitsHeader header;
    if (!read_header(read, position, header)) return std::nullopt;
    if (header.text("ZIMAGE") == "T") {
      if (const auto fault = find_tile_fault(header))
        return "HDU " + std::to_string(hdu) + " is no compressed image: " + *fault;
    }
    const double bytes = data_bytes(header);
    if (!(bytes >= 0 && bytes < kMaxBytes)) return std::nullopt;
    position += static_cast<std::uint64_t>(bytes);
  }
  return std::nullopt;
}

}  // namespace starflow
