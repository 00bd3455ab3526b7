// SPDX-License-Identifier: MIT
/// \file
/// The kernel of GaussianLanes, compiled for each instruction set.

// clang-format off
#if defined(STARFLOW_GAUSSIAN_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_GAUSSIAN_LANES_INL
#undef STARFLOW_GAUSSIAN_LANES_INL
#else
#define STARFLOW_GAUSSIAN_LANES_INL
#endif
// clang-format on

#include "gaussian_lanes.hpp"

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kMaxLanes>;
using V = hn::Vec<D>;
inline constexpr D d;

inline std::size_t batch_lanes() { return hn::Lanes(d); }

HWY_INLINE V set(float v) { return hn::Set(d, v); }

/// Small tables of [index][lane]: sizes are known only at run time on some targets, so they are memory, not registers.
template <std::size_t N>
struct Table {
  alignas(64) std::array<float, N * kMaxLanes> cell;

  HWY_INLINE V get(std::size_t k) const { return hn::Load(d, &cell[k * hn::Lanes(d)]); }
  HWY_INLINE void put(std::size_t k, V v) { hn::Store(v, d, &cell[k * hn::Lanes(d)]); }
  HWY_INLINE void add(std::size_t k, V v) { put(k, hn::Add(get(k), v)); }
  HWY_INLINE void clear() { cell.fill(0); }
};

inline constexpr std::size_t kSide = 2 * kMaxLaneRadius + 1;
inline constexpr std::size_t kP = kGaussianParameters;
inline constexpr std::size_t kTriangle = GaussianLanes::kTriangle;
HWY_INLINE constexpr std::size_t at(std::size_t i, std::size_t j) { return i * (i + 1) / 2 + j; }

/// erf(u) from e = exp(-u^2). Source: Abramowitz & Stegun 7.1.26, absolute error 1.5e-7.
HWY_INLINE V erf_of(V u, V e) {
  const V t = hn::Div(set(1), hn::MulAdd(set(0.3275911F), hn::Abs(u), set(1)));
  V p = set(1.061405429F);
  p = hn::MulAdd(p, t, set(-1.453152027F));
  p = hn::MulAdd(p, t, set(1.421413741F));
  p = hn::MulAdd(p, t, set(-0.284496736F));
  p = hn::MulAdd(p, t, set(0.254829592F));
  return hn::CopySign(hn::NegMulAdd(hn::Mul(p, t), e, set(1)), u);
}

/// Integrals of a unit Gaussian over the pixels of one axis, and their derivatives by centre and sigma.
struct Axis {
  Table<kSide> g, by_centre, by_sigma;

  void fill(V centre, V sigma, int radius) {
    const V inverse = hn::Div(set(1), sigma);
    const V scale = hn::Mul(inverse, set(0.70710678F)), density = hn::Mul(inverse, set(0.39894228F));
    const V by_sigma_scale = hn::Mul(density, set(1.41421356F));
    V ul = hn::Mul(hn::Sub(set(-0.5F - static_cast<float>(radius)), centre), scale);
    V el = exp_of_square(ul), fl = erf_of(ul, el);
    const auto side = static_cast<std::size_t>(2 * radius + 1);
    for (std::size_t i = 0; i < side; ++i) {
      const V edge = set(static_cast<float>(i) + 0.5F - static_cast<float>(radius));
      const V ur = hn::Mul(hn::Sub(edge, centre), scale);
      const V er = exp_of_square(ur), fr = erf_of(ur, er);
      g.put(i, hn::Mul(set(0.5F), hn::Sub(fr, fl)));
      by_centre.put(i, hn::Mul(density, hn::Sub(el, er)));
      by_sigma.put(i, hn::Mul(by_sigma_scale, hn::Sub(hn::Mul(ul, el), hn::Mul(ur, er))));
      ul = ur;
      el = er;
      fl = fr;
    }
  }

 private:
  /// exp(-u^2), held away from denormal numbers.
  static HWY_INLINE V exp_of_square(V u) { return hn::Exp(d, hn::Max(hn::Neg(hn::Mul(u, u)), set(-80))); }
};

/// Normal equations in the parameters (F x, F y, F, F sigma_x, F sigma_y, level), whose columns are all of order 1.
struct Normal {
  Table<kTriangle> h;
  Table<kP> gradient;
  Table<kTriangle> l;  // of L D L^T; the diagonal holds 1 / D
  V chi2, residual, light;

  /// Sums over the stamp. \p per_gain  0 = the star's own light does not count in the variance
  void evaluate(const GaussianLanes::Batch& b, const Axis& ax, const Axis& ay, V flux, V level, V per_gain) {
    const std::size_t side = static_cast<std::size_t>(2 * b.radius + 1), lanes = hn::Lanes(d);
    h.clear();
    gradient.clear();
    chi2 = residual = light = hn::Zero(d);
    const float* value = b.value.data();
    const float* variance = b.variance.data();
    for (std::size_t j = 0; j < side; ++j) {
      const V e0 = ay.g.get(j), e1 = ay.by_centre.get(j), e2 = ay.by_sigma.get(j), row_flux = hn::Mul(flux, e0);
      V w_ = hn::Zero(d), w0 = w_, w1 = w_, w2 = w_, w00 = w_, w01 = w_, w11 = w_, w02 = w_, w12 = w_, w22 = w_;
      V r_ = w_, r0 = w_, r1 = w_, r2 = w_;
      for (std::size_t i = 0; i < side; ++i, value += lanes, variance += lanes) {
        const V g0 = ax.g.get(i), g1 = ax.by_centre.get(i), g2 = ax.by_sigma.get(i);
        const V m = hn::Mul(row_flux, g0);
        const V v = hn::Load(d, variance);
        const V w = hn::Div(set(1), hn::MulAdd(hn::Max(m, hn::Zero(d)), per_gain, v));
        const V z = hn::Sub(hn::Sub(hn::Load(d, value), m), level);
        const V wz = hn::Mul(w, z), wg0 = hn::Mul(w, g0), wg1 = hn::Mul(w, g1), wg2 = hn::Mul(w, g2);
        chi2 = hn::MulAdd(wz, z, chi2);
        const auto counts = hn::Lt(v, set(1e29F));
        residual = hn::Add(residual, hn::IfThenElseZero(counts, hn::Abs(z)));
        light = hn::Add(light, hn::IfThenElseZero(counts, hn::Abs(m)));
        w_ = hn::Add(w_, w);
        w0 = hn::Add(w0, wg0);
        w1 = hn::Add(w1, wg1);
        w2 = hn::Add(w2, wg2);
        w00 = hn::MulAdd(wg0, g0, w00);
        w01 = hn::MulAdd(wg0, g1, w01);
        w11 = hn::MulAdd(wg1, g1, w11);
        w02 = hn::MulAdd(wg0, g2, w02);
        w12 = hn::MulAdd(wg1, g2, w12);
        w22 = hn::MulAdd(wg2, g2, w22);
        r_ = hn::Add(r_, wz);
        r0 = hn::MulAdd(wz, g0, r0);
        r1 = hn::MulAdd(wz, g1, r1);
        r2 = hn::MulAdd(wz, g2, r2);
      }
      const V k00 = hn::Mul(e0, e0), k01 = hn::Mul(e0, e1), k11 = hn::Mul(e1, e1);
      const V k02 = hn::Mul(e0, e2), k12 = hn::Mul(e1, e2), k22 = hn::Mul(e2, e2);
      gradient.add(0, hn::Mul(e0, r1));
      gradient.add(1, hn::Mul(e1, r0));
      gradient.add(2, hn::Mul(e0, r0));
      gradient.add(3, hn::Mul(e0, r2));
      gradient.add(4, hn::Mul(e2, r0));
      gradient.add(5, r_);
      h.add(at(0, 0), hn::Mul(k00, w11));
      h.add(at(1, 0), hn::Mul(k01, w01));
      h.add(at(1, 1), hn::Mul(k11, w00));
      h.add(at(2, 0), hn::Mul(k00, w01));
      h.add(at(2, 1), hn::Mul(k01, w00));
      h.add(at(2, 2), hn::Mul(k00, w00));
      h.add(at(3, 0), hn::Mul(k00, w12));
      h.add(at(3, 1), hn::Mul(k01, w02));
      h.add(at(3, 2), hn::Mul(k00, w02));
      h.add(at(3, 3), hn::Mul(k00, w22));
      h.add(at(4, 0), hn::Mul(k02, w01));
      h.add(at(4, 1), hn::Mul(k12, w00));
      h.add(at(4, 2), hn::Mul(k02, w00));
      h.add(at(4, 3), hn::Mul(k02, w02));
      h.add(at(4, 4), hn::Mul(k22, w00));
      h.add(at(5, 0), hn::Mul(e0, w1));
      h.add(at(5, 1), hn::Mul(e1, w0));
      h.add(at(5, 2), hn::Mul(e0, w0));
      h.add(at(5, 3), hn::Mul(e0, w2));
      h.add(at(5, 4), hn::Mul(e2, w0));
      h.add(at(5, 5), w_);
    }
  }

  /// \return lanes in which the matrix is positive definite to float's rounding
  hn::Mask<D> factor() {
    auto good = hn::Gt(set(1), hn::Zero(d));
    for (std::size_t i = 0; i < kP; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        V sum = h.get(at(i, j));
        for (std::size_t k = 0; k < j; ++k) {
          // l(j, k) is divided by D already; l(i, k) of the row at work is not yet.
          sum = hn::NegMulAdd(l.get(at(i, k)), scaled(j, k), sum);
        }
        l.put(at(i, j), sum);
      }
      const V pivot = l.get(at(i, i));
      good = hn::And(good, hn::Gt(pivot, hn::Mul(set(1e-6F), h.get(at(i, i)))));
      l.put(at(i, i), hn::Div(set(1), pivot));
    }
    return good;
  }

  /// x = H^-1 b, in place.
  void solve(Table<kP>& x) const {
    for (std::size_t i = 0; i < kP; ++i) {
      V sum = x.get(i);
      for (std::size_t k = 0; k < i; ++k) sum = hn::NegMulAdd(scaled(i, k), x.get(k), sum);
      x.put(i, sum);
    }
    for (std::size_t i = kP; i-- > 0;) {
      V sum = hn::Mul(x.get(i), l.get(at(i, i)));
      for (std::size_t k = i + 1; k < kP; ++k) sum = hn::NegMulAdd(scaled(k, i), x.get(k), sum);
      x.put(i, sum);
    }
  }

 private:
  HWY_INLINE V scaled(std::size_t i, std::size_t k) const { return hn::Mul(l.get(at(i, k)), l.get(at(k, k))); }
};

HWY_INLINE V clamp(V v, V low, V high) { return hn::Min(hn::Max(v, low), high); }

/// The parameters of all lanes and the rules of a step.
struct State {
  V x, y, flux, sx, sy, level;

  void load(const std::array<float, kP * kMaxLanes>& start) {
    const std::size_t n = hn::Lanes(d);
    const auto get = [&](std::size_t p) { return hn::Load(d, &start[p * n]); };
    x = get(0);
    y = get(1);
    flux = get(2);
    sx = get(3);
    sy = get(4);
    level = get(5);
  }
  void store(std::array<float, kP * kMaxLanes>& out) const {
    const std::size_t n = hn::Lanes(d);
    const V all[] = {x, y, flux, sx, sy, level};
    for (std::size_t p = 0; p < kP; ++p) hn::Store(all[p], d, &out[p * n]);
  }
};

inline constexpr auto kMinSigma = static_cast<float>(gaussian_rule::kMinSigma);
inline constexpr auto kCoarseStep = static_cast<float>(gaussian_rule::kCoarseStep);
inline constexpr auto kFineStep = static_cast<float>(gaussian_rule::kFineStep);
inline constexpr float kRoundingStep = 2e-5F;  // px: what float sums leave uncertain

inline void fit_batch(GaussianLanes::Batch& b) {
  const V reach = set(b.reach), farthest = set(b.farthest), low = set(kMinSigma), high = set(b.max_sigma);
  State s;
  s.load(b.start);
  const V x0 = s.x, y0 = s.y, per_gain = hn::Load(d, b.per_gain.data());
  Axis ax, ay;
  Normal normal;
  Table<kP> step;
  auto active = hn::Gt(set(1), hn::Zero(d));
  auto fine = hn::Eq(per_gain, hn::Zero(d));  // without a gain the weights never change
  auto converged = hn::Not(active);
  V iterations = hn::Zero(d);
  for (int round = 0; round < b.max_iterations && !hn::AllFalse(d, active); ++round) {
    ax.fill(s.x, s.sx, b.radius);
    ay.fill(s.y, s.sy, b.radius);
    normal.evaluate(b, ax, ay, s.flux, s.level, hn::IfThenElseZero(fine, per_gain));
    iterations = hn::Add(iterations, hn::IfThenElseZero(active, set(1)));
    active = hn::And(active, normal.factor());
    step = normal.gradient;
    normal.solve(step);
    V squared = hn::Zero(d);
    for (std::size_t p = 0; p < kP; ++p) squared = hn::MulAdd(step.get(p), normal.gradient.get(p), squared);
    // A lane whose numbers are not finite fails every comparison, and stays behind for the fit in double.
    active = hn::And(active, hn::Lt(squared, set(1e30F)));
    const V per_flux = hn::Div(set(1), hn::IfThenElse(hn::Gt(hn::Abs(s.flux), set(1e-20F)), s.flux, set(1e-20F)));
    const V dx = hn::Mul(step.get(0), per_flux), dy = hn::Mul(step.get(1), per_flux);
    const V dsx = hn::Mul(step.get(3), per_flux), dsy = hn::Mul(step.get(4), per_flux);
    const V limit_x = hn::MulAdd(set(0.4F), s.sx, set(0.02F)), limit_y = hn::MulAdd(set(0.4F), s.sy, set(0.02F));
    const auto within = [](V v, V limit) { return hn::Le(hn::Abs(v), limit); };
    const auto whole =
        hn::And(hn::And(within(dx, reach), within(dy, reach)), hn::And(within(dsx, limit_x), within(dsy, limit_y)));
    const auto limited = [](V v, V limit) { return clamp(v, hn::Neg(limit), limit); };
    const auto move = [&](V& v, V by) { v = hn::IfThenElse(active, hn::Add(v, by), v); };
    move(s.x, limited(dx, reach));
    move(s.y, limited(dy, reach));
    move(s.flux, step.get(2));
    move(s.level, step.get(5));
    move(s.sx, limited(dsx, limit_x));
    move(s.sy, limited(dsy, limit_y));
    s.sx = clamp(s.sx, low, high);
    s.sy = clamp(s.sy, low, high);
    s.x = clamp(s.x, hn::Sub(x0, farthest), hn::Add(x0, farthest));
    s.y = clamp(s.y, hn::Sub(y0, farthest), hn::Add(y0, farthest));
    const V moved2 = hn::MulAdd(dx, dx, hn::Mul(dy, dy));
    const auto still = hn::Or(hn::Lt(squared, set(kFineStep)), hn::Lt(moved2, set(kRoundingStep * kRoundingStep)));
    const auto done = hn::And(hn::And(active, whole), hn::And(fine, still));
    converged = hn::Or(converged, done);
    active = hn::AndNot(done, active);
    fine = hn::Or(fine, hn::And(whole, hn::Lt(moved2, set(kCoarseStep * kCoarseStep))));
  }
  ax.fill(s.x, s.sx, b.radius);
  ay.fill(s.y, s.sy, b.radius);
  normal.evaluate(b, ax, ay, s.flux, s.level, per_gain);
  converged = hn::And(converged, normal.factor());
  s.store(b.fitted);
  const std::size_t n = hn::Lanes(d);
  const V inverse_flux = hn::Div(set(1), s.flux);
  const V unit[] = {inverse_flux, inverse_flux, set(1), inverse_flux, inverse_flux, set(1)};
  for (std::size_t i = 0; i < kP; ++i) {
    step.clear();
    step.put(i, set(1));
    normal.solve(step);
    for (std::size_t j = 0; j <= i; ++j) {
      hn::Store(hn::Mul(step.get(j), hn::Mul(unit[i], unit[j])), d, &b.covariance[at(i, j) * n]);
    }
  }
  hn::Store(normal.chi2, d, b.chi2.data());
  hn::Store(normal.residual, d, b.residual.data());
  hn::Store(normal.light, d, b.light.data());
  hn::Store(iterations, d, b.iterations.data());
  hn::Store(hn::IfThenElseZero(converged, set(1)), d, b.converged.data());
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
