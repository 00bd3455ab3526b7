// SPDX-License-Identifier: MIT
/// \file
/// Pixels of a tile into a row, and from there into bins.

// clang-format off
#if defined(STARFLOW_TILE_HISTOGRAM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_TILE_HISTOGRAM_INL
#undef STARFLOW_TILE_HISTOGRAM_INL
#else
#define STARFLOW_TILE_HISTOGRAM_INL
#endif
// clang-format on

#include "tile_histogram.hpp"

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {
namespace tile {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kChunk = 256;  // bins that wait to be counted

/// The memory of the tile to the right is asked for while this one is at work: it lies in as many pages as a tile has
/// rows, which no CPU foresees.
template <class T>
HWY_INLINE const T* row_of(const Patch<T>& patch, int y) {
  const auto* bytes = reinterpret_cast<const std::byte*>(patch.first) + y * patch.row_bytes;
  for (int x = 0; x < patch.width; x += static_cast<int>(64 / sizeof(T))) {
    hwy::Prefetch(reinterpret_cast<const T*>(bytes) + patch.width + x);
  }
  return reinterpret_cast<const T*>(bytes);
}

/// Calls vector(i) for the vectors of n elements, and scalar(i) for those that are left.
template <class D, class Vector, class Scalar>
HWY_INLINE void sweep(D d, std::size_t n, Vector&& vector, Scalar&& scalar) {
  std::size_t i = 0;
  for (const std::size_t lanes = hn::Lanes(d); i + lanes <= n; i += lanes) vector(i);
  for (; i < n; ++i) scalar(i);
}

HWY_INLINE void count(const std::uint16_t* bins, std::size_t n, TileHistogram& h) {
  std::uint16_t* t = h.tables.data();
  constexpr std::size_t kBins = TileHistogram::kBins;
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    ++t[bins[i]];
    ++t[kBins + bins[i + 1]];
    ++t[2 * kBins + bins[i + 2]];
    ++t[3 * kBins + bins[i + 3]];
  }
  for (; i < n; ++i) ++t[bins[i]];
}

inline void join_tables(TileHistogram& h) {
  const hn::ScalableTag<std::uint16_t> d;
  constexpr std::size_t kBins = TileHistogram::kBins;
  std::uint16_t* t = h.tables.data();
  for (std::size_t i = 0; i < kBins; i += hn::Lanes(d)) {
    const auto low = hn::Add(hn::Load(d, t + i), hn::Load(d, t + kBins + i));
    const auto high = hn::Add(hn::Load(d, t + 2 * kBins + i), hn::Load(d, t + 3 * kBins + i));
    hn::Store(hn::Add(low, high), d, t + i);
  }
}

/// \p fill(first, n, bins) writes the bins of the values [first, first + n).
template <class Fill>
HWY_INLINE void count_all(std::size_t n, TileHistogram& h, Fill&& fill) {
  h.tables.fill(0);
  alignas(64) std::uint16_t bins[kChunk];
  for (std::size_t first = 0; first < n; first += kChunk) {
    const std::size_t part = std::min(kChunk, n - first);
    fill(first, part, bins);
    count(bins, part, h);
  }
  join_tables(h);
}

}  // namespace tile

inline void count_whole_bins(const std::uint16_t* values, std::size_t n, int low, int shift, TileHistogram& h) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<std::uint16_t> d;
  const auto up = static_cast<std::uint16_t>(std::max(0, -low)), down = static_cast<std::uint16_t>(std::max(0, low));
  constexpr std::uint16_t kLast = TileHistogram::kBins - 1;
  const auto v_up = hn::Set(d, up), v_down = hn::Set(d, down), last = hn::Set(d, kLast);
  tile::count_all(n, h, [&](std::size_t first, std::size_t part, std::uint16_t* bins) HWY_ATTR {
    tile::sweep(
        d, part,
        [&](std::size_t i) HWY_ATTR {
          const auto above = hn::SaturatedSub(hn::SaturatedAdd(hn::LoadU(d, values + first + i), v_up), v_down);
          hn::StoreU(hn::Min(hn::ShiftRightSame(above, shift), last), d, bins + i);
        },
        [&](std::size_t i) HWY_ATTR {
          const int above = std::max(0, std::min(65535, values[first + i] + up) - down);
          bins[i] = static_cast<std::uint16_t>(std::min<int>(above >> shift, kLast));
        });
  });
}

inline void count_real_bins(const float* values, std::size_t n, float low, float per_width, TileHistogram& h) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> whole;
  const hn::Rebind<std::uint16_t, decltype(d)> narrow;
  constexpr float kLast = TileHistogram::kBins - 1;
  const auto v_low = hn::Set(d, low), v_per_width = hn::Set(d, per_width), zero = hn::Zero(d), last = hn::Set(d, kLast);
  tile::count_all(n, h, [&](std::size_t first, std::size_t part, std::uint16_t* bins) HWY_ATTR {
    tile::sweep(
        d, part,
        [&](std::size_t i) HWY_ATTR {
          // Not fused: the bins are to be the same on every instruction set.
          const auto place = hn::Mul(hn::Sub(hn::LoadU(d, values + first + i), v_low), v_per_width);
          const auto bin = hn::ConvertTo(whole, hn::Min(hn::Max(place, zero), last));
          hn::StoreU(hn::DemoteTo(narrow, bin), narrow, bins + i);
        },
        [&](std::size_t i) HWY_ATTR {
          const float place = (values[first + i] - low) * per_width;
          bins[i] = static_cast<std::uint16_t>(std::min(std::max(place, 0.0F), kLast));
        });
  });
}

inline std::uint16_t copy_whole_rows(const Patch<std::uint16_t>& from, std::uint16_t* to) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<std::uint16_t> d;
  auto set = hn::Zero(d);
  std::uint16_t rest = 0;
  for (int y = 0; y < from.height; ++y, to += from.width) {
    const std::uint16_t* row = tile::row_of(from, y);
    tile::sweep(
        d, static_cast<std::size_t>(from.width),
        [&](std::size_t i) HWY_ATTR {
          const auto v = hn::LoadU(d, row + i);
          set = hn::Or(set, v);
          hn::StoreU(v, d, to + i);
        },
        [&](std::size_t i) HWY_ATTR { rest = static_cast<std::uint16_t>(rest | (to[i] = row[i])); });
  }
  alignas(64) std::uint16_t lanes[hn::MaxLanes(d)];
  hn::Store(set, d, lanes);
  for (std::size_t k = 0; k < hn::Lanes(d); ++k) rest = static_cast<std::uint16_t>(rest | lanes[k]);
  return rest;
}

inline bool copy_real_rows(const Patch<float>& from, float pedestal, float* to) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const auto base = hn::Set(d, pedestal), zero = hn::Zero(d);
  auto finite = hn::Eq(zero, zero);
  bool rest = true;
  for (int y = 0; y < from.height; ++y, to += from.width) {
    const float* row = tile::row_of(from, y);
    tile::sweep(
        d, static_cast<std::size_t>(from.width),
        [&](std::size_t i) HWY_ATTR {
          const auto v = hn::Sub(hn::LoadU(d, row + i), base);
          finite = hn::And(finite, hn::Eq(hn::Sub(v, v), zero));
          hn::StoreU(v, d, to + i);
        },
        [&](std::size_t i) HWY_ATTR {
          const float v = to[i] = row[i] - pedestal;
          rest = rest && v - v == 0;
        });
  }
  return rest && hn::AllTrue(d, finite);
}

namespace tile {

/// No multiplication is fused: the values are to be the same on every instruction set.
template <class T>
HWY_INLINE bool copy_levelled_rows(
    const Patch<T>& from, const Patch<float>& levels, float pedestal, float quantum, float* to) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::uint32_t, decltype(d)> du;
  const hn::RebindToSigned<decltype(d)> di;
  const auto base = hn::Set(d, pedestal), zero = hn::Zero(d), step = hn::Set(d, quantum * 0x1p-32F);
  const auto load = [&](const T* p) HWY_ATTR {
    if constexpr (std::is_same_v<T, float>) {
      return hn::LoadU(d, p);
    } else {
      return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(hn::Rebind<T, decltype(d)>(), p)));
    }
  };
  const auto along = hn::Mul(hn::Iota(du, 0), hn::Set(du, kGolden));
  auto finite = hn::Eq(zero, zero);
  bool rest = true;
  std::uint32_t first = 0;
  for (int y = 0; y < from.height; ++y, to += from.width, first += static_cast<std::uint32_t>(from.width)) {
    const T* row = row_of(from, y);
    const auto* level =
        reinterpret_cast<const float*>(reinterpret_cast<const std::byte*>(levels.first) + y * levels.row_bytes);
    sweep(
        d, static_cast<std::size_t>(from.width),
        [&](std::size_t i) HWY_ATTR {
          const auto turn = hn::Add(along, hn::Set(du, (first + static_cast<std::uint32_t>(i)) * kGolden));
          const auto moved = hn::Mul(hn::ConvertTo(d, hn::BitCast(di, turn)), step);
          const auto v = hn::Sub(hn::Sub(load(row + i), base), hn::Sub(hn::LoadU(d, level + i), moved));
          finite = hn::And(finite, hn::Eq(hn::Sub(v, v), zero));
          hn::StoreU(v, d, to + i);
        },
        [&](std::size_t i) HWY_ATTR {
          const float moved = quantum * even_spread(first + static_cast<std::uint32_t>(i));
          const float v = to[i] = (static_cast<float>(row[i]) - pedestal) - (level[i] - moved);
          rest = rest && v - v == 0;
        });
  }
  return rest && hn::AllTrue(d, finite);
}

}  // namespace tile

inline bool copy_levelled_real(
    const Patch<float>& from, const Patch<float>& levels, float pedestal, float quantum, float* to) {
  return tile::copy_levelled_rows(from, levels, pedestal, quantum, to);
}
inline bool copy_levelled_whole(
    const Patch<std::uint16_t>& from, const Patch<float>& levels, float pedestal, float quantum, float* to) {
  return tile::copy_levelled_rows(from, levels, pedestal, quantum, to);
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
