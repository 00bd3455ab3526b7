// SPDX-License-Identifier: MIT
/// \file
/// Rows of the frame, whitened and filtered, a vector of neighbouring pixels at a time.

// clang-format off
#if defined(STARFLOW_FILTER_ROWS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_FILTER_ROWS_INL
#undef STARFLOW_FILTER_ROWS_INL
#else
#define STARFLOW_FILTER_ROWS_INL
#endif
// clang-format on

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE::rows {

namespace hn = hwy::HWY_NAMESPACE;

using Along = hn::ScalableTag<float>;
using V = hn::Vec<Along>;
inline constexpr Along along;
inline constexpr std::size_t kAtOnce = 4;  // vectors: each tap of a filter is loaded once for all of them

/// Pixels [x, x + lanes) in float, less the pedestal.
template <class T>
HWY_INLINE V above_pedestal(const T* row, std::size_t x, double pedestal) {
  if constexpr (std::is_same_v<T, float>) {
    return hn::Sub(hn::LoadU(along, row + x), hn::Set(along, static_cast<float>(pedestal)));
  } else if constexpr (sizeof(T) <= 2) {
    const hn::Rebind<T, Along> narrow;
    const hn::Rebind<std::int32_t, Along> wide;
    const V v = hn::ConvertTo(along, hn::PromoteTo(wide, hn::LoadU(narrow, row + x)));
    return hn::Sub(v, hn::Set(along, static_cast<float>(pedestal)));
  } else {
    alignas(64) float v[hn::MaxLanes(along)];
    for (std::size_t k = 0; k < hn::Lanes(along); ++k)
      v[k] = static_cast<float>(static_cast<double>(row[x + k]) - pedestal);
    return hn::Load(along, v);
  }
}

/// out = (row - pedestal - level) * per_noise. \return false where a value is not finite or beyond \p highest
template <class T>
HWY_INLINE bool whiten(
    const T* row, double pedestal, const float* level, const float* per_noise, float highest, std::span<float> out) {
  const std::size_t n = out.size(), lanes = hn::Lanes(along);
  const V most = hn::Set(along, highest);
  auto fine = hn::Eq(most, most);
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    const V v = hn::Mul(hn::Sub(above_pedestal(row, x, pedestal), hn::LoadU(along, level + x)),
                        hn::LoadU(along, per_noise + x));
    fine = hn::And(fine, hn::Le(hn::Abs(v), most));
    hn::StoreU(v, along, out.data() + x);
  }
  bool all = hn::AllTrue(along, fine);
  for (; x < n; ++x) {
    const float v = (static_cast<float>(static_cast<double>(row[x]) - pedestal) - level[x]) * per_noise[x];
    all = all && std::abs(v) <= highest;
    out[x] = v;
  }
  return all;
}

/// out[x] = sum over i of k[i] * at(i)[x]. Rows may be read and written up to kAtOnce vectors beyond the end.
template <class At>
HWY_INLINE void weighted_sum(std::span<const float> k, std::size_t n, float* out, const At& at) {
  const std::size_t lanes = hn::Lanes(along);
  for (std::size_t x = 0; x < n; x += kAtOnce * lanes) {
    V a = hn::Zero(along), b = a, c = a, d = a;
    for (std::size_t i = 0; i < k.size(); ++i) {
      const V tap = hn::Set(along, k[i]);
      const float* from = at(i) + x;
      a = hn::MulAdd(tap, hn::LoadU(along, from), a);
      b = hn::MulAdd(tap, hn::LoadU(along, from + lanes), b);
      c = hn::MulAdd(tap, hn::LoadU(along, from + 2 * lanes), c);
      d = hn::MulAdd(tap, hn::LoadU(along, from + 3 * lanes), d);
    }
    hn::StoreU(a, along, out + x);
    hn::StoreU(b, along, out + x + lanes);
    hn::StoreU(c, along, out + x + 2 * lanes);
    hn::StoreU(d, along, out + x + 3 * lanes);
  }
}

/// The same for two rows that lie a step apart, each loaded once: next[x] = sum over i of k[i] * at(i + 1)[x].
template <class At>
HWY_INLINE void weighted_sums(std::span<const float> k, std::size_t n, float* out, float* next, const At& at) {
  const std::size_t lanes = hn::Lanes(along);
  for (std::size_t x = 0; x < n; x += kAtOnce * lanes) {
    V a = hn::Zero(along), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    V before = a;  // the tap that the row has in `next`
    for (std::size_t i = 0; i <= k.size(); ++i) {
      const V tap = i < k.size() ? hn::Set(along, k[i]) : hn::Zero(along);
      const float* from = at(i) + x;
      const V p = hn::LoadU(along, from), q = hn::LoadU(along, from + lanes);
      const V r = hn::LoadU(along, from + 2 * lanes), s = hn::LoadU(along, from + 3 * lanes);
      a = hn::MulAdd(tap, p, a);
      b = hn::MulAdd(tap, q, b);
      c = hn::MulAdd(tap, r, c);
      d = hn::MulAdd(tap, s, d);
      e = hn::MulAdd(before, p, e);
      f = hn::MulAdd(before, q, f);
      g = hn::MulAdd(before, r, g);
      h = hn::MulAdd(before, s, h);
      before = tap;
    }
    hn::StoreU(a, along, out + x);
    hn::StoreU(b, along, out + x + lanes);
    hn::StoreU(c, along, out + x + 2 * lanes);
    hn::StoreU(d, along, out + x + 3 * lanes);
    hn::StoreU(e, along, next + x);
    hn::StoreU(f, along, next + x + lanes);
    hn::StoreU(g, along, next + x + 2 * lanes);
    hn::StoreU(h, along, next + x + 3 * lanes);
  }
}

}  // namespace starflow::HWY_NAMESPACE::rows
HWY_AFTER_NAMESPACE();

#endif  // include guard
