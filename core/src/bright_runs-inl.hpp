// SPDX-License-Identifier: MIT
/// \file
/// The bright pixels of a row, a vector of them at a time.

// clang-format off
#if defined(STARFLOW_BRIGHT_RUNS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_BRIGHT_RUNS_INL
#undef STARFLOW_BRIGHT_RUNS_INL
#else
#define STARFLOW_BRIGHT_RUNS_INL
#endif
// clang-format on

#include "bright_pixels.hpp"
#include "filter_rows-inl.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE::rows {

/// A mask of lanes as bits, the first lane's the lowest.
template <class Mask>
HWY_INLINE std::uint64_t bits_of(Mask mask) {
  std::array<std::uint8_t, 8> bytes{};
  hn::StoreMaskBits(along, mask, bytes.data());
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes.data(), bytes.size());
  return bits;
}

/// Calls visit(x, n) for the stretches of [0, size) where \p row is above \p floor, from left to right. Behind its
/// size the row goes on below the floor for a vector.
template <class Visit>
HWY_INLINE void visit_runs(const float* row, std::size_t size, float floor, const Visit& visit) {
  const std::size_t lanes = hn::Lanes(along);
  const V limit = hn::Set(along, floor);
  const std::uint64_t used = ~std::uint64_t{0} >> (64 - lanes);
  std::size_t begin = 0;
  bool inside = false;
  for (std::size_t x = 0; x < size; x += lanes) {
    const auto mask = hn::Gt(hn::LoadU(along, row + x), limit);
    if (!inside && hn::AllFalse(along, mask)) continue;
    const std::uint64_t above = bits_of(mask);
    for (std::uint64_t edges = (above ^ (above << 1 | (inside ? 1U : 0U))) & used; edges != 0; edges &= edges - 1) {
      const std::size_t edge = x + static_cast<std::size_t>(std::countr_zero(edges));
      inside ? visit(begin, edge - begin) : void(begin = edge);
      inside = !inside;
    }
  }
  if (inside) visit(begin, size - begin);
}

/// For a vector of pixels the highest of each and those that it touches, of equals the first, as BrightPixels::marks
/// has it.
/// \param heights  of the rows above, at and below, at the first pixel
template <Touch kTouch>
HWY_INLINE V uphill(const std::array<const float*, 3>& heights) {
  constexpr unsigned kFirst = kTouch == Touch::sides ? 1 : 0;
  V highest = hn::LoadU(along, heights[0] + kFirst - 1), best = hn::Set(along, static_cast<float>(kFirst));
  for (unsigned k = kFirst + 1; k < 9; ++k) {
    if (kTouch == Touch::sides && k % 2 == 0 && k != BrightPixels::kSelf) continue;
    const V v = hn::LoadU(along, heights[k / 3] + k % 3 - 1);
    best = hn::IfThenElse(hn::Gt(v, highest), hn::Set(along, static_cast<float>(k)), best);
    highest = hn::Max(highest, v);
  }
  return best;
}

/// Pixels less the pedestal, smoothed by the 3x3 binomial kernel. \param rows  of the frame, at the first pixel
template <class T>
HWY_INLINE V smoothed(const std::array<const T*, 3>& rows, double pedestal) {
  const V two = hn::Set(along, 2.0F);
  const auto line = [&](std::size_t j) {
    const V sides = hn::Add(above_pedestal(rows[j] - 1, 0, pedestal), above_pedestal(rows[j] + 1, 0, pedestal));
    return hn::MulAdd(two, above_pedestal(rows[j], 0, pedestal), sides);
  };
  return hn::Mul(hn::Set(along, 1.0F / 16), hn::MulAdd(two, line(1), hn::Add(line(0), line(2))));
}

}  // namespace starflow::HWY_NAMESPACE::rows
HWY_AFTER_NAMESPACE();

#endif  // include guard
