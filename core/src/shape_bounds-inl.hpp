// SPDX-License-Identifier: MIT
/// \file
/// How far the shape of a fitted star may go.

// clang-format off
#if defined(STARFLOW_SHAPE_BOUNDS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_SHAPE_BOUNDS_INL
#undef STARFLOW_SHAPE_BOUNDS_INL
#else
#define STARFLOW_SHAPE_BOUNDS_INL
#endif
// clang-format on

#include "shape_directions-inl.hpp"

#include <algorithm>
#include <array>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// The bounds of width, stretch and beta.
template <class D>
class ShapeBounds {
 public:
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;

  explicit ShapeBounds(const FitRules& rules) : rules_(rules) {
    // Of a star whose axis ratio is held, the minor axis is narrower than the mean of both.
    const double size = rules_.stretch == StretchFreedom::held || rules_.stretch == StretchFreedom::turned
                            ? std::hypot(rules_.e1, rules_.e2)
                            : 0.0;
    const double start = std::log(rules_.fwhm);
    low_[kFitWidth] = std::log(fit_rule::kMinFwhm) + 0.5 * size;
    if (elastic()) low_[kFitWidth] = -kNoBound;  // hold_minor() bounds both axes
    high_[kFitWidth] = std::log(fit_rule::kMaxFwhmRadii * rules_.radius);
    if (!rules_.free_width) low_[kFitWidth] = high_[kFitWidth] = start;
    if (rules_.lane_shapes) low_[kFitWidth] = -(high_[kFitWidth] = kNoBound);
    low_[kFitBeta] = std::min(fit_rule::kMinBeta, rules_.beta);
    high_[kFitBeta] = fit_rule::kMaxBeta;
  }

  /// ln of the FWHM to begin with.
  [[nodiscard]] double start_width() const {
    if (!rules_.free_width) return std::log(rules_.fwhm);
    return std::clamp(std::log(rules_.fwhm), std::max(low_[kFitWidth], least_log_), high_[kFitWidth]);
  }

  /// Holds the active lanes within the bounds. \return lanes in which something came off a bound that held it until
  /// now: it has not moved yet
  M hold(M active, bool beta, const ShapeDirections<D>& directions, const FitSums<D>& sums, FitPoint<D>& at) const {
    const V was_wide = at.pinned.get(kFitWidth), was_beta = at.pinned.get(kFitBeta), was_narrow = at.narrow.get(0);
    hold_within(kFitWidth, active, at, directions.gradient(sums, kFitWidth));
    if (beta) hold_within(kFitBeta, active, at, sums.gradient.get(kFitBeta));
    hold_stretch(active, directions, at);
    hold_minor(active, directions, sums, at);
    return hn::Or(hn::Or(hn::Gt(was_wide, at.pinned.get(kFitWidth)), hn::Gt(was_beta, at.pinned.get(kFitBeta))),
                  hn::Gt(was_narrow, at.narrow.get(0)));
  }

 private:
  static constexpr double kNoBound = 1e6;  // of a logarithm
  static constexpr double kTouch = 1e-6;   // of a logarithm: rounding must not take an axis off its bound

  [[nodiscard]] bool elastic() const {  ///< whether the axis ratio is free
    return rules_.stretch != StretchFreedom::held && rules_.stretch != StretchFreedom::turned;
  }

  /// A parameter on its bound is left out of the next step as long as it is pushed outwards.
  void hold_within(FitParameter k, M active, FitPoint<D>& at, V gradient) const {
    const D d;
    const V low = set(d, low_[k]), high = set(d, high_[k]), v = at.value.get(k);
    const V outwards = hn::Mul(gradient, at.value.get(kFitFlux));
    const M below = hn::And(hn::Le(v, low), hn::Lt(outwards, hn::Zero(d)));
    const M above = hn::And(hn::Ge(v, high), hn::Gt(outwards, hn::Zero(d)));
    at.value.put(k, clamp(v, low, high));
    at.pinned.put(k, hn::IfThenElse(active, hn::IfThenElseZero(hn::Or(below, above), set(d, 1)), at.pinned.get(k)));
  }

  void hold_stretch(M active, const ShapeDirections<D>& directions, FitPoint<D>& at) const {
    if (rules_.stretch == StretchFreedom::held) return;
    const D d;
    const V e1 = at.value.get(kFitE1), e2 = at.value.get(kFitE2), size = stretch_size(at);
    V scale = hn::Div(set(d, fit_rule::kMaxStretch), hn::Max(size, set(d, fit_rule::kMaxStretch)));
    if (rules_.stretch == StretchFreedom::turned) {
      scale = hn::Div(set(d, std::hypot(rules_.e1, rules_.e2)), hn::Max(size, set(d, 1e-6)));
    }
    if (rules_.stretch == StretchFreedom::along) {  // stretched across its axis, it would have turned by 90 degrees
      scale = hn::IfThenElseZero(hn::Gt(directions.along_axis(e1, e2), hn::Zero(d)), scale);
    }
    at.value.put(kFitE1, hn::IfThenElse(active, hn::Mul(e1, scale), e1));
    at.value.put(kFitE2, hn::IfThenElse(active, hn::Mul(e2, scale), e2));
  }

  /// Keeps the minor axis at its bound or above, the major one as it is. An axis on the bound stays there as long as
  /// the merit falls with it, the other given: its derivative by ln b is g_width / 2 - g_e, by ln a g_width / 2 + g_e.
  void hold_minor(M active, const ShapeDirections<D>& directions, const FitSums<D>& sums, FitPoint<D>& at) const {
    if (!elastic()) return;
    const D d;
    const V zero = hn::Zero(d), low = set(d, least_log_), half = set(d, 0.5), one = set(d, 1);
    const V e1 = at.value.get(kFitE1), e2 = at.value.get(kFitE2), width = at.value.get(kFitWidth),
            size = stretch_size(at);
    const M below = hn::Le(hn::NegMulAdd(half, size, width), set(d, least_log_ + kTouch));
    const M was = hn::Gt(at.narrow.get(0), zero);
    if (hn::AllFalse(d, hn::Or(below, was))) return;
    const V major = hn::Max(hn::MulAdd(half, size, width), low);
    const V held_size =
        rules_.free_width ? hn::Sub(major, low) : hn::Max(zero, hn::Mul(set(d, 2), hn::Sub(width, low)));
    const V scale = hn::IfThenElseZero(hn::Gt(size, set(d, kRoundStretch)), hn::Div(held_size, size));
    V c = one, s = zero;
    const V g1 = directions.gradient(sums, kFitE1), g2 = directions.gradient(sums, kFitE2);
    directions.point(at, g1, g2, c, s);
    const V flux = at.value.get(kFitFlux),
            by_width = hn::Mul(half, hn::Mul(directions.gradient(sums, kFitWidth), flux));
    V by_size = hn::Mul(flux, hn::MulAdd(c, g1, hn::Mul(s, g2)));
    if (rules_.stretch == StretchFreedom::along) {  // a round star is not stretched the other way
      by_size = hn::IfThenElse(hn::Lt(size, set(d, kRoundStretch)), hn::Max(by_size, zero), by_size);
    }
    const M held = hn::And(below, hn::Gt(by_size, by_width)), move = hn::And(active, below);
    if (rules_.free_width) at.value.put(kFitWidth, hn::IfThenElse(move, hn::Mul(half, hn::Add(major, low)), width));
    at.value.put(kFitE1, hn::IfThenElse(move, hn::Mul(e1, scale), e1));
    at.value.put(kFitE2, hn::IfThenElse(move, hn::Mul(e2, scale), e2));
    at.narrow.put(0, hn::IfThenElse(active, hn::IfThenElseZero(held, one), at.narrow.get(0)));
    const M point =
        hn::And(hn::And(active, held), hn::And(hn::Le(held_size, zero), hn::Le(hn::Add(by_size, by_width), zero)));
    if (rules_.free_width) at.pinned.put(kFitWidth, hn::IfThenElse(point, one, at.pinned.get(kFitWidth)));
    const M released = hn::And(active, hn::AndNot(held, was));
    at.pinned.put(kFitE1, hn::IfThenElse(released, zero, at.pinned.get(kFitE1)));
    at.pinned.put(kFitE2, hn::IfThenElse(released, zero, at.pinned.get(kFitE2)));
  }

  const FitRules& rules_;
  double least_log_ = std::log(fit_rule::kMinFwhm);
  std::array<double, kFitSize> low_{}, high_{};
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
