// SPDX-License-Identifier: MIT
/// \file
/// DAOFIND's numbers at the central pixels of a block; LightLanes tells what they are.

// clang-format off
#if defined(STARFLOW_DAO_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_DAO_LANES_INL
#undef STARFLOW_DAO_LANES_INL
#else
#define STARFLOW_DAO_LANES_INL
#endif
// clang-format on

#include "dao_shape.hpp"
#include "disc_lanes-inl.hpp"
#include "light_lanes.hpp"

#include <limits>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Calls take(column + q, height) for q = 0..N-1 (N <= 4): the height of the Gaussian that fits the pixels about
/// (column + q, row) best. They share each weight: loading is what these sums cost.
template <int N, class Take>
HWY_INLINE void dao_heights(const StarBlock& block, const DaoShape& dao, int column, int row, const Take& take) {
  const FloatLanes d;
  const std::size_t next = block.lanes;
  LightVec a = zero(), b = zero(), c = zero(), e = zero();
  for (int dy = -dao.radius(); dy <= dao.radius(); ++dy) {
    const int half = dao.half_width(dy);
    const float* value = &block.value[pixel_index(block, column - half, row + dy)];
    for (int dx = -half; dx <= half; ++dx, value += next) {
      const LightVec weight = hn::Set(d, dao.kernel(dx, dy));
      a = hn::MulAdd(hn::Load(d, value), weight, a);
      if constexpr (N > 1) b = hn::MulAdd(hn::Load(d, value + next), weight, b);
      if constexpr (N > 2) c = hn::MulAdd(hn::Load(d, value + 2 * next), weight, c);
      if constexpr (N > 3) e = hn::MulAdd(hn::Load(d, value + 3 * next), weight, e);
    }
  }
  take(column, a);
  if constexpr (N > 1) take(column + 1, b);
  if constexpr (N > 2) take(column + 2, c);
  if constexpr (N > 3) take(column + 3, e);
}

/// Whether every pixel within \p reach of the central one holds something, by lane.
HWY_INLINE hn::Mask<FloatLanes> all_there(const StarBlock& block, int reach) {
  const FloatLanes d;
  LightVec worst = zero();
  for (int j = -reach; j <= reach; ++j) {
    const float* variance = &block.variance[pixel_index(block, -reach, j)];
    for (int i = -reach; i <= reach; ++i, variance += block.lanes) worst = hn::Max(worst, hn::Load(d, variance));
  }
  return hn::Le(worst, one(StarBlock::kMissing));
}

inline void dao_batch(const StarBlock& block, const DaoShape& dao, LightLanes& lanes) {
  const FloatLanes d;
  const LightVec nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  const int r = dao.radius();
  const auto put = [&](LightVec sharpness, LightVec roundness1, LightVec roundness2) HWY_ATTR {
    hn::Store(sharpness, d, lanes.sharpness.data());
    hn::Store(roundness1, d, lanes.roundness1.data());
    hn::Store(roundness2, d, lanes.roundness2.data());
  };
  if (r == 0 || dao.reach() > block.radius) return put(nan, nan, nan);
  auto defined = hn::Gt(one(1), zero());
  if (!std::all_of(block.clean.begin(), block.clean.begin() + static_cast<std::ptrdiff_t>(block.size),
                   [](bool clean) { return clean; }))
    defined = all_there(block, dao.reach());
  LightVec around = zero(), quadrants = zero(), total = zero(), height = zero(), hx = zero(), hy = zero();
  for (int dy = -r; dy <= r; ++dy) {
    const auto take = [&](int dx, LightVec v) HWY_ATTR {
      if (dx == 0 && dy == 0) {
        height = v;
        return;
      }
      total = hn::Add(total, hn::Abs(v));
      quadrants = DaoShape::positive_quadrant(dx, dy) ? hn::Add(quadrants, v) : hn::Sub(quadrants, v);
    };
    int column = -r;
    for (; column + 3 <= r; column += 4) dao_heights<4>(block, dao, column, dy, take);
    column == r ? dao_heights<1>(block, dao, column, dy, take) : dao_heights<3>(block, dao, column, dy, take);
    LightVec along = zero(), across = zero();
    for (int dx = -r; dx <= r; ++dx) {
      const LightVec f = hn::Load(d, &block.value[pixel_index(block, dx, dy)]);
      along = hn::MulAdd(f, hn::Set(d, dao.marginal(dx)), along);
      across = hn::MulAdd(f, hn::Set(d, dao.triangle(dx)), across);
      if (std::abs(dx) <= dao.half_width(dy) && !(dx == 0 && dy == 0)) around = hn::Add(around, f);
    }
    hx = hn::MulAdd(along, hn::Set(d, dao.triangle(dy)), hx);
    hy = hn::MulAdd(across, hn::Set(d, dao.marginal(dy)), hy);
  }
  defined = hn::And(defined, hn::Gt(height, zero()));
  const LightVec peak = hn::Load(d, &block.value[pixel_index(block, 0, 0)]);
  const LightVec mean = hn::Mul(around, one(1.0 / (dao.n_inside() - 1)));
  const auto heights = hn::And(defined, hn::And(hn::Gt(hx, zero()), hn::Gt(hy, zero())));
  put(hn::IfThenElse(defined, hn::Div(hn::Sub(peak, mean), height), nan),
      hn::IfThenElse(hn::And(defined, hn::Gt(total, zero())), hn::Div(hn::Add(quadrants, quadrants), total), nan),
      hn::IfThenElse(heights, hn::Div(hn::Mul(one(2), hn::Sub(hx, hy)), hn::Add(hx, hy)), nan));
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
