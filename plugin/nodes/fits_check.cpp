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
// What a table begins with, FITS standard 4.0, section 7.3.1.
constexpr std::array<std::string_view, 8> kTableCards{"XTENSION", "BITPIX", "NAXIS",  "NAXIS1",
                                                      "NAXIS2",   "PCOUNT", "GCOUNT", "TFIELDS"};

// CFITSIO up to 4.6.2 writes past a message on its stack where a keyword that it needs as an integer holds a long text
// that is none (github.com/heasarc/cfitsio/issues/132): a complex value, or a word. \param value  behind the "= "
bool overflows_message(std::string_view key, std::string_view value) {
  constexpr std::array<std::string_view, 8> kRead{"BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "EXT", "T", "B", "Z"};
  const auto begins = [&](std::string_view begin) { return key.starts_with(begin); };
  if (std::none_of(kRead.begin(), kRead.end(), begins)) return false;
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  if (value.starts_with('(')) return true;
  value = value.substr(0, value.find_first_of(" /"));
  constexpr std::size_t kShort = 14;  // the least room that those messages leave
  FitsHeader one;
  one.add(key, value, "");
  return value.size() >= kShort && value.front() != '\'' && !one.number(key);
}

// Where one of these can't be read CFITSIO allocates and fills as many records of columns as its stack happens to hold.
bool begins_like_table(std::string_view card, std::string_view key, std::size_t number) {
  if (key != kTableCards[number]) return false;
  std::string_view value = card.substr(10, card.find('/', 10) - 10);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  value = value.substr(0, value.find(' '));
  const std::size_t longest = key == "TFIELDS" ? 3 : 18;  // up to 999 columns; and 64 bits
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return card.substr(8, 2) == "= " && !value.empty() && value.size() <= longest &&
         std::all_of(value.begin(), value.end(), digit);
}

bool begins_table(const FitsHeader& header) {
  const std::string type = header.text("XTENSION");
  return type.starts_with("BINTABLE") || type.starts_with("TABLE") || type.starts_with("A3DTABLE");
}

// Reads the header that begins at \p position, which then stands behind its last block. \return false at the end of the
// file.
bool read_header(const ReadBytes& read, std::uint64_t& position, FitsHeader& header, std::string& fault) {
  std::array<char, kBlock> block{};
  std::size_t cards = 0;
  while (read(position, block) == kBlock) {
    position += kBlock;
    for (std::size_t at = 0; at < kBlock; at += kCard) {
      const std::string_view card(&block[at], kCard);
      const std::string_view key = card.substr(0, std::min<std::size_t>(card.find_first_of(" ="), 8));
      if (cards > 0 && cards < kTableCards.size() && begins_table(header) && !begins_like_table(card, key, cards)) {
        fault = "a table's card " + std::to_string(cards + 1) + " is not " + std::string(kTableCards[cards]) +
                " with a whole number, for TFIELDS up to 999";
      }
      ++cards;
      if (key == "END") return true;
      if (card.substr(8, 2) != "= ") continue;
      const std::string_view value = card.substr(10);
      header.add(key, value.substr(0, value.find('/')), "");
      if (overflows_message(key, value)) fault = std::string(key) + " is not a number";
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
    std::string fault;
    const bool whole = read_header(read, position, header, fault);
    if (!fault.empty()) return "HDU " + std::to_string(hdu) + ": " + fault;
    if (!whole) return std::nullopt;
    if (header.text("ZIMAGE") == "T") {
      if (const auto wrong = find_tile_fault(header))
        return "HDU " + std::to_string(hdu) + " is no compressed image: " + *wrong;
    }
    const double bytes = data_bytes(header);
    if (!(bytes >= 0 && bytes < kMaxBytes)) return std::nullopt;
    position += static_cast<std::uint64_t>(bytes);
  }
  return std::nullopt;
}

}  // namespace starflow
