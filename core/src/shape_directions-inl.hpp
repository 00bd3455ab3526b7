// SPDX-License-Identifier: MIT
/// \file
/// Where the shape of a fitted star may move: along what its rules leave to it, and along its bounds.

// clang-format off
#if defined(STARFLOW_SHAPE_DIRECTIONS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_SHAPE_DIRECTIONS_INL
#undef STARFLOW_SHAPE_DIRECTIONS_INL
#else
#define STARFLOW_SHAPE_DIRECTIONS_INL
#endif
// clang-format on

#include "fit_sums-inl.hpp"

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Where a fit stands: its parameters, and what of them rests on a bound.
template <class D>
struct FitPoint {
  Parameters<D> value;
  Parameters<D> pinned;  ///< above 0: left out of the next step
  Table<D, 1> narrow;    ///< above 0: the minor axis rests on its bound
};

inline constexpr double kRoundStretch = 1e-6;  // of a star that has no direction of its own

/// ln(a / b)
template <class D>
[[nodiscard]] HWY_INLINE hn::Vec<D> stretch_size(const FitPoint<D>& at) {
  const auto e1 = at.value.get(kFitE1), e2 = at.value.get(kFitE2);
  return hn::Sqrt(hn::MulAdd(e1, e1, hn::Mul(e2, e2)));
}

/// The directions in which (width, e1, e2) may move where they are not those of the parameters themselves.
template <class D>
class ShapeDirections {
 public:
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;

  explicit ShapeDirections(const FitRules& rules) : rules_(rules) {
    if (rules.stretch == StretchFreedom::along) {
      const double angle = std::atan2(rules.e2, rules.e1);
      axis_x_ = std::cos(angle);
      axis_y_ = std::sin(angle);
    }
    direction_.clear();
    plain_gradient_.clear();
  }

  /// Puts the directions in which (width, e1, e2) may move in the places of the three: along the one that the rules
  /// leave to (e1, e2); past a minor axis that is on its bound: d|e| = 2 d width.
  void turn(FitPoint<D>& at, FitSums<D>& sums) {
    const D d;
    const V zero = hn::Zero(d), one = set(d, 1);
    const M narrow = hn::Gt(at.narrow.get(0), zero);
    const bool across = rules_.stretch == StretchFreedom::turned;  // round the circle |e| = constant
    if (!across && rules_.stretch != StretchFreedom::along && hn::AllFalse(d, narrow)) {
      turned_ = false;
      return;
    }
    turned_ = true;
    V c = one, s = zero;
    point(at, sums.gradient.get(kFitE1), sums.gradient.get(kFitE2), c, s);
    const V twice = hn::IfThenElseZero(narrow, set(d, 2)), size = stretch_size(at);
    put_direction(0, one, hn::Mul(twice, c), hn::Mul(twice, s));
    const M turn = across ? hn::Gt(one, zero) : narrow, round = hn::Lt(size, set(d, kRoundStretch));
    if (rules_.stretch == StretchFreedom::along) {
      put_direction(1, zero, set(d, axis_x_), set(d, axis_y_));
    } else {
      put_direction(1, zero, hn::IfThenElse(turn, hn::Neg(s), one), hn::IfThenElse(turn, c, zero));
    }
    put_direction(2, zero, zero, one);
    at.pinned.put(kFitE2, hn::IfThenElseZero(narrow, one));
    const bool turns = across || rules_.stretch == StretchFreedom::free;
    M held = turns ? hn::And(narrow, round) : narrow;
    if (rules_.stretch == StretchFreedom::along) {  // a round star that would be stretched across its axis
      const V pull = hn::Mul(along_axis(sums.gradient.get(kFitE1), sums.gradient.get(kFitE2)), at.value.get(kFitFlux));
      held = hn::Or(held, hn::And(round, hn::Le(pull, zero)));
    }
    if (!across) at.pinned.put(kFitE1, hn::IfThenElseZero(held, one));
    apply(sums);
    if (!turns) return;
    // The path round a circle bends: a pull outwards by g_r turns it as a curvature g_r / |e| more would.
    const V flux = at.value.get(kFitFlux),
            pull = hn::MulAdd(c, plain_gradient_.get(1), hn::Mul(s, plain_gradient_.get(2)));
    const M bent = hn::And(hn::AndNot(round, turn), hn::Gt(hn::Mul(pull, flux), zero));
    sums.h.add(packed(kFitE1, kFitE1), hn::IfThenElseZero(bent, hn::Div(pull, hn::Mul(size, flux))));
  }

  /// A step in the directions as one of the parameters.
  void turn_back(Parameters<D>& step) const {
    if (!turned_) return;
    const V w = step.get(kFitWidth), e1 = step.get(kFitE1), e2 = step.get(kFitE2);
    for (std::size_t k = 0; k < 3; ++k) {
      step.put(kFitWidth + k, hn::MulAdd(direction_.get(k), w,
                                         hn::MulAdd(direction_.get(3 + k), e1, hn::Mul(direction_.get(6 + k), e2))));
    }
  }

  /// Derivative by a parameter itself, whatever direction stands in its place.
  [[nodiscard]] V gradient(const FitSums<D>& sums, FitParameter k) const {
    const bool turned = turned_ && k >= kFitWidth && k <= kFitE2;
    return turned ? plain_gradient_.get(k - kFitWidth) : sums.gradient.get(k);
  }

  /// Part of (e1, e2) along the axis that the rules hold.
  [[nodiscard]] V along_axis(V e1, V e2) const {
    const D d;
    return hn::MulAdd(e1, set(d, axis_x_), hn::Mul(e2, set(d, axis_y_)));
  }

  /// Stretches a round star as far as the rules say, to where that serves the merit most.
  void stretch_round(FitPoint<D>& at, const FitSums<D>& sums) const {
    V c = hn::Zero(D()), s = c;
    point(at, sums.gradient.get(kFitE1), sums.gradient.get(kFitE2), c, s);
    const V size = set(D(), std::hypot(rules_.e1, rules_.e2));
    at.value.put(kFitE1, hn::Mul(size, c));
    at.value.put(kFitE2, hn::Mul(size, s));
  }

  /// Where (e1, e2) points, as a unit vector; from a round star, to where a stretch that the rules
  /// allow serves the merit most.
  void point(const FitPoint<D>& at, V g1, V g2, V& c, V& s) const {
    const D d;
    const V e1 = at.value.get(kFitE1), e2 = at.value.get(kFitE2), flux = at.value.get(kFitFlux);
    if (rules_.stretch == StretchFreedom::along_x) g2 = hn::Zero(d);
    if (rules_.stretch == StretchFreedom::along) {
      c = set(d, axis_x_);
      s = set(d, axis_y_);
      return;
    }
    const M round = hn::Lt(stretch_size(at), set(d, kRoundStretch));
    const V x = hn::IfThenElse(round, hn::Mul(g1, flux), e1), y = hn::IfThenElse(round, hn::Mul(g2, flux), e2);
    const V length = hn::Sqrt(hn::MulAdd(x, x, hn::Mul(y, y)));
    const M points = hn::Gt(length, set(d, 1e-15));
    c = hn::IfThenElse(points, hn::Div(x, length), set(d, 1));
    s = hn::IfThenElseZero(points, hn::Div(y, length));
  }

 private:
  void put_direction(std::size_t row, V width, V e1, V e2) {
    direction_.put(3 * row, width);
    direction_.put(3 * row + 1, e1);
    direction_.put(3 * row + 2, e2);
  }

  /// The sums in the directions: H' = A H A^T, g' = A g on the rows of width, e1 and e2.
  void apply(FitSums<D>& sums) {
    auto& h = sums.h;
    const auto turned = [&](std::size_t row, V a, V b, V c) HWY_ATTR {
      return hn::MulAdd(direction_.get(3 * row), a,
                        hn::MulAdd(direction_.get(3 * row + 1), b, hn::Mul(direction_.get(3 * row + 2), c)));
    };
    const auto element = [&](std::size_t i, std::size_t k) HWY_ATTR { return h.get(packed(kFitWidth + i, k)); };
    Table<D, 9> inner;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        const std::size_t k = kFitWidth + j;
        inner.put(3 * i + j, turned(i, element(0, k), element(1, k), element(2, k)));
      }
    }
    for (std::size_t k = 0; k < kFitSize; ++k) {
      if (k >= kFitWidth && k <= kFitE2) continue;
      const V a = element(0, k), b = element(1, k), c = element(2, k);
      for (std::size_t i = 0; i < 3; ++i) h.put(packed(kFitWidth + i, k), turned(i, a, b, c));
    }
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        h.put(at(kFitWidth + i, kFitWidth + j),
              turned(j, inner.get(3 * i), inner.get(3 * i + 1), inner.get(3 * i + 2)));
      }
    }
    auto& g = sums.gradient;
    const V a = g.get(kFitWidth), b = g.get(kFitE1), c = g.get(kFitE2);
    plain_gradient_.put(0, a);
    plain_gradient_.put(1, b);
    plain_gradient_.put(2, c);
    for (std::size_t i = 0; i < 3; ++i) g.put(kFitWidth + i, turned(i, a, b, c));
  }

  const FitRules& rules_;
  double axis_x_ = 1, axis_y_ = 0;  // of (e1, e2), with StretchFreedom::along
  Table<D, 9> direction_;
  Table<D, 3> plain_gradient_;
  bool turned_ = false;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
