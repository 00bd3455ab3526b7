// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The pixels of a tile counted into equal bins: sums of whole numbers, the same on every instruction set.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace starflow {

/// Counts of bins 0 .. kBins-1 in bins of equal width. The first and the last also hold all that lies beyond them.
struct TileHistogram {
  static constexpr int kBins = 1024;
  static constexpr std::size_t kMostPixels = 65535;  ///< that a bin can count
  static constexpr std::size_t kTables = 4;  ///< neighbours often share a bin: each counts in a table of its own

  alignas(64) std::array<std::uint16_t, kTables * kBins> tables;

  /// The counts, once counted: the first table.
  [[nodiscard]] std::span<const std::uint16_t, kBins> counts() const { return std::span(tables).first<kBins>(); }
};

/// Counts (value - low) >> shift. At most kMostPixels values.
void count_whole(std::span<const std::uint16_t> values, int low, int shift, TileHistogram& histogram);

/// Counts (value - low) * per_width, rounded down. \p values are finite, at most kMostPixels.
void count_real(std::span<const float> values, float low, float per_width, TileHistogram& histogram);

/// A rectangle of a plane.
template <class T>
struct Patch {
  const T* first = nullptr;
  std::ptrdiff_t row_bytes = 0;
  int width = 0, height = 0;  ///< px
};

/// Writes the pixels row by row. \return all bits that are set in one of them or more
std::uint16_t copy_whole(const Patch<std::uint16_t>& from, std::uint16_t* to);

/// Writes the pixels less \p pedestal row by row. \return whether all are finite
bool copy_real(const Patch<float>& from, float pedestal, float* to);

inline constexpr std::uint32_t kGolden = 2654435769U;  ///< 2^32 / 1.618...

/// Numbers in [-0.5, 0.5) that neighbours of any distance share evenly: Weyl's sequence of the golden section.
[[nodiscard]] inline float even_spread(std::uint32_t i) {
  return static_cast<float>(static_cast<std::int32_t>(i * kGolden)) * 0x1p-32F;
}

/// Writes the pixels less \p pedestal and less \p levels (as wide and high) row by row, the ith one moved by
/// even_spread(i) \p quantum. \return whether all are finite
bool copy_levelled(const Patch<float>& from, const Patch<float>& levels, float pedestal, float quantum, float* to);
bool copy_levelled(
    const Patch<std::uint16_t>& from, const Patch<float>& levels, float pedestal, float quantum, float* to);

}  // namespace starflow
