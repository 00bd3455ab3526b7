// SPDX-License-Identifier: MIT
/// \file
/// The fit of one batch: steps, bounds, convergence, covariance. Templated on the model and on float lanes or one
/// double.

// clang-format off
#if defined(STARFLOW_FIT_KERNEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_FIT_KERNEL_INL
#undef STARFLOW_FIT_KERNEL_INL
#else
#define STARFLOW_FIT_KERNEL_INL
#endif
// clang-format on

#include "fit_equations-inl.hpp"
#include "fit_steps-inl.hpp"
#include "shape_bounds-inl.hpp"
#include "units.hpp"

#include <array>
#include <numbers>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Fits the stars of one batch.
template <class D, class Model>
class FitKernel {
 public:
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;

  /// \param profile  of the model's constructor, after the rules
  template <class... Profile>
  FitKernel(const StarBlock& block, std::size_t lane, const FitRules& rules, const Profile&... profile)
      : rules_(rules), equations_(block, lane, rules, profile...), directions_(rules), bounds_(rules) {
    n_ = 0;
    free_[n_++] = kFitX;
    free_[n_++] = kFitY;
    free_[n_++] = kFitFlux;
    if (rules.free_level) free_[n_++] = kFitLevel;
    if (rules.free_width) free_[n_++] = kFitWidth;
    // One direction of (e1, e2), which ShapeDirections turns to where it points, stands in the place of e1.
    if (rules.stretch != StretchFreedom::held) free_[n_++] = kFitE1;
    if (rules.stretch == StretchFreedom::free) free_[n_++] = kFitE2;
    if (rules.free_beta) free_[n_++] = kFitBeta;
    start();
  }

  /// Steps without a trial: one evaluation an iteration. Each stage ends for all lanes before the next begins, so that
  /// what is done to a lane does not depend on the others.
  void run() {
    const D d;
    const M all = hn::Gt(set(d, 1), hn::Zero(d));
    per_gain_.clear();
    const Stage first = approaches() ? Stage::approach : Stage::settle;
    approach(all, first, true);
    if (first == Stage::settle) return;
    release();
    approach(hn::Gt(near_.get(0), hn::Zero(d)), Stage::settle, false);
  }

  /// Steps that must lower the merit, damped until they do. For one lane.
  void run_damped() {
    per_gain_.clear();
    if (approaches()) {
      descend(Stage::approach);
      release();
    }
    descend(Stage::settle);
  }

  /// Covariance and residuals at the solution.
  void finish(FitOutput<D>& out) {
    const D d;
    const bool equal = rules_.estimator == Estimator::least_squares;
    per_gain_.put(0, square_.per_gain());
    out.beta_at_bound.put(0, point_.pinned.get(kFitBeta));
    out.narrow.put(0, hn::Max(point_.narrow.get(0), rules_.free_width ? point_.pinned.get(kFitWidth) : hn::Zero(d)));
    M good = factor_released(equal);
    for (std::size_t i = 0; i < n_; ++i) {
      column_.clear(n_);
      column_.put(i, set(d, 1));
      factors_.solve(n_, column_);
      for (std::size_t k = 0; k < n_; ++k) inverse_.put(i * kFitSize + k, column_.get(k));
    }
    if (equal) {
      equations_.spread(point_.value, square_.per_gain());
      reduce();
    }
    equations_.tally(point_.value, square_.per_gain(), out);
    out.variance.clear();
    const V per_flux = hn::Div(set(d, 1), point_.value.get(kFitFlux)), per_flux2 = hn::Mul(per_flux, per_flux);
    for (std::size_t i = 0; i < n_; ++i) {
      const V v = covariance(i, i, equal);
      good = hn::And(good, hn::Gt(v, hn::Zero(d)));
      out.variance.put(free_[i], is_light(i) ? v : hn::Mul(v, per_flux2));
    }
    out.cov_xy.put(0, hn::Mul(covariance(0, 1, equal), per_flux2));
    out.value = point_.value;
    out.iterations = iterations_;
    out.converged.put(0, hn::IfThenElseZero(hn::And(good, hn::Gt(converged_.get(0), hn::Zero(d))), set(d, 1)));
    out.singular = singular_;
    out.stalled = stalled_;
  }

 private:
  static constexpr double kRounding = std::is_same_v<Real<D>, float> ? 1e-6 : 1e-13;
  static constexpr bool kRelaxes = std::is_same_v<Real<D>, float>;  // damping does that for one star in double
  // A step that rounding leaves uncertain, in parts of the light.
  static constexpr double kStill = std::is_same_v<Real<D>, float> ? 2e-6 : 1e-10;
  static constexpr double kRest = 0.25;  // of that, squared: what a lane leaves out of its way to the end
  static constexpr double kTired = 60;   // iterations after which it ends where its steps are short
  static constexpr double kFar = 2;      // a fit that runs away is kept this near, in move limits: it can come back

  void start() {
    const D d;
    point_.value.put(kFitX, square_.start_x());
    point_.value.put(kFitY, square_.start_y());
    point_.value.put(kFitLevel, hn::Zero(d));
    point_.value.put(kFitWidth, set(d, bounds_.start_width()));
    point_.value.put(kFitE1, set(d, finds_angle() ? 0 : rules_.e1));
    point_.value.put(kFitE2, set(d, finds_angle() ? 0 : rules_.e2));
    point_.value.put(kFitBeta, set(d, rules_.beta));
    if (rules_.lane_shapes) {
      constexpr std::array<FitParameter, 4> kShape = {kFitWidth, kFitE1, kFitE2, kFitBeta};
      for (std::size_t k = 0; k < kShape.size(); ++k) point_.value.put(kShape[k], square_.shape(k));
    }
    // The flux of a Gaussian of that width whose peak is the brightest of the central 3x3.
    V peak = hn::Zero(d);
    const auto middle = static_cast<std::size_t>(square_.radius());
    for (std::size_t j = middle - 1; j <= middle + 1; ++j) {
      const PixelRow<D> row = square_.row(j);
      for (std::size_t i = middle - 1; i <= middle + 1; ++i) peak = hn::Max(peak, row.value(i));
    }
    const double sigma = rules_.fwhm * kSigmaPerFwhm;
    point_.value.put(kFitFlux, hn::Mul(peak, set(d, 2 * std::numbers::pi * (sigma * sigma + kPixelVariance))));
    near_.clear();
    pace_.forget();
    share_.forget();
    converged_.clear();
    iterations_.clear();
    point_.pinned.clear();
    if (rules_.free_beta) point_.pinned.put(kFitBeta, set(d, 1));
    if (finds_angle()) point_.pinned.put(kFitE1, set(d, 1));
    point_.narrow.clear();
    singular_.clear();
    stalled_.clear();
    step_.clear();
  }

  /// A stretch that may only turn has the merit's maximum across its minimum, and no slope there: a round star at its
  /// place tells on which side to start.
  [[nodiscard]] bool finds_angle() const { return rules_.stretch == StretchFreedom::turned; }

  /// Weights of the background, and beta as it was given, lead near to the solution from farther away.
  [[nodiscard]] bool approaches() const {
    return rules_.estimator == Estimator::mle || rules_.free_beta || finds_angle();
  }

  void release() {
    share_.forget();
    pace_.forget();
    if (finds_angle()) {
      evaluate(true);
      directions_.stretch_round(point_, sums_);
      point_.pinned.put(kFitE1, hn::Zero(D()));
    }
    per_gain_.put(0, square_.per_gain());
    point_.pinned.put(kFitBeta, hn::Zero(D()));
  }

  /// Whether a lane goes on until its step is short, or until rounding or its error hides it.
  enum class Stage : std::uint8_t { approach, settle };

  void approach(M active, Stage stage, bool equal_weights) {
    const D d;
    const V most = set(d, std::min(rules_.max_iterations, rules_.patience));
    for (;;) {
      active = hn::And(active, hn::Lt(iterations_.get(0), most));
      if (hn::AllFalse(d, active)) return;
      iterations_.add(0, hn::IfThenElseZero(active, set(d, 1)));
      evaluate(equal_weights);
      reduce();
      const M solvable = factors_.factor(h_, n_, kRounding);
      singular_.put(0, hn::IfThenElse(hn::AndNot(solvable, active), set(d, 1), singular_.get(0)));
      active = hn::And(active, solvable);
      active = take_step(active, find_step(), stage);
    }
  }

  /// Scoring first, for it comes near from anywhere; then Newton's steps, for where the data are faint or a bound is
  /// near, scoring may creep or step to and fro for ever.
  void descend(Stage stage) {
    constexpr double kSlack = 1e-4;  // of the merit, 1/2 chi2: rounding, and that its weights take the level along
    constexpr double kLeastDamping = 1e-6, kFirstDamping = 1e-3, kTrusted = 0.01, kHopeless = 1e10;
    constexpr int kScored = 6, kMost = 80;  // rounds: what has not come near by then has nothing to come to
    const D d;
    const M all = hn::Gt(set(d, 1), hn::Zero(d));
    double damping = kFirstDamping;
    stalled_.clear();
    evaluate(false);
    double best = equations_.merit(point_.value, per_gain_.get(0));
    bool observed = false;  // curvature_ is that of this point
    bool worse = false;     // the last step: where every other one is, the damping is about right
    const V most = set(d, rules_.max_iterations);
    for (int round = 0; round < kMost && damping < kHopeless && hn::AllTrue(d, hn::Lt(iterations_.get(0), most));
         ++round) {
      iterations_.add(0, set(d, 1));
      reduce();
      const bool scores = round < kScored;
      if (scores) {
        curvature_ = h_;
      } else if (!observed) {
        observe();
        observed = true;
      }
      damp(damping);
      if (!hn::AllTrue(d, factors_.factor(h_, n_, kRounding))) {
        if (scores) {
          singular_.put(0, set(d, 1));
          return;
        }
        damping = std::max(10 * damping, kFirstDamping);
        evaluate(false);
        continue;
      }
      const FitPoint<D> before = point_;
      const V squared = find_step();
      if (!hn::AllTrue(d, finite(squared))) break;  // no step, which is not to rest
      const bool done = hn::AllFalse(d, take_step(all, squared, stage));
      const bool blocked = rests_at(before);
      if (blocked) converged_.put(0, set(d, 1));
      if ((done || blocked) && damping <= kTrusted) return;  // a step that damping made short proves nothing
      converged_.clear();
      evaluate(false);
      const double now = equations_.merit(point_.value, per_gain_.get(0));
      if (now <= best + kSlack) {
        best = std::min(best, now);
        damping = std::max((worse ? 0.5 : 0.1) * damping, kLeastDamping);
        observed = worse = false;
      } else {
        damping *= worse ? 10 : 4;
        worse = true;
        point_ = before;
        evaluate(false);
      }
    }
    stalled_.put(0, hn::IfThenElseZero(hn::Lt(iterations_.get(0), most), set(d, 1)));
  }

  /// Where the square of a step, in units of its own error, is a number that pixels up to StarBlock::kHighest can give.
  [[nodiscard]] static M finite(V squared) { return hn::Lt(squared, set(D(), 1e36)); }

  /// Whether the bounds took back all of the step from \p before: a solution may lie in their corner.
  [[nodiscard]] bool rests_at(const FitPoint<D>& before) const {
    constexpr double kMoved = 1e-9;
    const D d;
    M rests = hn::Eq(set(d, 0), set(d, 0));
    for (std::size_t k = 0; k < kFitSize; ++k) {
      const V was = before.value.get(k), by = hn::Abs(hn::Sub(point_.value.get(k), was));
      rests = hn::And(rests, hn::Le(by, hn::Mul(set(d, kMoved), hn::Add(set(d, 1), hn::Abs(was)))));
    }
    return hn::AllTrue(d, rests);
  }

  /// Marquardt's damping: the curvature, steeper along each parameter by \p damping times what is expected of it.
  void damp(double damping) {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < i; ++j) h_.put(at(i, j), curvature_.get(at(i, j)));
      h_.put(at(i, i), hn::MulAdd(h_.get(at(i, i)), set(D(), damping), curvature_.get(at(i, i))));
    }
  }

  /// The curvature that the merit has in place of what is expected of it, from differences of the gradient. May not be
  /// positive definite.
  void observe() {
    constexpr double kApart = 1e-3;  // of an error, the other parameters given
    const D d;
    const FitPoint<D> here = point_;
    const Parameters<D> pull = gradient_;
    const Table<D, kTriangle> expected = h_;
    const auto held = [&](std::size_t j) { return hn::AllTrue(d, hn::Gt(here.pinned.get(free_[j]), hn::Zero(d))); };
    Parameters<D> apart;
    std::array<Parameters<D>, kFitSize> steps;  // in the directions of this point
    for (std::size_t j = 0; j < n_; ++j) {
      apart.put(j, hn::Div(set(d, kApart), hn::Sqrt(expected.get(at(j, j)))));
      column_.clear();
      column_.put(j, apart.get(j));
      unfold(column_);
      steps[j] = step_;
    }
    curvature_.clear();
    for (std::size_t j = 0; j < n_; ++j) {
      if (held(j)) {
        curvature_.put(at(j, j), expected.get(at(j, j)));
        continue;
      }
      for (std::size_t k = 0; k < kFitSize; ++k) point_.value.put(k, hn::Add(here.value.get(k), steps[j].get(k)));
      evaluate(false);
      reduce();
      // The sums hold a shape's gradient in parts of the flux.
      const V brighter = hn::Div(point_.value.get(kFitFlux), here.value.get(kFitFlux));
      for (std::size_t i = 0; i < n_; ++i) {
        const V now = hn::Mul(gradient_.get(i), is_light(i) ? set(d, 1) : brighter);
        const V slope = hn::Div(hn::Sub(pull.get(i), now), apart.get(j));
        curvature_.add(packed(i, j), i == j ? slope : hn::Mul(set(d, 0.5), slope));
      }
    }
    point_ = here;
    evaluate(false);
    reduce();
  }

  /// The sums at the present parameters. \p plain  the weights are those of the sky
  void evaluate(bool plain) {
    const V per_gain = per_gain_.get(0);
    plain ? equations_.evaluate_plain(point_.value, per_gain) : equations_.evaluate(point_.value, per_gain);
  }

  /// The normal equations in the free parameters.
  void reduce() {
    const D d;
    directions_.turn(point_, sums_);
    V any = point_.pinned.get(kFitWidth);
    for (const FitParameter k : {kFitE1, kFitE2, kFitBeta}) any = hn::Max(any, point_.pinned.get(k));
    if (hn::AllFalse(d, hn::Gt(any, hn::Zero(d)))) {
      for (std::size_t i = 0; i < n_; ++i) {
        gradient_.put(i, sums_.gradient.get(free_[i]));
        for (std::size_t j = 0; j <= i; ++j) h_.put(at(i, j), sums_.h.get(packed(free_[i], free_[j])));
      }
      return;
    }
    for (std::size_t i = 0; i < n_; ++i) {
      const M held_i = hn::Gt(point_.pinned.get(free_[i]), hn::Zero(d));
      gradient_.put(i, hn::IfThenZeroElse(held_i, sums_.gradient.get(free_[i])));
      for (std::size_t j = 0; j <= i; ++j) {
        const M held = hn::Or(held_i, hn::Gt(point_.pinned.get(free_[j]), hn::Zero(d)));
        const V h = sums_.h.get(packed(free_[i], free_[j]));
        h_.put(at(i, j), hn::IfThenElse(held, i == j ? set(d, 1) : hn::Zero(d), h));
      }
    }
  }

  /// The step in the order of FitParameter, px. \return its square in units of its own error
  V find_step() {
    const D d;
    Parameters<D> x = gradient_;
    factors_.solve(n_, x);
    V squared = hn::Zero(d);
    for (std::size_t i = 0; i < n_; ++i) squared = hn::MulAdd(x.get(i), gradient_.get(i), squared);
    unfold(x);
    return squared;
  }

  /// Puts a step in the free parameters, shapes in parts of the flux, in the order of FitParameter.
  void unfold(const Parameters<D>& x) {
    const D d;
    step_.clear();
    const V flux = point_.value.get(kFitFlux);
    const V per_flux = hn::Div(set(d, 1), hn::IfThenElse(hn::Gt(hn::Abs(flux), set(d, 1e-20)), flux, set(d, 1e-20)));
    for (std::size_t i = 0; i < n_; ++i) step_.put(free_[i], is_light(i) ? x.get(i) : hn::Mul(x.get(i), per_flux));
    directions_.turn_back(step_);
  }

  [[nodiscard]] bool is_light(std::size_t i) const { return free_[i] == kFitFlux || free_[i] == kFitLevel; }

  /// Moves the active lanes, each parameter within its reach. \return lanes that go on
  M take_step(M active, V squared, Stage stage) {
    const D d;
    // A lane whose numbers are not finite fails every comparison, and stays behind.
    active = hn::And(active, finite(squared));
    M whole = active;
    if constexpr (kRelaxes) share_.relax(directions_, sums_, point_.value.get(kFitFlux), step_);
    const Parameters<D> before = point_.value;
    const auto move = [&](FitParameter k, V limit) {
      const V by = step_.get(k);
      whole = hn::And(whole, hn::Le(hn::Abs(by), limit));
      point_.value.put(k, hn::IfThenElse(active, hn::Add(point_.value.get(k), clamp(by, hn::Neg(limit), limit)),
                                         point_.value.get(k)));
    };
    whole = hn::AndNot(shorten_fall(sums_, point_.value.get(kFitFlux), step_), whole);
    const V reach = set(d, 0.3 * rules_.fwhm + 0.2), huge = set(d, 1e30);
    move(kFitX, reach);
    move(kFitY, reach);
    move(kFitFlux, huge);
    move(kFitLevel, huge);
    move(kFitWidth, set(d, 0.4));
    move(kFitE1, set(d, 0.5));
    move(kFitE2, set(d, 0.5));
    move(kFitBeta, hn::Mul(set(d, 0.4), point_.value.get(kFitBeta)));
    hold_near(kFitX, square_.start_x());
    hold_near(kFitY, square_.start_y());
    whole = hn::AndNot(bounds_.hold(active, stage == Stage::settle, directions_, sums_, point_), whole);
    if constexpr (kRelaxes) share_.keep(before, point_.value, whole, directions_, sums_);
    const V dx = step_.get(kFitX), dy = step_.get(kFitY), moved2 = hn::MulAdd(dx, dx, hn::Mul(dy, dy));
    M done = hn::And(whole, hn::Lt(moved2, set(d, fit_rule::kCoarseStep * fit_rule::kCoarseStep)));
    near_.put(0, hn::IfThenElse(done, set(d, 1), near_.get(0)));
    if (stage == Stage::settle) {
      // Less than a third of a thousandth of the error, or than the last digits of the light.
      const V flux = point_.value.get(kFitFlux),
              digits = hn::Mul(hn::Mul(flux, flux), sums_.h.get(at(kFitFlux, kFitFlux)));
      const V last = hn::Mul(set(d, kStill * kStill), digits);
      M still = hn::Lt(squared, hn::Max(set(d, kRelaxes ? fit_rule::kFineStep : fit_rule::kSettled), last));
      if constexpr (kRelaxes) {
        const M near = hn::Or(pace_.near_end(squared, hn::Mul(set(d, kRest), last)), hn::Lt(squared, last));
        still = hn::And(still, hn::Or(near, hn::Gt(iterations_.get(0), set(d, kTired))));
      }
      done = hn::And(whole, still);
      converged_.put(0, hn::IfThenElse(done, set(d, 1), converged_.get(0)));
    }
    return hn::AndNot(done, active);
  }

  void hold_near(FitParameter k, V centre) {
    const V far = set(D(), kFar * rules_.move_limit);
    point_.value.put(k, clamp(point_.value.get(k), hn::Sub(centre, far), hn::Add(centre, far)));
  }

  /// The normal equations that the covariance comes from, with every parameter free that the fit left free. A bound
  /// that stopped one says little of where it is, and what hangs on it is as uncertain: were it held, the position of
  /// a star of FWHM 1.2 px at S/N 10 would have 0.4 of its error along an axis that noise had put on its bound, the
  /// flux with beta on its bound at S/N 30 a fifth. Where the pixels do not tell it at all it stays held.
  M factor_released(bool equal) {
    const D d;
    const FitPoint<D> bound = point_;
    const V zero = hn::Zero(d);
    const auto normal = [&](M held) HWY_ATTR {
      point_.narrow.put(0, hn::IfThenElseZero(held, bound.narrow.get(0)));
      for (std::size_t k = 0; k < kFitSize; ++k) point_.pinned.put(k, hn::IfThenElseZero(held, bound.pinned.get(k)));
      evaluate(equal);
      reduce();
      return factors_.factor(h_, n_, kRounding);
    };
    const M solvable = normal(hn::Gt(zero, zero));
    return hn::AllTrue(d, solvable) ? solvable : normal(hn::Not(solvable));
  }

  /// Element of the inverse, or of the sandwich H^-1 M H^-1 with M in h_.
  V covariance(std::size_t i, std::size_t j, bool sandwich) const {
    if (!sandwich) return inverse_.get(i * kFitSize + j);
    V out = hn::Zero(D());
    for (std::size_t k = 0; k < n_; ++k) {
      V line = hn::Zero(D());
      for (std::size_t l = 0; l < n_; ++l)
        line = hn::MulAdd(h_.get(packed(k, l)), inverse_.get(j * kFitSize + l), line);
      out = hn::MulAdd(inverse_.get(i * kFitSize + k), line, out);
    }
    return out;
  }

  const FitRules& rules_;
  FitEquations<D, Model> equations_;
  const Square<D>& square_ = equations_.square();
  FitSums<D>& sums_ = equations_.sums();
  ShapeDirections<D> directions_;
  ShapeBounds<D> bounds_;
  StepShare<D> share_;
  StepPace<D> pace_;
  FitPoint<D> point_;
  std::size_t n_ = 0;
  std::array<FitParameter, kFitSize> free_{};
  Parameters<D> step_, gradient_, column_;
  Table<D, kTriangle> h_, curvature_;
  Factors<D, kFitSize> factors_;
  Table<D, kFitSize * kFitSize> inverse_;
  Table<D, 1> per_gain_, near_, singular_, stalled_, converged_, iterations_;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
