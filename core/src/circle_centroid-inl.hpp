// SPDX-License-Identifier: MIT
/// \file
/// The flux-weighted mean in a circle with a smooth rim, compiled for each instruction set.

// clang-format off
#if defined(STARFLOW_CIRCLE_CENTROID_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_CIRCLE_CENTROID_INL
#undef STARFLOW_CIRCLE_CENTROID_INL
#else
#define STARFLOW_CIRCLE_CENTROID_INL
#endif
// clang-format on

#include "missing_light-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE::centroids {

/// The weight of a pixel at r = sqrt(p) of the reach, 1 at the centre and 0 from the reach on: 1 - 3 p^2 + 2 p^3.
HWY_INLINE V taper(V p) { return hn::NegMulAdd(square(p), hn::NegMulAdd(num(2), p, num(3)), num(1)); }

/// The same by the distance.
struct TaperWeight {
  V per_reach2;

  V operator()(V dx, V dy) const { return taper(hn::Min(hn::Mul(hn::MulAdd(dx, dx, square(dy)), per_reach2), num(1))); }
};

/// A round Gaussian of variance s^2 seen through the taper of reach R. With t = r^2 / 2 s^2 and u = R^2 / 2 s^2 its
/// light there is f = 1 - 6 b / u^3, b = u - 2 + (u + 2) e^-u; the means of t and t^2 follow from f / u by derivation.
class TaperedGaussian {
 public:
  explicit TaperedGaussian(V u) {
    const V per = inverse(u), fall = exp_falling(d, hn::Neg(u)), per2 = square(per);
    const V b = hn::MulAdd(hn::Add(u, num(2)), fall, hn::Sub(u, num(2)));
    const V b1 = hn::NegMulAdd(hn::Add(u, num(1)), fall, num(1)), b2 = hn::Mul(u, fall), bp = hn::Mul(b, per);
    const V light = hn::NegMulAdd(num(6), hn::Mul(bp, per2), num(1)), per_light = inverse(light);
    const V first = hn::MulAdd(hn::Mul(num(6), per2), hn::NegMulAdd(num(4), bp, b1), num(1));
    const V bend = hn::MulAdd(per, hn::MulSub(num(20), bp, hn::Mul(num(8), b1)), b2);
    part_.put(kU, u);
    part_.put(kLight, light);
    part_.put(kMean, hn::Mul(first, per_light));
    part_.put(kSquare, hn::Mul(hn::NegMulAdd(hn::Mul(num(6), per), bend, num(2)), per_light));
  }

  [[nodiscard]] V u() const { return part_.get(kU); }
  [[nodiscard]] V fraction() const { return part_.get(kLight); }

  /// The one whose mean of r^2 is q R^2, 0 < q < kWidest: solves u = <t> / q.
  static V find(V q) {
    const V scale = inverse(q);
    V u = hn::Min(scale, num(kMost));
    for (int round = 0; round < 6; ++round) {
      const TaperedGaussian g(u);
      const V slope = hn::Div(hn::Sub(g.mean(), g.scatter()), u);  // d<t> / du
      const V wrong = hn::NegMulAdd(scale, g.mean(), u), by = hn::NegMulAdd(scale, slope, num(1));
      u = clamp(hn::Sub(u, hn::Div(wrong, by)), num(kLeast), num(kMost));
    }
    return u;
  }

  /// By how much the moments of an ellipse differ inside, for one difference between those of the whole.
  [[nodiscard]] V stretch() const { return hn::Mul(num(0.5), part_.get(kSquare)); }

  /// d(-ln fraction) / dq.
  [[nodiscard]] V flux_by_moment() const { return hn::Div(hn::Mul(u(), hn::Sub(num(1), mean())), scatter()); }

  static constexpr double kLeast = 0.9, kMost = 30;  ///< of u; below, the sums of b cancel
  static constexpr double kWidest = 0.255;           ///< q of a star 2.3 times as wide as thought; 0.3 is flat light

 private:
  [[nodiscard]] V mean() const { return part_.get(kMean); }                                // <t>
  [[nodiscard]] V scatter() const { return hn::Sub(part_.get(kSquare), square(mean())); }  // <t^2> - <t>^2

  enum : std::size_t { kU, kLight, kMean, kSquare, kCount };
  Table<D, kCount> part_;
};

/// The centroid of the light within about one FWHM, from the first step to the last error. The weight of a pixel falls
/// smoothly, 1 at the centre, 1/2 at one FWHM and 0 at sqrt(2) of it: a rim of one pixel binds the position to the
/// pixels, by 5e-3 px rms at a FWHM of 3 px, this one by 1e-4 (4e-4 at 2). Position: where the weighted first moment
/// about it vanishes. Covariance: the sandwich of that equation, the change of the weights included. Flux and moments:
/// of the Gaussian that has the same weighted second moments, so that of a profile with wings both are those of its
/// core.
class CircleCentroid {
 public:
  CircleCentroid(StarBlock& block, const CentroidRules& rules, CentroidLanes& lanes)
      : block_(block), rules_(rules), lanes_(lanes), missing_(block) {}

  void run() {
    Walk walk(block_, rules_, lanes_);
    store(num(0), lanes_.aliased);
    sum_.clear();
    star_u_.put(0, num(1));
    while (walk.goes_on()) {
      place();
      if (missing_.any()) fill(walk);
      add_up(walk.running());
      // Newton's step, held where noise far out makes the derivative small.
      const V s0 = sum_.get(k0), least = hn::Mul(num(0.3), s0);
      V ax = hn::Sub(s0, sum_.get(kFallXX)), ay = hn::Sub(s0, sum_.get(kFallYY));
      if (missing_.any()) {
        ax = hn::Sub(ax, missing_.slope_xx());
        ay = hn::Sub(ay, missing_.slope_yy());
      }
      ax = hn::Max(ax, least);
      ay = hn::Max(ay, least);
      walk.step(hn::Div(sum_.get(kX), ax), hn::Div(sum_.get(kY), ay), s0, hn::MaskFromVec(num(0)));
    }
    place();
    const V reach2 = reach2_.get(0);
    const auto inside = [reach2](V dx, V dy) { return hn::Lt(hn::MulAdd(dx, dx, square(dy)), reach2); };
    count_pixels(block_, lanes_, inside, inside);
    const M one_sided = judge();
    store(hn::IfThenElseZero(one_sided, num(1)), lanes_.one_sided);
    walk.finish();
    measure();
  }

 private:
  static constexpr int kLearning = 20;  // rounds in which the light put into missing pixels follows the star's width
  enum : std::size_t { k0, kX, kY, kXX, kYY, kXY, kFallXX, kFallYY, kFallXY, kCount };

  /// Where the block ends before the circle does, the circle shrinks: cut on one side it would pull the position.
  void place() {
    const V x = load(lanes_.x), y = load(lanes_.y);
    const V to_edge = hn::Sub(num(block_.radius + 0.5), hn::Max(hn::Abs(x), hn::Abs(y)));
    const V reach = hn::Min(hn::Mul(num(std::numbers::sqrt2 * kFwhmPerSigma), load(lanes_.sigma)), to_edge);
    reach2_.put(0, square(reach));
    columns_ = span_around(block_, x, reach);
    rows_ = span_around(block_, y, reach);
  }

  [[nodiscard]] TaperWeight weight() const { return {inverse(reach2_.get(0))}; }

  /// Puts light into missing pixels, by what the sums before showed of the star.
  void fill(const Walk& walk) {
    const V x = load(lanes_.x), y = load(lanes_.y);
    missing_.aim(x, y, walk.coarse());
    if (walk.rounds() < kLearning) star_u_.put(0, hn::IfThenElse(walk.running(), seen_u(), star_u_.get(0)));
    const TaperedGaussian star(star_u_.get(0));
    const V variance = hn::Div(hn::Mul(num(0.5), reach2_.get(0)), star.u());
    missing_.fill(x, y, columns_, rows_, missing_.star(sum_.get(k0), inverse(star.fraction()), variance), weight(),
                  walk.running());
  }

  [[nodiscard]] M judge() {
    if (!missing_.any()) return hn::Lt(num(1), num(0));
    const V variance = hn::Div(hn::Mul(num(0.5), reach2_.get(0)), star_u_.get(0));
    return missing_.judge(load(lanes_.x), load(lanes_.y), columns_, rows_, {num(1), variance}, weight());
  }

  /// <r^2> in the circle in units of its reach, and the lanes in which a star has it.
  [[nodiscard]] V seen_q() const {
    const V light = hn::Mul(sum_.get(k0), reach2_.get(0));
    return hn::Div(hn::Add(sum_.get(kXX), sum_.get(kYY)), light);
  }
  [[nodiscard]] static M own(V q) { return hn::And(hn::Gt(q, num(0)), hn::Lt(q, num(TaperedGaussian::kWidest))); }

  /// u of the star that is seen, or of the one that is expected.
  [[nodiscard]] V seen_u() const {
    const V q = seen_q(), expected = hn::Add(square(load(lanes_.sigma)), num(kPixelVariance));
    return hn::IfThenElse(own(q), TaperedGaussian::find(hn::IfThenElse(own(q), q, num(0.2))),
                          hn::Div(hn::Mul(num(0.5), reach2_.get(0)), expected));
  }

  /// Calls visit(k, dx, dy, p) for the pixels of the batch that any circle holds; p = 1 beyond its own.
  void visit(const auto& each) const {
    const V x = load(lanes_.x), y = load(lanes_.y), per = inverse(reach2_.get(0));
    for (std::size_t j = rows_.begin; j < rows_.end; ++j) {
      const V dy = offset(block_, j, y), dyy = square(dy);
      for (std::size_t i = columns_.begin; i < columns_.end; ++i) {
        const V dx = offset(block_, i, x);
        each(block_.index(i, j, 0), dx, dy, hn::Min(hn::Mul(hn::MulAdd(dx, dx, dyy), per), num(1)));
      }
    }
  }

  void add_up(M which) {
    V s0 = num(0), sx = s0, sy = s0, sxx = s0, syy = s0, sxy = s0, rxx = s0, ryy = s0, rxy = s0;
    const V steepness = hn::Div(num(12), reach2_.get(0));
    visit([&](std::size_t k, V dx, V dy, V p) {
      const V v = hn::Load(d, &block_.value[k]), f = hn::Mul(taper(p), v), fx = hn::Mul(f, dx), fy = hn::Mul(f, dy);
      s0 = hn::Add(s0, f);
      sx = hn::Add(sx, fx);
      sy = hn::Add(sy, fy);
      sxx = hn::MulAdd(fx, dx, sxx);
      syy = hn::MulAdd(fy, dy, syy);
      sxy = hn::MulAdd(fx, dy, sxy);
      // A pixel's weight changes with the position, by 12 p (1 - p) / R^2 times its place.
      const V change = hn::Mul(hn::Mul(steepness, hn::NegMulAdd(p, p, p)), v), cx = hn::Mul(change, dx);
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
    take(kFallXX, rxx);
    take(kFallYY, ryy);
    take(kFallXY, rxy);
  }

  /// Moments and flux of the whole star from those of its part in the circle, then the errors.
  void measure() {
    const V s0 = sum_.get(k0), per_light = inverse(s0), reach2 = reach2_.get(0);
    const V pxx = hn::Mul(sum_.get(kXX), per_light), pyy = hn::Mul(sum_.get(kYY), per_light);
    const V q = seen_q();
    const M own = CircleCentroid::own(q);
    const TaperedGaussian star(seen_u());
    const V variance = hn::Div(hn::Mul(num(0.5), reach2), star.u()), stretch = inverse(star.stretch());
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
    const V slope = hn::IfThenElseZero(own, star.flux_by_moment());
    errors(flux, variance, hn::NegMulAdd(slope, q, num(1)), slope, star.fraction());
  }

  void errors(V flux, V variance, V constant, V by_p, V fraction) {
    const V peak = hn::Div(hn::Mul(hn::Max(flux, num(0)), hn::Load(d, block_.per_gain.data())),
                           hn::Mul(num(2 * std::numbers::pi), variance));
    const V fall = hn::Div(hn::Mul(num(-0.5), reach2_.get(0)), variance);
    V bxx = num(0), byy = bxx, bxy = bxx, v0 = bxx;
    visit([&](std::size_t k, V dx, V dy, V p) {
      const V raw = hn::Load(d, &block_.variance[k]);
      const V light = hn::MulAdd(peak, exp_falling(d, hn::Mul(fall, p)), hn::Abs(raw));
      const V v = hn::Mul(square(taper(p)), hn::IfThenElseZero(hn::Lt(raw, num(StarBlock::kMissing)), light));
      const V vx = hn::Mul(v, dx), by_value = hn::MulAdd(by_p, p, constant);
      bxx = hn::MulAdd(vx, dx, bxx);
      byy = hn::MulAdd(hn::Mul(v, dy), dy, byy);
      bxy = hn::MulAdd(vx, dy, bxy);
      v0 = hn::MulAdd(hn::Mul(v, by_value), by_value, v0);
    });
    const V s0 = sum_.get(k0);
    V axx = hn::Sub(s0, sum_.get(kFallXX)), ayy = hn::Sub(s0, sum_.get(kFallYY)), axy = hn::Neg(sum_.get(kFallXY));
    if (missing_.any()) {
      const V per = inverse(reach2_.get(0));
      const auto by_value = [=](V dx, V dy) {
        return hn::MulAdd(by_p, hn::Mul(hn::MulAdd(dx, dx, square(dy)), per), constant);
      };
      missing_.correct(load(lanes_.x), load(lanes_.y), columns_, rows_, weight(), by_value, {peak, variance}, s0,
                       {axx, ayy, axy, bxx, byy, bxy, v0});
    }
    store(hn::Div(hn::Sqrt(v0), fraction), lanes_.flux_err);
    store_covariance(axx, ayy, axy, bxx, byy, bxy, lanes_);
  }

  StarBlock& block_;
  const CentroidRules& rules_;
  CentroidLanes& lanes_;
  MissingLight missing_;
  Span columns_, rows_;
  Table<D, kCount> sum_;
  Table<D, 1> reach2_, star_u_;
};

}  // namespace starflow::HWY_NAMESPACE::centroids
HWY_AFTER_NAMESPACE();

#endif  // include guard
