// SPDX-License-Identifier: MIT
/// \file
/// Values of a tile by vectors.

// clang-format off
#if defined(STARFLOW_VALUE_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_VALUE_LANES_INL
#undef STARFLOW_VALUE_LANES_INL
#else
#define STARFLOW_VALUE_LANES_INL
#endif
// clang-format on

#include "value_lanes.hpp"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

inline std::size_t split_value_lanes(
    const float* values, std::size_t n, float low, float high, float centre, ValueSums& sums, float* rest) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<double> wide;
  const hn::Rebind<float, decltype(wide)> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto from = hn::Set(d, low), to = hn::Set(d, high), middle = hn::Set(d, centre);
  auto x = hn::Zero(wide), xx = x, xxx = x;
  std::size_t out = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, values + i);
    const auto within = hn::And(hn::Ge(v, from), hn::Le(v, to));
    const auto outside = hn::Not(within);
    hn::StoreU(hn::Compress(v, outside), d, rest + out);  // to memory at once takes some CPUs a hundred cycles
    out += hn::CountTrue(d, outside);
    const auto apart = hn::PromoteTo(wide, hn::IfThenElseZero(within, hn::Sub(v, middle)));
    const auto square = hn::Mul(apart, apart);
    x = hn::Add(x, apart);
    xx = hn::Add(xx, square);
    xxx = hn::MulAdd(square, apart, xxx);
  }
  sums = {static_cast<double>(i - out), hn::GetLane(hn::SumOfLanes(wide, x)), hn::GetLane(hn::SumOfLanes(wide, xx)),
          hn::GetLane(hn::SumOfLanes(wide, xxx))};
  for (; i < n; ++i) {
    const float v = values[i];
    if (!(v >= low && v <= high)) {
      rest[out++] = v;
      continue;
    }
    const auto apart = static_cast<double>(v - centre);
    sums.n += 1;
    sums.x += apart;
    sums.xx += apart * apart;
    sums.xxx += apart * apart * apart;
  }
  return out;
}

inline std::size_t pick_bin_lanes(
    const float* values, std::size_t n, float low, float per_width, float first, float end, float* picked) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto base = hn::Set(d, low), scale = hn::Set(d, per_width), from = hn::Set(d, first), to = hn::Set(d, end);
  std::size_t out = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, values + i);
    const auto bin = hn::Mul(hn::Sub(v, base), scale);  // as it was counted
    const auto within = hn::And(hn::Ge(bin, from), hn::Lt(bin, to));
    if (hn::AllFalse(d, within)) continue;
    hn::StoreU(hn::Compress(v, within), d, picked + out);
    out += hn::CountTrue(d, within);
  }
  for (; i < n; ++i) {
    const float bin = (values[i] - low) * per_width;
    if (bin >= first && bin < end) picked[out++] = values[i];
  }
  return out;
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
