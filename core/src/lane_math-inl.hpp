// SPDX-License-Identifier: MIT
/// \file
/// What the kernels share: vectors of one star a lane, small tables of them, the error function, a solver.

// clang-format off
#if defined(STARFLOW_LANE_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_LANE_MATH_INL
#undef STARFLOW_LANE_MATH_INL
#else
#define STARFLOW_LANE_MATH_INL
#endif
// clang-format on

#include "star_block.hpp"

#include <hwy/contrib/math/math-inl.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// One star a lane, in float.
using FloatLanes = hn::CappedTag<float, StarBlock::kMaxLanes>;

template <class D>
using Real = hn::TFromD<D>;

template <class D>
HWY_INLINE hn::Vec<D> set(D d, double v) {
  return hn::Set(d, static_cast<Real<D>>(v));
}

template <class V>
HWY_INLINE V clamp(V v, V low, V high) {
  return hn::Min(hn::Max(v, low), high);
}

/// A table of [index][lane]: vectors whose length is known only at run time on some CPUs live in memory.
template <class D, std::size_t N>
struct Table {
  alignas(64) Real<D> cell[N * hn::MaxLanes(D())];

  HWY_INLINE hn::Vec<D> get(std::size_t k) const { return hn::Load(D(), &cell[k * hn::Lanes(D())]); }
  HWY_INLINE void put(std::size_t k, hn::Vec<D> v) { hn::Store(v, D(), &cell[k * hn::Lanes(D())]); }
  HWY_INLINE void add(std::size_t k, hn::Vec<D> v) { put(k, hn::Add(get(k), v)); }
  HWY_INLINE void clear(std::size_t n = N) {
    for (std::size_t k = 0; k < n; ++k) put(k, hn::Zero(D()));
  }
};

/// exp(v) for v <= 0, held away from denormal numbers.
template <class D, class V>
HWY_INLINE V exp_falling(D d, V v) {
  return hn::Exp(d, hn::Max(v, set(d, -80)));
}

/// 1 / v to float's precision, for v whose reciprocal is a normal number.
template <class D, class V>
HWY_INLINE V reciprocal(D d, V v) {
  if constexpr (hwy::IsSame<Real<D>, float>()) {
    const V r = hn::ApproximateReciprocal(v);
    return hn::Mul(r, hn::NegMulAdd(v, r, set(d, 2)));
  } else {
    return hn::Div(set(d, 1), v);
  }
}

/// erf(u) from e = exp(-u^2). Source: Abramowitz & Stegun 7.1.26, absolute error 1.5e-7.
template <class D, class V>
HWY_INLINE V erf_of(D d, V u, V e) {
  const V t = reciprocal(d, hn::MulAdd(set(d, 0.3275911), hn::Abs(u), set(d, 1)));
  V p = set(d, 1.061405429);
  p = hn::MulAdd(p, t, set(d, -1.453152027));
  p = hn::MulAdd(p, t, set(d, 1.421413741));
  p = hn::MulAdd(p, t, set(d, -0.284496736));
  p = hn::MulAdd(p, t, set(d, 0.254829592));
  return hn::CopySign(hn::NegMulAdd(hn::Mul(p, t), e, set(d, 1)), u);
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
