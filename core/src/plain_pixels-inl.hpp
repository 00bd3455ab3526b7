// SPDX-License-Identifier: MIT
/// \file
/// Rows of four stars at once, turned into lanes; the sky comes off there.

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

#include <array>
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

/// The planes of sky of all lanes, and what their pixels must stay below; ADU above `base`.
struct Planes {
  alignas(64) std::array<float, StarBlock::kMaxLanes> rest, slope_x, slope_y, per_unit, ceiling;
};

/// One of four stars.
template <class T>
struct Star {
  double base;
  const std::byte* first;
  std::ptrdiff_t row_bytes;

  Star(const StarBlock::Source& s, std::size_t lane, Planes& planes) {
    const LocalSky& sky = s.sky;
    base = sizeof(T) <= 2 || std::is_same_v<T, float> ? static_cast<double>(static_cast<float>(sky.level)) : sky.level;
    planes.slope_x[lane] = static_cast<float>(sky.slope_x);
    planes.slope_y[lane] = static_cast<float>(sky.slope_y);
    planes.rest[lane] =
        static_cast<float>(sky.level - base + sky.slope_x * (s.first_x - s.x) + sky.slope_y * (s.first_y - s.y));
    planes.per_unit[lane] = static_cast<float>(1 / sky.noise);
    // Slightly low where it is rounded: a pixel that is near to it is looked at again.
    planes.ceiling[lane] = static_cast<float>(std::min((s.detector.saturation_adu - base) * (1 - 1e-6), 1e30));
    row_bytes = s.frame.row_bytes;
    first = static_cast<const std::byte*>(s.frame.pixels) + s.first_y * row_bytes +
            s.first_x * static_cast<std::ptrdiff_t>(sizeof(T));
  }
  /// Pixels [i, i + 4) of row j.
  [[nodiscard]] HWY_INLINE V above(std::size_t i, std::size_t j) const {
    return above_base(reinterpret_cast<const T*>(first + static_cast<std::ptrdiff_t>(j) * row_bytes), i, base);
  }
};

/// Four lanes from \p lane on, whose frames are all of type T, above their bases.
template <class T>
HWY_NOINLINE void read_four(StarBlock& block, std::size_t lane, Planes& planes) {
  const StarBlock::Source* source = &block.source[lane];
  const Star<T> a(source[0], lane, planes), b(source[1], lane + 1, planes), c(source[2], lane + 2, planes),
      d(source[3], lane + 3, planes);
  const std::size_t side = block.side(), lanes = block.lanes;
  for (std::size_t j = 0; j < side; ++j) {
    float* out = &block.value[block.index(0, j, lane)];
    for (std::size_t next = 0; next < side; next += kTogether) {
      const std::size_t i = next + kTogether <= side ? next : side - kTogether;  // the last four overlap those before
      const V va = a.above(i, j), vb = b.above(i, j), vc = c.above(i, j), vd = d.above(i, j);
      const V ab0 = hn::InterleaveLower(four, va, vb), ab1 = hn::InterleaveUpper(four, va, vb);
      const V cd0 = hn::InterleaveLower(four, vc, vd), cd1 = hn::InterleaveUpper(four, vc, vd);
      hn::Store(hn::ConcatLowerLower(four, cd0, ab0), four, out + i * lanes);
      hn::Store(hn::ConcatUpperUpper(four, cd0, ab0), four, out + (i + 1) * lanes);
      hn::Store(hn::ConcatLowerLower(four, cd1, ab1), four, out + (i + 2) * lanes);
      hn::Store(hn::ConcatUpperUpper(four, cd1, ab1), four, out + (i + 3) * lanes);
    }
  }
}

/// Takes the planes off and brings the light to its unit. Apart from the loop that reads: with little to do beside, the
/// CPU waits for the pixels of many rows at once.
inline void reduce(StarBlock& block, const Planes& planes) {
  const hn::CappedTag<float, StarBlock::kMaxLanes> d;
  const auto slope_x = hn::Load(d, planes.slope_x.data()), slope_y = hn::Load(d, planes.slope_y.data());
  const auto rest = hn::Load(d, planes.rest.data()), per_unit = hn::Load(d, planes.per_unit.data());
  const auto ceiling = hn::Load(d, planes.ceiling.data()), highest = hn::Set(d, StarBlock::kHighest);
  auto plain = hn::Eq(rest, rest);
  float* value = block.value.data();
  for (std::size_t j = 0; j < block.side(); ++j) {
    const auto row = hn::Add(rest, hn::Mul(slope_y, hn::Set(d, static_cast<float>(j))));
    for (std::size_t i = 0; i < block.side(); ++i, value += block.lanes) {
      const auto above = hn::Load(d, value), plane = hn::MulAdd(hn::Set(d, static_cast<float>(i)), slope_x, row);
      const auto v = hn::Mul(hn::Sub(above, plane), per_unit);
      plain = hn::And(plain, hn::And(hn::Lt(above, ceiling), hn::Le(hn::Abs(v), highest)));
      hn::Store(v, d, value);
    }
  }
  alignas(64) std::array<float, StarBlock::kMaxLanes> is_plain;
  hn::Store(hn::IfThenElseZero(plain, hn::Set(d, 1)), d, is_plain.data());
  for (std::size_t lane = 0; lane < block.lanes; ++lane) block.clean[lane] = block.clean[lane] && is_plain[lane] > 0;
}

}  // namespace plain

inline void read_block(StarBlock& block) {
  plain::Planes planes;
  for (std::size_t lane = 0; lane + plain::kTogether <= block.lanes; lane += plain::kTogether) {
    visit_pixels(block.source[lane].frame, [&]<class T>(Plane<T>) { plain::read_four<T>(block, lane, planes); });
  }
  plain::reduce(block, planes);
}
#endif

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
