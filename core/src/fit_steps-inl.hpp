// SPDX-License-Identifier: MIT
/// \file
/// How far a step of a fit goes.

// clang-format off
#if defined(STARFLOW_FIT_STEPS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_FIT_STEPS_INL
#undef STARFLOW_FIT_STEPS_INL
#else
#define STARFLOW_FIT_STEPS_INL
#endif
// clang-format on

#include "shape_directions-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Light that is there falls by 70 % a step at most: with a start too wide, all of the way down to the light of a
/// narrow star would be taken before its width is. \return lanes whose step was longer
template <class D>
hn::Mask<D> shorten_fall(const FitSums<D>& sums, hn::Vec<D> flux, Parameters<D>& step) {
  constexpr double kThere = 9;  // squared ratio to its error, the other parameters given
  const D d;
  const auto squared = hn::Mul(hn::Mul(flux, flux), sums.h.get(at(kFitFlux, kFitFlux)));
  const auto most = hn::Mul(set(d, -0.7), flux), by = step.get(kFitFlux);
  const auto there = hn::And(hn::Gt(flux, hn::Zero(d)), hn::Gt(squared, set(d, kThere)));
  const auto too_far = hn::And(there, hn::Lt(by, most));
  step.put(kFitFlux, hn::IfThenElse(too_far, most, by));
  return too_far;
}

/// How much of each step is taken, from what became of the one before.
template <class D>
class StepShare {
 public:
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;

  /// Before steps towards another solution.
  void forget() {
    moved_.clear();
    slope_.clear();
    was_whole_.clear();
    share_.put(0, set(D(), 1));
  }

  /// Shortens the step of a lane that steps over its solution to and fro, as scoring does where faint data curve the
  /// merit more than its Fisher matrix says, and stretches it where they curve it less. Along the last move the slope
  /// is now `ratio` of what it was: it would be 0 at 1 / (1 - ratio) of that move.
  void relax(const ShapeDirections<D>& directions, const FitSums<D>& sums, V flux, Parameters<D>& step) {
    const D d;
    const V one = set(d, 1), was = slope_.get(0), ratio = hn::Div(slope_along(directions, sums, flux), was);
    V share = hn::Div(share_.get(0), hn::Max(hn::Sub(one, ratio), set(d, 0.1)));
    const M about_one = hn::And(hn::Gt(share, set(d, kLeastShare)), hn::Lt(share, set(d, kMostShare)));
    // A move that was cut short says nothing of a step too short.
    const V most = hn::IfThenElse(hn::Gt(was_whole_.get(0), hn::Zero(d)), set(d, 4), one);
    share = hn::IfThenElse(about_one, one, clamp(share, set(d, 0.2), most));
    share = hn::IfThenElse(hn::Gt(was, hn::Zero(d)), share, one);
    share_.put(0, share);
    for (std::size_t k = 0; k < kFitSize; ++k) step.put(k, hn::Mul(step.get(k), share));
  }

  /// Keeps the move from \p before to \p now. \p whole  lanes in which nothing cut it short
  void keep(const Parameters<D>& before,
            const Parameters<D>& now,
            M whole,
            const ShapeDirections<D>& directions,
            const FitSums<D>& sums) {
    const D d;
    for (std::size_t k = 0; k < kFitSize; ++k) moved_.put(k, hn::Sub(now.get(k), before.get(k)));
    slope_.put(0, slope_along(directions, sums, before.get(kFitFlux)));
    was_whole_.put(0, hn::IfThenElseZero(whole, set(d, 1)));
  }

 private:
  static constexpr double kLeastShare = 0.8, kMostShare = 1.5;  // all between are 1

  /// Derivative of the merit along the last move, at the parameters of the sums.
  [[nodiscard]] V slope_along(const ShapeDirections<D>& directions, const FitSums<D>& sums, V flux) const {
    const D d;
    V slope = hn::Zero(d);
    for (std::size_t k = 0; k < kFitSize; ++k) {
      const V by = moved_.get(k), g = directions.gradient(sums, static_cast<FitParameter>(k));
      const V part = k == kFitFlux || k == kFitLevel ? hn::Mul(g, by) : hn::Mul(hn::Mul(g, flux), by);
      slope = hn::Add(slope, hn::IfThenElseZero(hn::Ne(by, hn::Zero(d)), part));
    }
    return slope;
  }

  Parameters<D> moved_;
  Table<D, 1> slope_, share_, was_whole_;
};

/// How fast the steps of a fit get shorter, and so how far it still has to go.
template <class D>
class StepPace {
 public:
  using V = hn::Vec<D>;

  /// Before steps towards another solution.
  void forget() {
    last_.put(0, set(D(), 1e30));
    ratio_.put(0, set(D(), kUsual));
  }

  /// \param squared  the square of the step
  /// \param most     of what is to come
  /// \return         lanes in which all that is to come is no longer than that: steps that fall by a ratio each add up
  ///                 to ratio / (1 - ratio) of the one before them
  [[nodiscard]] hn::Mask<D> near_end(V squared, V most) {
    const D d;
    const V fallen = hn::Sqrt(hn::Div(squared, last_.get(0)));
    // One short step among long ones proves little.
    const V ratio = clamp(fallen, hn::Mul(set(d, kKept), ratio_.get(0)), set(d, kSlowest));
    last_.put(0, squared);
    ratio_.put(0, ratio);
    const V less = hn::Sub(set(d, 1), ratio);
    return hn::Le(hn::Mul(squared, hn::Mul(ratio, ratio)), hn::Mul(hn::Mul(less, less), most));
  }

 private:
  static constexpr double kUsual = 0.4, kKept = 0.5;
  static constexpr double kSlowest = 0.9;  // beyond, a lane is given up for a creeper first
  Table<D, 1> last_, ratio_;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
