// SPDX-License-Identifier: MIT
/// \file
/// Cubics over stretches of pixels.

// clang-format off
#if defined(STARFLOW_SURFACE_ROW_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_SURFACE_ROW_INL
#undef STARFLOW_SURFACE_ROW_INL
#else
#define STARFLOW_SURFACE_ROW_INL
#endif
// clang-format on

#include "surface_row.hpp"

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {
namespace surface {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kMostCoefficients = SurfaceRow::kMostKnots + 4;

/// The cubic a + b t + c t^2 + d t^3 between two knots, for t in [0, 1].
struct Cubic {
  float a, b, c, d, low, high;

  /// From the four B-spline coefficients around the interval.
  static HWY_INLINE Cubic of(const float* k, const SurfaceRow& row) {
    constexpr float kSixth = 1.0F / 6;
    // From differences, which are small where the level is high.
    const float left = k[1] - k[0], middle = k[2] - k[1], right = k[3] - k[2];
    return {k[1] + (middle - left) * kSixth,
            (left + middle) * 0.5F,
            (middle - left) * 0.5F,
            (left - 2 * middle + right) * kSixth,
            row.low,
            row.high};
  }

  template <bool kInverse, class D>
  HWY_INLINE hn::Vec<D> at(D d1, hn::Vec<D> t) const {
    auto v = hn::MulAdd(t, hn::Set(d1, d), hn::Set(d1, c));
    v = hn::MulAdd(t, v, hn::Set(d1, b));
    v = hn::MulAdd(t, v, hn::Set(d1, a));
    v = hn::Min(hn::Max(v, hn::Set(d1, low)), hn::Set(d1, high));
    if constexpr (kInverse) return hn::Div(hn::Set(d1, 1.0F), v);
    return v;
  }
};

/// Writes pixels from `x` to `end`; a vector may write beyond `end`, which the next stretch puts right.
/// \param t  at the first pixel
template <bool kInverse>
HWY_INLINE void stretch(
    const Cubic& cubic, double t, double step, float* out, std::size_t x, std::size_t end, std::size_t size) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t lanes = hn::Lanes(d);
  const auto step_f = static_cast<float>(step), first = static_cast<float>(t);
  const auto further = hn::Set(d, static_cast<float>(lanes) * step_f), most = hn::Set(d, 1.0F);
  auto place = hn::MulAdd(hn::Iota(d, 0.0F), hn::Set(d, step_f), hn::Set(d, first));
  std::size_t k = 0;
  for (; x + k < end && x + k + lanes <= size; k += lanes) {
    hn::StoreU(cubic.at<kInverse>(d, hn::Min(place, most)), d, out + x + k);
    place = hn::Add(place, further);
  }
  for (; x + k < end; ++k) {
    const auto left = hn::Set(one, std::min(first + static_cast<float>(k) * step_f, 1.0F));
    hn::StoreU(cubic.at<kInverse>(one, left), one, out + x + k);
  }
}

/// The four rows at this y.
HWY_INLINE void join(const SurfaceRow& row, float* out) {
  const hn::ScalableTag<float> d;
  const auto n = static_cast<std::size_t>(row.stride);
  const float* c = row.coefficients;
  const auto w = [&row](std::size_t j) { return static_cast<float>(row.weight[j]); };
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    auto v = hn::Mul(hn::Set(d, w(0)), hn::LoadU(d, c + i));
    v = hn::MulAdd(hn::Set(d, w(1)), hn::LoadU(d, c + n + i), v);
    v = hn::MulAdd(hn::Set(d, w(2)), hn::LoadU(d, c + 2 * n + i), v);
    v = hn::MulAdd(hn::Set(d, w(3)), hn::LoadU(d, c + 3 * n + i), v);
    hn::Store(v, d, out + i);
  }
  for (; i < n; ++i) out[i] = w(0) * c[i] + w(1) * c[n + i] + w(2) * c[2 * n + i] + w(3) * c[3 * n + i];
}

template <bool kInverse>
HWY_INLINE void fill(const SurfaceRow& row, float* out, std::size_t size) {
  alignas(64) float joined[kMostCoefficients];
  join(row, joined);
  const std::size_t last = static_cast<std::size_t>(row.stride) - 4;  // interval
  const double px_per_knot = 1 / row.knots_per_px;
  std::size_t x = 0;
  for (std::size_t interval = 0; x < size; ++interval) {  // from the knot at interval - 1
    const double knot = static_cast<double>(interval) - 1;
    const double edge = (knot + 1.5) * px_per_knot + 0.5;  // rounded up
    const std::size_t end = interval == last ? size : std::clamp(static_cast<std::size_t>(edge), x, size);
    const double t = (static_cast<double>(x) + 0.5) * row.knots_per_px - 0.5 - knot;
    stretch<kInverse>(Cubic::of(joined + interval, row), t, row.knots_per_px, out, x, end, size);
    x = end;
  }
}

}  // namespace surface

inline void fill_pixels(const SurfaceRow& row, float* out, std::size_t size) { surface::fill<false>(row, out, size); }
inline void fill_inverse_pixels(const SurfaceRow& row, float* out, std::size_t size) {
  surface::fill<true>(row, out, size);
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
