// SPDX-License-Identifier: MIT
/// \file
/// Rows of four stars at once: reduced in their own direction, then turned into lanes.

// clang-format off
#if defined(STARFLOW_PLAIN_PIXELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_PLAIN_PIXELS_INL
#undef STARFLOW_PLAIN_PIXELS_INL
#else
#define STARFLOW_PLAIN_PIXELS_INL
#endif
// clang-format on

#include "plain_pixels.hpp"

#include <hwy/highway.h>

#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
/// One lane has nothing to turn: it is read pixel by pixel.
inline void read_block(StarBlock& block) { block.clean.fill(false); }
#else
namespace plain {

namespace hn = hwy::HWY_NAMESPACE;

using Four = hn::CappedTag<float, 4>;
using V = hn::Vec<Four>;
inline constexpr Four four;
inline constexpr std::size_t kTogether = 4;

/// Pixels [i, i + 4) of a row less `base`, which is near the sky. A float holds the pixels of the types that are
/// converted first; of the others the base comes off in double.
template <class T>
HWY_INLINE V above_base(const T* row, std::size_t i, double base) {
  if constexpr (std::is_same_v<T, float>) {
    return hn::Sub(hn::LoadU(four, row + i), hn::Set(four, static_cast<float>(base)));
  } else if constexpr (sizeof(T) <= 2) {
    const hn::Rebind<T, Four> narrow;
    const hn::Rebind<std::int32_t, Four> wide;
    const V v = hn::ConvertTo(four, hn::PromoteTo(wide, hn::LoadU(narrow, row + i)));
    return hn::Sub(v, hn::Set(four, static_cast<float>(base)));
  } else {
    alignas(16) float v[kTogether];
    for (std::size_t k = 0; k < kTogether; ++k) v[k] = static_cast<float>(static_cast<double>(row[i + k]) - base);
    return hn::Load(four, v);
  }
}

/// One of the four stars: its plane of sky, and what its pixels must stay below.
template <class T>
struct Star {
  double base;
  float rest, slope_x, slope_y, per_unit, ceiling;
  const std::byte* first;
  std::ptrdiff_t row_bytes;

  explicit Star(const StarBlock::Source& s) {
    const LocalSky& sky = s.sky;
    base = sizeof(T) <= 2 || std::is_same_v<T, float> ? static_cast<double>(static_cast<float>(sky.level)) : sky.level;
    slope_x = static_cast<float>(sky.slope_x);
    slope_y = static_cast<float>(sky.slope_y);
    rest = static_cast<float>(sky.level - base + sky.slope_x * (s.first_x - s.x) + sky.slope_y * (s.first_y - s.y));
    per_unit = static_cast<float>(1 / sky.noise);
    // Slightly low where it is rounded: a pixel that is near to it is looked at again.
    ceiling = static_cast<float>(std::min((s.detector.saturation_adu - base) * (1 - 1e-6), 1e30));
    row_bytes = s.frame.row_bytes;
    first = static_cast<const std::byte*>(s.frame.pixels) + s.first_y * row_bytes +
            s.first_x * static_cast<std::ptrdiff_t>(sizeof(T));
  }
  [[nodiscard]] const T* row(std::size_t j) const {
    return reinterpret_cast<const T*>(first + static_cast<std::ptrdiff_t>(j) * row_bytes);
  }
};

/// Reduces pixels [i, i + 4) of row j. \p plain  set to 0 where one of them is not
template <class T>
HWY_INLINE V reduced(const Star<T>& star, const T* row, std::size_t i, std::size_t j, hn::Mask<Four>& plain) {
  const V above = above_base(row, i, star.base);
  const V step = hn::Iota(four, static_cast<float>(i));
  const V plane =
      hn::MulAdd(step, hn::Set(four, star.slope_x), hn::Set(four, star.rest + star.slope_y * static_cast<float>(j)));
  const V v = hn::Mul(hn::Sub(above, plane), hn::Set(four, star.per_unit));
  const auto low = hn::Lt(above, hn::Set(four, star.ceiling)),
             finite = hn::Le(hn::Abs(v), hn::Set(four, StarBlock::kHighest));
  plain = hn::And(plain, hn::And(low, finite));
  return v;
}

/// Four lanes from \p lane on, whose frames are all of type T.
template <class T>
HWY_NOINLINE void read_four(StarBlock& block, std::size_t lane) {
  const StarBlock::Source* source = &block.source[lane];
  const Star<T> a(source[0]), b(source[1]), c(source[2]), d(source[3]);
  const auto all = hn::Eq(hn::Zero(four), hn::Zero(four));
  auto plain_a = all, plain_b = all, plain_c = all, plain_d = all;
  const std::size_t side = block.side(), lanes = block.lanes;
  for (std::size_t j = 0; j < side; ++j) {
    const T *row_a = a.row(j), *row_b = b.row(j), *row_c = c.row(j), *row_d = d.row(j);
    float* out = &block.value[block.index(0, j, lane)];
    for (std::size_t next = 0; next < side; next += kTogether) {
      const std::size_t i = next + kTogether <= side ? next : side - kTogether;  // the last four overlap those before
      const V va = reduced(a, row_a, i, j, plain_a), vb = reduced(b, row_b, i, j, plain_b);
      const V vc = reduced(c, row_c, i, j, plain_c), vd = reduced(d, row_d, i, j, plain_d);
      const V ab0 = hn::InterleaveLower(four, va, vb), ab1 = hn::InterleaveUpper(four, va, vb);
      const V cd0 = hn::InterleaveLower(four, vc, vd), cd1 = hn::InterleaveUpper(four, vc, vd);
      hn::Store(hn::ConcatLowerLower(four, cd0, ab0), four, out + i * lanes);
      hn::Store(hn::ConcatUpperUpper(four, cd0, ab0), four, out + (i + 1) * lanes);
      hn::Store(hn::ConcatLowerLower(four, cd1, ab1), four, out + (i + 2) * lanes);
      hn::Store(hn::ConcatUpperUpper(four, cd1, ab1), four, out + (i + 3) * lanes);
    }
  }
  const hn::Mask<Four> plain[] = {plain_a, plain_b, plain_c, plain_d};
  for (std::size_t k = 0; k < kTogether; ++k) {
    block.clean[lane + k] = block.clean[lane + k] && hn::AllTrue(four, plain[k]);
  }
}

}  // namespace plain

inline void read_block(StarBlock& block) {
  for (std::size_t lane = 0; lane + plain::kTogether <= block.lanes; lane += plain::kTogether) {
    visit_pixels(block.source[lane].frame, [&]<class T>(Plane<T>) { plain::read_four<T>(block, lane); });
  }
}
#endif

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
