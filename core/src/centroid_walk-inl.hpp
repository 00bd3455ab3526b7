// SPDX-License-Identifier: MIT
/// \file
/// What the centroids without a model share: a position that walks until it rests, and the ends it can come to.

// clang-format off
#if defined(STARFLOW_CENTROID_WALK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_CENTROID_WALK_INL
#undef STARFLOW_CENTROID_WALK_INL
#else
#define STARFLOW_CENTROID_WALK_INL
#endif
// clang-format on

#include "centroid_lanes.hpp"
#include "lane_math-inl.hpp"
#include "units.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE::centroids {

using D = FloatLanes;
using V = hn::Vec<D>;
using M = hn::Mask<D>;
using LaneArray = CentroidLanes::Lanes<float>;
inline constexpr D d;

HWY_INLINE V num(double v) { return set(d, v); }
HWY_INLINE V load(const LaneArray& a) { return hn::Load(d, a.data()); }
HWY_INLINE void store(V v, LaneArray& a) { hn::Store(v, d, a.data()); }
HWY_INLINE V reason(Termination t) { return num(static_cast<double>(t)); }
HWY_INLINE V square(V v) { return hn::Mul(v, v); }
HWY_INLINE V inverse(V v) { return hn::Div(num(1), v); }

/// Where a pixel's weight falls from 1 to 0 over the one pixel that the rim cuts.
HWY_INLINE V soft_rim(V radius, V distance) {
  return clamp(hn::Sub(hn::Add(radius, num(0.5)), distance), num(0), num(1));
}

/// What stands in the variance of a pixel: 0 where it is missing, a saturated one like any other.
HWY_INLINE V plain_variance(V v) { return hn::IfThenElseZero(hn::Lt(v, num(StarBlock::kMissing)), hn::Abs(v)); }

/// Columns or rows of a block that any lane wants.
struct Span {
  std::size_t begin = 0, end = 0;
};

/// The pixels within \p reach of \p centre.
inline Span span_around(const StarBlock& block, V centre, V reach) {
  const float low = hn::GetLane(hn::MinOfLanes(d, hn::Sub(centre, reach)));
  const float high = hn::GetLane(hn::MaxOfLanes(d, hn::Add(centre, reach)));
  const auto radius = static_cast<float>(block.radius);
  const float first = std::clamp(std::ceil(low), -radius, radius), last = std::clamp(std::floor(high), -radius, radius);
  return {static_cast<std::size_t>(first + radius), static_cast<std::size_t>(std::max(first, last) + radius) + 1};
}

HWY_INLINE V offset(const StarBlock& block, std::size_t i, V centre) {
  return hn::Sub(hn::Set(d, static_cast<float>(static_cast<int>(i) - block.radius)), centre);
}

/// exp(-u^2 / 2 variance) at the columns or rows of \p span. Each follows from its neighbour, outwards from the block's
/// central one: 4 exponentials instead of one each, for 1e-6 of a weight at the most. \p at  within 10 sigma of 0
inline void fill_gaussian(const StarBlock& block, V at, V variance, Span span, Table<D, StarBlock::kMaxSide>& out) {
  const V per = inverse(variance), half = hn::Mul(num(-0.5), per), shift = hn::Mul(at, per);
  const V middle = exp_falling(d, hn::Mul(half, square(at))), bend = exp_falling(d, hn::Neg(per));
  const auto side = [&](V by_first, auto&& put) {
    V value = middle, by = hn::Exp(d, clamp(by_first, num(-80), num(80)));
    put(value, [&] {
      value = hn::Mul(value, by);
      by = hn::Mul(by, bend);
    });
  };
  const auto central = static_cast<std::size_t>(block.radius);
  side(hn::Add(half, shift), [&](V& value, auto&& step) {
    for (std::size_t i = central; i < span.end; ++i, step()) out.put(i, value);
  });
  side(hn::Sub(half, shift), [&](V& value, auto&& step) {
    for (std::size_t i = central; i > span.begin; --i) {
      step();
      out.put(i - 1, value);
    }
  });
}

/// The positions of all lanes on their way; a lane that has come to an end stays where it is.
class Walk {
 public:
  Walk(const StarBlock& block, const CentroidRules& rules, CentroidLanes& lanes) : lanes_(lanes), rules_(rules) {
    x0_.put(0, hn::Load(d, block.x.data()));
    y0_.put(0, hn::Load(d, block.y.data()));
    store(x0_.get(0), lanes.x);
    store(y0_.get(0), lanes.y);
    store(num(0), lanes.iterations);
    store(num(kRunning), lanes.termination);
    forget_swings();
    const V limit = set(d, static_cast<double>(rules.move_limit));
    limit_.put(0, hn::Min(limit, hn::Mul(num(kFarthest), load(lanes.sigma))));
  }

  [[nodiscard]] HWY_INLINE M running() const { return hn::Lt(load(lanes_.termination), num(0)); }

  [[nodiscard]] int rounds() const { return round_; }

  /// Lanes that have not come near to their end yet.
  [[nodiscard]] M coarse() const {
    const V x = last_x_.get(0), y = last_y_.get(0), taken = hn::MulAdd(x, x, square(y));
    return round_ == 0 ? running() : hn::And(running(), hn::Gt(taken, num(kCoarse * kCoarse)));
  }

  [[nodiscard]] bool goes_on() const { return round_ < rules_.max_iterations && !hn::AllFalse(d, running()); }

  /// Moves the lanes that run by (dx, dy), which must be a step of about the right length. \p light  the weighted sum
  /// that the step was divided by \p quadratic  lanes whose error falls with the square of the step \param may_rest  a
  /// short step is the last one
  void step(V dx, V dy, V light, M quadratic, bool may_rest = true) {
    ++round_;
    const M active = running();
    store(hn::Add(load(lanes_.iterations), hn::IfThenElseZero(active, num(1))), lanes_.iterations);
    const M finite = hn::Lt(hn::Abs(light), num(1e37)), lit = hn::And(finite, hn::Gt(light, num(0)));
    dx = hn::Mul(dx, damping_.get(0));
    dy = hn::Mul(dy, damping_.get(0));
    // A window of few pixels swings about its end: half the way back, or more, is too far.
    const V last_x = last_x_.get(0), last_y = last_y_.get(0);
    const M turned = hn::Lt(hn::MulAdd(dx, last_x, hn::Mul(dy, last_y)), num(0));
    const V before = hn::MulAdd(last_x, last_x, square(last_y));
    const M swings = hn::And(turned, hn::Gt(hn::MulAdd(dx, dx, square(dy)), hn::Mul(num(0.25), before)));
    const V less = hn::IfThenElse(swings, num(0.6), num(1));
    damping_.put(0, hn::Mul(damping_.get(0), less));
    dx = hn::Mul(dx, less);
    dy = hn::Mul(dy, less);
    last_x_.put(0, dx);
    last_y_.put(0, dy);
    const V x = hn::Add(load(lanes_.x), dx), y = hn::Add(load(lanes_.y), dy);
    const V away = hn::MulAdd(hn::Sub(x, x0_.get(0)), hn::Sub(x, x0_.get(0)), square(hn::Sub(y, y0_.get(0))));
    const M near = hn::Le(away, square(limit_.get(0))), moves = hn::And(active, hn::And(lit, near));
    store(hn::IfThenElse(moves, x, load(lanes_.x)), lanes_.x);
    store(hn::IfThenElse(moves, y, load(lanes_.y)), lanes_.y);
    const V taken = hn::MulAdd(dx, dx, square(dy));
    const V failure =
        hn::IfThenElse(lit, reason(Termination::moved_from_seed),
                       hn::IfThenElse(finite, reason(Termination::nonpositive_flux), reason(Termination::nonfinite)));
    end(hn::AndNot(moves, active), failure);
    const V rest = hn::IfThenElse(quadratic, num(kNewtonRest * kNewtonRest), num(kRest * kRest));
    // A step that damping made short proves nothing.
    if (may_rest)
      end(hn::And(moves, hn::Lt(taken, hn::Mul(rest, square(damping_.get(0))))), reason(Termination::converged));
  }

  /// For steps of another window: what made the last ones turn says nothing of them.
  void forget_swings() {
    damping_.put(0, num(1));
    last_x_.clear();
    last_y_.clear();
  }

  /// Closes the lanes that were still on their way, and takes a star of next to no pixels for what it is.
  void finish() {
    constexpr double kMinPixels = 3;
    end(running(), reason(Termination::max_iterations));
    const M few = hn::Lt(load(lanes_.n_pix), num(kMinPixels));
    store(hn::IfThenElse(few, reason(Termination::too_few_pixels), load(lanes_.termination)), lanes_.termination);
  }

 private:
  static constexpr double kRunning = -1;
  /// px. Sums in float leave a step uncertain by less than a tenth of this for windows up to 5 px of sigma.
  static constexpr double kRest = 5e-6;
  static constexpr double kCoarse = 0.05;      ///< px, of a step
  static constexpr double kFarthest = 8;       ///< sigma; a star that far off is another one
  static constexpr double kNewtonRest = 3e-5;  ///< px: the next step would be less than 1e-6

  void end(M which, V why) { store(hn::IfThenElse(which, why, load(lanes_.termination)), lanes_.termination); }

  CentroidLanes& lanes_;
  const CentroidRules& rules_;
  int round_ = 0;
  Table<D, 1> x0_, y0_, last_x_, last_y_, damping_, limit_;
};

/// Covariance of the position: A^-1 B A^-1, with A the derivative of the estimating equation and B its variance.
/// Source: Huber's sandwich.
inline void store_covariance(V axx, V ayy, V axy, V bxx, V byy, V bxy, CentroidLanes& lanes) {
  const V det = hn::NegMulAdd(axy, axy, hn::Mul(axx, ayy));
  const M good = hn::And(hn::Gt(axx, num(0)), hn::Gt(det, num(0)));
  const V per_det = hn::IfThenElse(good, inverse(det), hn::NaN(d));
  const V ixx = hn::Mul(ayy, per_det), iyy = hn::Mul(axx, per_det), ixy = hn::Neg(hn::Mul(axy, per_det));
  const V cx = hn::MulAdd(ixx, bxx, hn::Mul(ixy, bxy)), cy = hn::MulAdd(ixx, bxy, hn::Mul(ixy, byy));
  const V ex = hn::MulAdd(ixy, bxx, hn::Mul(iyy, bxy)), ey = hn::MulAdd(ixy, bxy, hn::Mul(iyy, byy));
  store(hn::MulAdd(cx, ixx, hn::Mul(cy, ixy)), lanes.cov_xx);
  store(hn::MulAdd(ex, ixy, hn::Mul(ey, iyy)), lanes.cov_yy);
  store(hn::MulAdd(cx, ixy, hn::Mul(cy, iyy)), lanes.cov_xy);
}

/// Counts the pixels of each lane for which \p inside(dx, dy) holds: those that count, and the bad ones of them for
/// which \p near(dx, dy) holds as well.
inline void count_pixels(const StarBlock& block, CentroidLanes& lanes, const auto& inside, const auto& near) {
  const V x = load(lanes.x), y = load(lanes.y);
  V counted = num(0), masked = num(0);
  const float* variance = block.variance.data();
  for (std::size_t j = 0; j < block.side(); ++j) {
    const V dy = offset(block, j, y);
    for (std::size_t i = 0; i < block.side(); ++i, variance += block.lanes) {
      const V v = hn::Load(d, variance), dx = offset(block, i, x);
      const M in = inside(dx, dy), missing = hn::Gt(v, num(StarBlock::kMissing));
      counted = hn::Add(counted, hn::IfThenElseZero(hn::AndNot(missing, in), num(1)));
      const M bad = hn::And(hn::Eq(v, num(StarBlock::kMasked)), near(dx, dy));
      masked = hn::Add(masked, hn::IfThenElseZero(bad, num(1)));
    }
  }
  store(counted, lanes.n_pix);
  store(masked, lanes.n_masked);
}

}  // namespace starflow::HWY_NAMESPACE::centroids
HWY_AFTER_NAMESPACE();

#endif  // include guard
