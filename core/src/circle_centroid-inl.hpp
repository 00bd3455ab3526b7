// SPDX-License-Identifier: MIT
/// \file
/// The flux-weighted mean in a circle, compiled for each instruction set.

// clang-format off
#if defined(STARFLOW_CIRCLE_CENTROID_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_CIRCLE_CENTROID_INL
#undef STARFLOW_CIRCLE_CENTROID_INL
#else
#define STARFLOW_CIRCLE_CENTROID_INL
#endif
// clang-format on

#include "centroid_walk-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE::centroids {

/// A round Gaussian of variance s^2 cut at the radius R, in u = R^2 / 2 s^2. With t = r^2 / 2 s^2, the light inside has
/// <t> = 1 - u / (e^u - 1) and <t^2> = (2 - e^-u (u^2 + 2u + 2)) / (1 - e^-u).
class CutGaussian {
 public:
  explicit CutGaussian(V u) {
    const V growth = hn::Sub(hn::Exp(d, u), num(1)), per = inverse(growth);
    part_.put(kU, u);
    part_.put(kGrowth, growth);
    part_.put(kMean, hn::NegMulAdd(u, per, num(1)));
    part_.put(kSlope, hn::Mul(per, hn::MulSub(u, hn::Mul(hn::Add(growth, num(1)), per), num(1))));
  }

  [[nodiscard]] V u() const { return part_.get(kU); }
  [[nodiscard]] V growth() const { return part_.get(kGrowth); }  ///< e^u - 1
  [[nodiscard]] V mean() const { return part_.get(kMean); }      ///< <t>
  [[nodiscard]] V slope() const { return part_.get(kSlope); }    ///< d<t> / du

  /// The one whose moment <r^2> / 2 is q R^2, 0 < q < 0.23: solves u = <t> / 2q.
  static V find(V q) {
    const V scale = hn::Div(num(0.5), q);
    V u = hn::Min(scale, num(kMost));
    for (int round = 0; round < 6; ++round) {
      const CutGaussian g(u);
      const V wrong = hn::NegMulAdd(scale, g.mean(), u), by = hn::NegMulAdd(scale, g.slope(), num(1));
      u = clamp(hn::Sub(u, hn::Div(wrong, by)), num(kLeast), num(kMost));
    }
    return u;
  }

  [[nodiscard]] V fraction() const { return hn::Div(growth(), hn::Add(growth(), num(1))); }

  /// By how much the moments of an ellipse differ inside, for one difference between those of the whole.
  [[nodiscard]] V stretch() const {
    const V rest = inverse(hn::Add(growth(), num(1))), poly = hn::MulAdd(u(), hn::Add(u(), num(2)), num(2));
    return hn::Div(hn::Mul(num(0.5), hn::NegMulAdd(rest, poly, num(2))), fraction());
  }

  /// d(-ln fraction) / dq.
  [[nodiscard]] V flux_by_moment() const {
    const V q_by_u = hn::Div(hn::MulSub(slope(), u(), mean()), hn::Mul(num(2), square(u())));
    return hn::Neg(inverse(hn::Mul(growth(), q_by_u)));
  }

  static constexpr double kLeast = 0.3, kMost = 20;

 private:
  enum : std::size_t { kU, kGrowth, kMean, kSlope, kCount };
  Table<D, kCount> part_;
};

/// The centroid of the light within one FWHM, from the first step to the last error.
class CircleCentroid {
 public:
  CircleCentroid(const StarBlock& block, const CentroidRules& rules, CentroidLanes& lanes)
      : block_(block), rules_(rules), lanes_(lanes) {}

  void run() {
    Walk walk(block_, rules_, lanes_);
    sum_.clear();
    while (walk.goes_on()) {
      place();
      add_up(walk.running());
      // Newton's step, held where noise on the rim makes the derivative small.
      const V s0 = sum_.get(k0), least = hn::Mul(num(0.3), s0);
      const V ax = hn::Max(hn::Sub(s0, sum_.get(kRimXX)), least), ay = hn::Max(hn::Sub(s0, sum_.get(kRimYY)), least);
      walk.step(hn::Div(sum_.get(kX), ax), hn::Div(sum_.get(kY), ay), s0, hn::MaskFromVec(num(0)));
    }
    place();
    const V radius = radius_.get(0);
    const auto inside = [radius](V dx, V dy) {
      return hn::Gt(soft_rim(radius, hn::Sqrt(hn::MulAdd(dx, dx, square(dy)))), num(0));
    };
    count_pixels(block_, lanes_, inside, inside);
    walk.finish();
    measure();
  }

 private:
  enum : std::size_t { k0, kX, kY, kXX, kYY, kXY, kRimXX, kRimYY, kRimXY, kCount };

  /// Where the block ends before the circle does, the circle shrinks: cut on one side it would pull the position.
  void place() {
    const V x = load(lanes_.x), y = load(lanes_.y);
    const V to_edge = hn::Sub(num(block_.radius + 0.5), hn::Max(hn::Abs(x), hn::Abs(y)));
    const V radius = hn::Min(hn::Mul(num(kFwhmPerSigma), load(lanes_.sigma)), to_edge);
    radius_.put(0, radius);
    columns_ = span_around(block_, x, hn::Add(radius, num(0.5)));
    rows_ = span_around(block_, y, hn::Add(radius, num(0.5)));
  }

  /// Calls visit(k, dx, dy, r, weight) for the pixels of the batch that any circle holds.
  void visit(const auto& each) const {
    const V x = load(lanes_.x), y = load(lanes_.y), radius = radius_.get(0);
    for (std::size_t j = rows_.begin; j < rows_.end; ++j) {
      const V dy = offset(block_, j, y), dyy = square(dy);
      for (std::size_t i = columns_.begin; i < columns_.end; ++i) {
        const V dx = offset(block_, i, x), r = hn::Sqrt(hn::MulAdd(dx, dx, dyy));
        each(block_.index(i, j, 0), dx, dy, r, soft_rim(radius, r));
      }
    }
  }

  void add_up(M which) {
    V s0 = num(0), sx = s0, sy = s0, sxx = s0, syy = s0, sxy = s0, rxx = s0, ryy = s0, rxy = s0;
    visit([&](std::size_t k, V dx, V dy, V r, V w) {
      const V v = hn::Load(d, &block_.value[k]), f = hn::Mul(w, v), fx = hn::Mul(f, dx), fy = hn::Mul(f, dy);
      s0 = hn::Add(s0, f);
      sx = hn::Add(sx, fx);
      sy = hn::Add(sy, fy);
      sxx = hn::MulAdd(fx, dx, sxx);
      syy = hn::MulAdd(fy, dy, syy);
      sxy = hn::MulAdd(fx, dy, sxy);
      // On the rim a pixel's weight changes with the position.
      const M rim = hn::And(hn::Gt(w, num(0)), hn::Lt(w, num(1)));
      const V change = hn::IfThenElseZero(rim, hn::Div(v, hn::Max(r, num(0.1)))), cx = hn::Mul(change, dx);
      rxx = hn::MulAdd(cx, dx, rxx);
      ryy = hn::MulAdd(hn::Mul(change, dy), dy, ryy);
      rxy = hn::MulAdd(cx, dy, rxy);
    });
    const auto take = [&](std::size_t k, V v) { sum_.put(k, hn::IfThenElse(which, v, sum_.get(k))); };
    take(k0, s0);
    take(kX, sx);
    take(kY, sy);
    take(kXX, sxx);
    take(kYY, syy);
    take(kXY, sxy);
    take(kRimXX, rxx);
    take(kRimYY, ryy);
    take(kRimXY, rxy);
  }

  /// Moments and flux of the whole star from those of its part in the circle, then the errors.
  void measure() {
    const V s0 = sum_.get(k0), per_light = inverse(s0), radius2 = square(radius_.get(0));
    const V pxx = hn::Mul(sum_.get(kXX), per_light), pyy = hn::Mul(sum_.get(kYY), per_light);
    const V mean = hn::Mul(num(0.5), hn::Add(pxx, pyy)), q = hn::Div(mean, radius2);
    M own = hn::And(hn::Gt(q, num(0)), hn::Lt(q, num(0.23)));
    const V expected = hn::Div(hn::Mul(num(0.5), radius2), square(load(lanes_.sigma)));
    const CutGaussian star(hn::IfThenElse(own, CutGaussian::find(hn::IfThenElse(own, q, num(0.15))), expected));
    const V variance = hn::Div(hn::Mul(num(0.5), radius2), star.u()), stretch = inverse(star.stretch());
    const V apart = hn::Mul(hn::Mul(num(0.5), hn::Sub(pxx, pyy)), stretch),
            round = hn::Sub(variance, num(kPixelVariance));
    const V xx = hn::Add(round, apart), yy = hn::Sub(round, apart),
            xy = hn::Mul(hn::Mul(sum_.get(kXY), per_light), stretch);
    const V det = hn::NegMulAdd(xy, xy, hn::Mul(xx, yy)), none = hn::NaN(d);
    const M shaped = hn::And(own, hn::And(hn::Gt(xx, num(0)), hn::Gt(det, num(0))));
    store(hn::IfThenElse(shaped, xx, none), lanes_.xx);
    store(hn::IfThenElse(shaped, yy, none), lanes_.yy);
    store(hn::IfThenElse(shaped, xy, none), lanes_.xy);
    const V flux = hn::Div(s0, star.fraction());
    store(flux, lanes_.flux);
    // d ln F by the pixel's value, times s0: by the sum itself, and by the moment that corrects it.
    const V slope = hn::IfThenElseZero(own, hn::Div(star.flux_by_moment(), radius2));
    errors(flux, variance, hn::NegMulAdd(slope, mean, num(1)), hn::Mul(num(0.5), slope), star.fraction());
  }

  void errors(V flux, V variance, V constant, V by_r2, V fraction) {
    const V peak = hn::Div(hn::Mul(hn::Max(flux, num(0)), hn::Load(d, block_.per_gain.data())),
                           hn::Mul(num(2 * std::numbers::pi), variance));
    const V fall = hn::Div(num(-0.5), variance);
    V bxx = num(0), byy = bxx, bxy = bxx, v0 = bxx;
    visit([&](std::size_t k, V dx, V dy, V r, V w) {
      const V raw = hn::Load(d, &block_.variance[k]), rr = square(r);
      const V light = hn::MulAdd(peak, exp_falling(d, hn::Mul(fall, rr)), hn::Abs(raw));
      const V v = hn::Mul(square(w), hn::IfThenElseZero(hn::Lt(raw, num(StarBlock::kMissing)), light));
      const V vx = hn::Mul(v, dx), by_value = hn::MulAdd(by_r2, rr, constant);
      bxx = hn::MulAdd(vx, dx, bxx);
      byy = hn::MulAdd(hn::Mul(v, dy), dy, byy);
      bxy = hn::MulAdd(vx, dy, bxy);
      v0 = hn::MulAdd(hn::Mul(v, by_value), by_value, v0);
    });
    store(hn::Div(hn::Sqrt(v0), fraction), lanes_.flux_err);
    const V s0 = sum_.get(k0);
    store_covariance(hn::Sub(s0, sum_.get(kRimXX)), hn::Sub(s0, sum_.get(kRimYY)), hn::Neg(sum_.get(kRimXY)), bxx, byy,
                     bxy, lanes_);
  }

  const StarBlock& block_;
  const CentroidRules& rules_;
  CentroidLanes& lanes_;
  Span columns_, rows_;
  Table<D, kCount> sum_;
  Table<D, 1> radius_;
};

}  // namespace starflow::HWY_NAMESPACE::centroids
HWY_AFTER_NAMESPACE();

#endif  // include guard
