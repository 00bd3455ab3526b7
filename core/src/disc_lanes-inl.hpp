// SPDX-License-Identifier: MIT
/// \file
/// The part of each pixel that lies in a circle, exactly, one star a lane.

// clang-format off
#if defined(STARFLOW_DISC_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_DISC_LANES_INL
#undef STARFLOW_DISC_LANES_INL
#else
#define STARFLOW_DISC_LANES_INL
#endif
// clang-format on

#include "lane_math-inl.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

using LightVec = hn::Vec<FloatLanes>;

HWY_INLINE LightVec zero() { return hn::Zero(FloatLanes()); }
HWY_INLINE LightVec one(double v) { return set(FloatLanes(), v); }
HWY_INLINE LightVec lanes_of(const std::array<float, StarBlock::kMaxLanes>& a) {
  return hn::Load(FloatLanes(), a.data());
}

/// Pixels of one axis of a block, from its centre.
struct PixelSpan {
  int first = 0, last = 0;
};

/// Those whose area reaches within `reach` of `centre` in some lane. What a lane adds beyond its own reach must be 0.
HWY_INLINE PixelSpan span_of(const StarBlock& block, LightVec centre, LightVec reach) {
  const FloatLanes d;
  const float low = hn::GetLane(hn::MinOfLanes(d, hn::Sub(centre, reach)));
  const float high = hn::GetLane(hn::MaxOfLanes(d, hn::Add(centre, reach)));
  const auto r = static_cast<float>(block.radius);
  return {static_cast<int>(std::floor(std::clamp(low, -r, r) + 0.5F)),
          static_cast<int>(std::ceil(std::clamp(high, -r, r) - 0.5F))};
}

HWY_INLINE std::size_t pixel_index(const StarBlock& block, int column, int row) {
  return block.index(static_cast<std::size_t>(column + block.radius), static_cast<std::size_t>(row + block.radius), 0);
}

/// The boundaries between the pixels of one axis, in units of the circle's radius and no farther out.
struct Edges {
  static constexpr std::size_t kMax = StarBlock::kMaxSide + 1;
  std::size_t n = 0;
  Table<FloatLanes, kMax> at, sign;
  Table<FloatLanes, kMax> rest;   ///< sign times the integral of sqrt(1 - t^2) from |at| to 1
  Table<FloatLanes, kMax> chord;  ///< sqrt(1 - at^2)
};

HWY_INLINE void find_edges(PixelSpan pixels, LightVec centre, LightVec per_px, Edges& edges) {
  edges.n = static_cast<std::size_t>(pixels.last - pixels.first + 2);
  for (std::size_t k = 0; k < edges.n; ++k) {
    const LightVec px = hn::Sub(one(pixels.first + static_cast<int>(k) - 0.5), centre);
    const LightVec at = clamp(hn::Mul(px, per_px), one(-1), one(1));
    const LightVec sign = hn::CopySign(one(1), at), inner = hn::Sub(one(1), hn::Abs(at)), root = hn::Sqrt(inner);
    // The integral over inner^1.5 is smooth; fitted to 3e-8 of the integral for |at| = 0..1 (minimax, degree 5).
    LightVec p = one(-0.000818492191);
    p = hn::MulAdd(p, inner, one(0.000575965987));
    p = hn::MulAdd(p, inner, one(-0.00345840274));
    p = hn::MulAdd(p, inner, one(-0.012214867));
    p = hn::MulAdd(p, inner, one(-0.141500419));
    p = hn::MulAdd(p, inner, one(0.942814407));
    edges.at.put(k, at);
    edges.sign.put(k, sign);
    edges.rest.put(k, hn::Mul(hn::Mul(sign, p), hn::Mul(inner, root)));
    edges.chord.put(k, hn::Mul(root, hn::Sqrt(hn::Sub(one(2), inner))));
  }
}

/// Calls visit(index, part) for each pixel that the circles of radius `r` about (x, y) may touch: the pixel's index
/// in the block, and the area of the circle in it over r^2.
///
/// The area of the unit circle in the box from its centre to the corner (u, v), u and v > 0, is u v if the corner is
/// inside, else pi / 4 - S(u) - S(v) with S the integral of sqrt(1 - t^2) from there to 1: all but the choice depends
/// on one axis. It is odd in u and in v, so the four corners of a pixel add up to its area wherever the pixel lies.
template <class Visit>
HWY_INLINE void visit_disc(const StarBlock& block, LightVec x, LightVec y, LightVec r, const Visit& visit) {
  const PixelSpan columns = span_of(block, x, r), rows = span_of(block, y, r);
  const LightVec per_px = hn::Div(one(1), r);
  Edges u, v;
  find_edges(columns, x, per_px, u);
  find_edges(rows, y, per_px, v);
  Table<FloatLanes, Edges::kMax> above;
  for (std::size_t j = 0; j < v.n; ++j) {
    const LightVec at = v.at.get(j), sign = v.sign.get(j), chord = v.chord.get(j);
    const LightVec most = hn::MulSub(sign, one(std::numbers::pi / 4), v.rest.get(j));
    const auto corner = [&](std::size_t k) HWY_ATTR {
      const LightVec outside = hn::MulSub(u.sign.get(k), most, hn::Mul(sign, u.rest.get(k)));
      return hn::IfThenElse(hn::Le(hn::Abs(u.at.get(k)), chord), hn::Mul(u.at.get(k), at), outside);
    };
    if (j == 0) {
      for (std::size_t k = 0; k < u.n; ++k) above.put(k, corner(k));
      continue;
    }
    std::size_t index = pixel_index(block, columns.first, rows.first + static_cast<int>(j) - 1);
    LightVec left = corner(0), strip_left = hn::Sub(left, above.get(0));
    above.put(0, left);
    for (std::size_t k = 1; k < u.n; ++k, index += block.lanes) {
      const LightVec below = corner(k), strip = hn::Sub(below, above.get(k));
      above.put(k, below);
      visit(index, hn::Sub(strip, strip_left));
      strip_left = strip;
    }
  }
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
