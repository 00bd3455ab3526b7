// SPDX-License-Identifier: MIT
/// \file
/// The kernels of light_lanes.hpp, compiled for each instruction set.

// clang-format off
#if defined(STARFLOW_LIGHT_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_LIGHT_LANES_INL
#undef STARFLOW_LIGHT_LANES_INL
#else
#define STARFLOW_LIGHT_LANES_INL
#endif
// clang-format on

#include "dao_lanes-inl.hpp"
#include "disc_lanes-inl.hpp"
#include "light_lanes.hpp"
#include "units.hpp"

#include <limits>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

inline constexpr double kKronFactor = 2.5;

/// An ellipse whose distance 1 is the contour of one standard deviation.
struct KronEllipse {
  LightVec cxx, cyy, cxy;
  LightVec half_x, half_y, major;  ///< half sides of the box around it, and its longer half axis
};

HWY_INLINE KronEllipse kron_ellipse(LightVec xx, LightVec yy, LightVec xy) {
  // One lane without an ellipse must not spoil the range of pixels of the others.
  const LightVec size = hn::Add(xx, yy), pixel = one(kPixelVariance);
  const auto usable = hn::And(hn::And(hn::Gt(xx, zero()), hn::Gt(yy, zero())), hn::Lt(size, one(1e6)));
  xx = hn::IfThenElse(usable, xx, pixel);
  yy = hn::IfThenElse(usable, yy, pixel);
  xy = hn::IfThenElseZero(hn::Le(hn::Mul(xy, xy), hn::Mul(xx, yy)), xy);
  // Narrower than a pixel somewhere: at least a pixel wide.
  const auto thin = hn::Le(hn::NegMulAdd(xy, xy, hn::Mul(xx, yy)), one(kPixelVariance * kPixelVariance));
  xx = hn::Add(xx, hn::IfThenElseZero(thin, pixel));
  yy = hn::Add(yy, hn::IfThenElseZero(thin, pixel));
  const LightVec scale = hn::Div(one(1), hn::NegMulAdd(xy, xy, hn::Mul(xx, yy)));
  const LightVec mean = hn::Mul(one(0.5), hn::Add(xx, yy)), half = hn::Mul(one(0.5), hn::Sub(xx, yy));
  const LightVec spread = hn::Sqrt(hn::MulAdd(half, half, hn::Mul(xy, xy)));
  return {hn::Mul(yy, scale), hn::Mul(xx, scale), hn::Mul(one(-2), hn::Mul(xy, scale)),
          hn::Sqrt(xx),       hn::Sqrt(yy),       hn::Sqrt(hn::Add(mean, spread))};
}

/// Calls visit(light, squared distance in the ellipse, squared distance in px) for the pixels of the ellipse `scale`
/// times as large and of the block's circle; others show no light. Missing pixels hold none.
template <class Visit>
HWY_INLINE void visit_ellipse(
    const StarBlock& block, LightVec x, LightVec y, const KronEllipse& e, LightVec scale, const Visit& visit) {
  const FloatLanes d;
  const LightVec limit = hn::Mul(scale, scale);
  // The circle of this radius about any point of the central pixel holds no pixel that the block lacks.
  const LightVec circle = one((block.radius + 0.25) * (block.radius + 0.25));
  const PixelSpan columns = span_of(block, x, hn::Mul(scale, e.half_x));
  const PixelSpan rows = span_of(block, y, hn::Mul(scale, e.half_y));
  for (int j = rows.first; j <= rows.last; ++j) {
    const LightVec dy = hn::Sub(one(j), y);
    const LightVec y2 = hn::Mul(dy, dy), quadratic = hn::Mul(e.cyy, y2), linear = hn::Mul(e.cxy, dy);
    const float* value = &block.value[pixel_index(block, columns.first, j)];
    for (int i = columns.first; i <= columns.last; ++i, value += block.lanes) {
      const LightVec dx = hn::Sub(one(i), x);
      const LightVec r2 = hn::MulAdd(dx, dx, y2);
      const LightVec d2 = hn::Max(hn::MulAdd(hn::MulAdd(e.cxx, dx, linear), dx, quadratic), zero());
      const auto inside = hn::And(hn::Le(d2, limit), hn::Le(r2, circle));
      visit(hn::IfThenElseZero(inside, hn::Load(d, value)), d2, r2);
    }
  }
}

/// Flux in the circles of radius `r`.
HWY_INLINE LightVec flux_in_disc(const StarBlock& block, LightVec x, LightVec y, LightVec r) {
  LightVec sum = zero();
  visit_disc(block, x, y, r, [&](std::size_t k, LightVec part) HWY_ATTR {
    sum = hn::MulAdd(hn::Load(FloatLanes(), &block.value[k]), part, sum);
  });
  return hn::Mul(sum, hn::Mul(r, r));
}

/// Radius up to `farthest` that holds half of `flux`; NaN where there is none. `guess` is where it is sought first.
///
/// Secant in the squared radius t, where the growth curve is nearly straight, held in a bracket. The first step takes
/// the star for a Gaussian: flux(t) = flux (1 - exp(-c t)).
HWY_INLINE LightVec
half_light_radius(const StarBlock& block, LightVec x, LightVec y, LightVec flux, LightVec guess, LightVec farthest) {
  constexpr int kMaxSteps = 24;
  constexpr double kStep = 5e-4;  // of t; what is left is its product with the step before
  const FloatLanes d;
  const LightVec half = hn::Mul(one(0.5), flux), nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  const LightVec end = hn::Mul(farthest, farthest);
  LightVec low = one(1e-6), high = end, result = nan;  // a circle of radius 0 has no area to divide by
  auto reached = hn::Lt(one(1), zero());               // a radius that holds half of the flux was met
  auto active = hn::Gt(flux, zero());
  guess = hn::IfThenElse(hn::Gt(guess, zero()), guess, one(1));
  LightVec t = clamp(hn::Mul(guess, guess), low, hn::Mul(one(0.5), end)), last_t = zero(), last = hn::Neg(half);
  for (int step = 0; step < kMaxSteps && !hn::AllFalse(d, active); ++step) {
    // A lane that is done is measured where it costs least, and its answer is not looked at.
    const LightVec r = hn::IfThenElse(active, hn::Sqrt(t), one(0.5));
    const LightVec excess = hn::Sub(flux_in_disc(block, x, y, r), half);
    const auto enough = hn::Ge(excess, zero());
    // Nothing is beyond the farthest radius.
    active = hn::AndNot(hn::And(hn::Not(enough), hn::Ge(t, end)), active);
    reached = hn::Or(reached, enough);
    high = hn::IfThenElse(enough, t, high);
    low = hn::IfThenElse(enough, low, t);
    LightVec next;
    if (step == 0) {
      const LightVec part = clamp(hn::Div(hn::Add(excess, half), flux), one(0.05), one(0.95));
      next = hn::Mul(t, hn::Div(one(-std::numbers::ln2), hn::Log(d, hn::Sub(one(1), part))));
    } else {
      next = hn::NegMulAdd(excess, hn::Div(hn::Sub(t, last_t), hn::Sub(excess, last)), t);
    }
    const LightVec fallback = hn::IfThenElse(reached, hn::Mul(one(0.5), hn::Add(low, high)), end);
    const auto held = hn::And(hn::Ge(next, low), hn::Le(next, high));  // false for NaN
    next = hn::IfThenElse(held, next, fallback);
    const auto done = hn::And(active, hn::Le(hn::Abs(hn::Sub(next, t)), hn::Mul(one(kStep), t)));
    result = hn::IfThenElse(done, hn::Sqrt(next), result);
    active = hn::AndNot(done, active);
    last_t = t;
    last = excess;
    t = next;
  }
  return result;
}

HWY_INLINE void half_light_batch(const StarBlock& block, LightLanes& lanes) {
  const FloatLanes d;
  const LightVec x = lanes_of(block.x), y = lanes_of(block.y),
                 nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  const KronEllipse e = kron_ellipse(lanes_of(lanes.xx), lanes_of(lanes.yy), lanes_of(lanes.xy));
  LightVec light = zero(), weighted = zero();
  visit_ellipse(block, x, y, e, one(kKronReach), [&](LightVec f, LightVec d2, LightVec) HWY_ATTR {
    light = hn::Add(light, f);
    weighted = hn::MulAdd(f, hn::Sqrt(d2), weighted);
  });
  const auto bright = hn::And(hn::Gt(light, zero()), hn::Gt(weighted, zero()));
  const LightVec kron = hn::IfThenElseZero(bright, hn::Div(weighted, light));
  // No farther than the Kron radius was measured: pixels beyond are there or not by the stars beside this one.
  const LightVec limit = hn::Min(hn::Mul(one(kKronFactor), kron), one(kKronReach));
  LightVec flux = zero(), by_radius = zero();
  visit_ellipse(block, x, y, e, limit, [&](LightVec f, LightVec, LightVec r2) HWY_ATTR {
    flux = hn::Add(flux, f);
    by_radius = hn::MulAdd(f, hn::Sqrt(r2), by_radius);
  });
  const auto lit = hn::And(bright, hn::Gt(flux, zero()));
  flux = hn::IfThenElseZero(lit, flux);
  const LightVec mean_radius = hn::Div(by_radius, flux);
  constexpr double kGaussianRatio = 0.94;  // half-light over mean radius
  const LightVec farthest = hn::Min(hn::Mul(one(kKronReach), e.major), one(block.radius));
  const LightVec guess = hn::Mul(one(kGaussianRatio), mean_radius);
  hn::Store(half_light_radius(block, x, y, flux, guess, farthest), d, lanes.hfr.data());
  hn::Store(hn::IfThenElse(lit, mean_radius, nan), d, lanes.mean_radius.data());
}

/// Variance of a pixel in sums that take saturated pixels too; 0 of a missing one.
HWY_INLINE LightVec sum_variance(LightVec variance) {
  return hn::IfThenElseZero(hn::Le(variance, one(StarBlock::kMissing)), hn::Abs(variance));
}

HWY_INLINE void sum_batch(const StarBlock& block, int radius, LightLanes& lanes) {
  const FloatLanes d;
  LightVec sum = zero(), variance = zero();
  for (int j = -radius; j <= radius; ++j) {
    std::size_t k = pixel_index(block, -radius, j);
    LightVec row = zero(), row_variance = zero();  // sums of few hold more digits
    for (int i = -radius; i <= radius; ++i, k += block.lanes) {
      row = hn::Add(row, hn::Load(d, &block.value[k]));
      row_variance = hn::Add(row_variance, sum_variance(hn::Load(d, &block.variance[k])));
    }
    sum = hn::Add(sum, row);
    variance = hn::Add(variance, row_variance);
  }
  hn::Store(sum, d, lanes.sum.data());
  hn::Store(variance, d, lanes.sum_variance.data());
}

inline void light_batch(const StarBlock& block, const DaoShape& dao, int radius, LightLanes& lanes) {
  half_light_batch(block, lanes);
  dao_batch(block, dao, lanes);
  sum_batch(block, radius, lanes);
}

inline void aperture_batch(const StarBlock& block, float radius, ApertureLanes& lanes) {
  const FloatLanes d;
  LightVec flux = zero(), variance = zero();
  visit_disc(block, lanes_of(lanes.x), lanes_of(lanes.y), hn::Set(d, radius),
             [&](std::size_t k, LightVec part) HWY_ATTR {
               flux = hn::MulAdd(hn::Load(d, &block.value[k]), part, flux);
               variance = hn::MulAdd(hn::Mul(part, part), sum_variance(hn::Load(d, &block.variance[k])), variance);
             });
  const LightVec area = hn::Set(d, radius * radius);
  hn::Store(hn::Mul(flux, area), d, lanes.flux.data());
  hn::Store(hn::Mul(variance, hn::Mul(area, area)), d, lanes.variance.data());
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
