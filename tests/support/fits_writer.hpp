// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// FITS files as bytes, written without a library so that also wrong ones can be made. FITS standard 4.0, sections 3
/// to 5.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::test {

inline constexpr std::size_t kFitsBlock = 2880;

/// One card of 80 characters. \param value as it stands in the file: `12`, `T`, `'text    '`
inline std::string card(std::string_view key, std::string_view value, std::string_view comment = {}) {
  std::string out(key);
  out.resize(8, ' ');
  out += "= ";
  out += value;
  if (!comment.empty()) out += " / " + std::string(comment);
  out.resize(80, ' ');
  return out;
}

/// The values in the byte order of FITS.
template <class T>
std::string big_endian(const std::vector<T>& values) {
  static_assert(std::endian::native == std::endian::little);
  std::string out;
  for (const T v : values) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &v, sizeof(T));
    for (std::size_t i = sizeof(T); i > 0; --i) out += bytes[i - 1];
  }
  return out;
}

inline std::string padded(std::string bytes, char fill) {
  bytes.resize((bytes.size() + kFitsBlock - 1) / kFitsBlock * kFitsBlock, fill);
  return bytes;
}

/// Shape and keywords of an image.
struct FitsImage {
  int bitpix = 8;
  std::vector<long long> axes;
  std::string data;                ///< big-endian
  std::vector<std::string> cards;  ///< more keywords
};

inline std::string fits_header(std::string_view first_card, const FitsImage& image, std::string_view last_cards = {}) {
  std::string out(first_card);
  out += card("BITPIX", std::to_string(image.bitpix)) + card("NAXIS", std::to_string(image.axes.size()));
  for (std::size_t i = 0; i < image.axes.size(); ++i)
    out += card("NAXIS" + std::to_string(i + 1), std::to_string(image.axes[i]));
  out += last_cards;
  for (const std::string& c : image.cards) out += c;
  std::string end = "END";
  end.resize(80, ' ');
  return padded(out + end, ' ');
}

/// A whole file, or its begin: a primary HDU. Without axes it has no data.
inline std::string fits_primary(const FitsImage& image = {}) {
  return fits_header(card("SIMPLE", "T"), image) + padded(image.data, '\0');
}

/// An IMAGE extension, to be put after a primary HDU.
inline std::string fits_extension(const FitsImage& image) {
  return fits_header(card("XTENSION", "'IMAGE   '"), image, card("PCOUNT", "0") + card("GCOUNT", "1")) +
         padded(image.data, '\0');
}

/// A BINTABLE extension of star positions: columns X and Y of 32-bit floats.
inline std::string fits_star_table(const std::vector<float>& xy) {
  const FitsImage shape{8, {8, static_cast<long long>(xy.size() / 2)}, {}, {}};
  const std::string columns = card("PCOUNT", "0") + card("GCOUNT", "1") + card("TFIELDS", "2") +
                              card("TTYPE1", "'X       '") + card("TFORM1", "'1E      '") +
                              card("TTYPE2", "'Y       '") + card("TFORM2", "'1E      '") +
                              card("EXTNAME", "'STARS   '");
  return fits_header(card("XTENSION", "'BINTABLE'"), shape, columns) + padded(big_endian(xy), '\0');
}

}  // namespace starflow::test
