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

#include "elliptical_model-inl.hpp"
#include "separable_model-inl.hpp"

#include <numbers>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// What a batch of fits gives, in the order of FitParameter where it is one of them.
template <class D>
struct FitOutput {
  Parameters<D> value, variance;
  Table<D, 1> cov_xy, chi2, residual, light, iterations, converged, singular, beta_at_bound, narrow;
};

template <class D, class Model>
class FitKernel {
 public:
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;

  FitKernel(const StarBlock& block, std::size_t lane, const FitRules& rules, const Model& model)
      : square_(block, lane, rules.radius), rules_(rules), model_(model) {
    n_ = 0;
    free_[n_++] = kFitX;
    free_[n_++] = kFitY;
    free_[n_++] = kFitFlux;
    if (rules.free_level) free_[n_++] = kFitLevel;
    if (rules.free_width) free_[n_++] = kFitWidth;
    // One direction of (e1, e2), which turn_shape() turns to where it points, stands in the place of e1.
    if (rules.stretch != StretchFreedom::held) free_[n_++] = kFitE1;
    if (rules.stretch == StretchFreedom::free) free_[n_++] = kFitE2;
    if (rules.free_beta) free_[n_++] = kFitBeta;
    set_limits();
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
    release_beta();
    approach(hn::Gt(near_.get(0), hn::Zero(d)), Stage::settle, false);
  }

  /// Steps that must lower the merit, damped until they do. For one lane.
  void run_damped() {
    per_gain_.clear();
    if (approaches()) {
      descend(Stage::approach);
      release_beta();
    }
    descend(Stage::settle);
  }

  /// Covariance and residuals at the solution.
  void finish(FitOutput<D>& out) {
    const D d;
    const bool equal = rules_.estimator == Estimator::least_squares;
    per_gain_.put(0, square_.per_gain());
    equal ? evaluate_plain() : evaluate();
    reduce();
    M good = factors_.factor(h_, n_, kRounding);
    for (std::size_t i = 0; i < n_; ++i) {
      column_.clear(n_);
      column_.put(i, set(d, 1));
      factors_.solve(n_, column_);
      for (std::size_t k = 0; k < n_; ++k) inverse_.put(i * kFitSize + k, column_.get(k));
    }
    if (equal) {
      sum(Weight::spread, square_.per_gain());
      reduce();
    }
    tally(out);
    out.variance.clear();
    const V per_flux = hn::Div(set(d, 1), p_.get(kFitFlux)), per_flux2 = hn::Mul(per_flux, per_flux);
    for (std::size_t i = 0; i < n_; ++i) {
      const bool light = free_[i] == kFitFlux || free_[i] == kFitLevel;
      const V v = covariance(i, i, equal);
      good = hn::And(good, hn::Gt(v, hn::Zero(d)));
      out.variance.put(free_[i], light ? v : hn::Mul(v, per_flux2));
    }
    out.cov_xy.put(0, hn::Mul(covariance(0, 1, equal), per_flux2));
    out.value = p_;
    out.iterations = iterations_;
    out.converged.put(0, hn::IfThenElseZero(hn::And(good, hn::Gt(converged_.get(0), hn::Zero(d))), set(d, 1)));
    out.singular = singular_;
    out.beta_at_bound.put(0, pinned_.get(kFitBeta));
    out.narrow.put(0, hn::Max(narrow_.get(0), rules_.free_width ? pinned_.get(kFitWidth) : hn::Zero(d)));
  }

 private:
  static constexpr double kRounding = std::is_same_v<Real<D>, float> ? 1e-6 : 1e-13;
  static constexpr bool kRelaxes = std::is_same_v<Real<D>, float>;  // damping does that for one star in double
  // A step that rounding leaves uncertain, in parts of the light.
  static constexpr double kStill = std::is_same_v<Real<D>, float> ? 2e-6 : 1e-10;
  static constexpr double kNoBound = 1e6;                       // of a logarithm
  static constexpr double kLeastShare = 0.8, kMostShare = 1.5;  // of a step: all between are 1
  static constexpr double kRound = 1e-6;                        // stretch of a star that has no direction of its own
  static constexpr double kSuspect = 2;                         // chi2 a pixel
  static constexpr double kFar = 2;  // a fit that runs away is kept this near, in move limits: it can come back

  /// Residuals of the stars whose chi2 asks for a second look; 0 of the others.
  void tally(FitOutput<D>& out) {
    const D d;
    const V n = set(d, kSuspect * static_cast<double>(square_.side() * square_.side()));
    const M suspect = hn::Or(hn::Not(square_.clean()), hn::Gt(sums_.chi2.get(0), n));
    out.chi2 = sums_.chi2;
    sums_.residual.clear();
    sums_.light.clear();
    if (!hn::AllFalse(d, suspect)) {
      model_.prepare(p_, square_.radius());
      for (std::size_t j = 0; j < square_.side(); ++j) {
        model_.light(j, square_.side(), p_.get(kFitFlux), light_);
        tally_row(square_, j, light_, p_.get(kFitLevel), sums_);
      }
    }
    out.residual.put(0, hn::IfThenElseZero(suspect, sums_.residual.get(0)));
    out.light.put(0, hn::IfThenElse(suspect, sums_.light.get(0), set(d, 1)));
  }

  void set_limits() {
    // Of a star whose axis ratio is held, the minor axis is narrower than the mean of both.
    const double size = rules_.stretch == StretchFreedom::held || rules_.stretch == StretchFreedom::turned
                            ? std::hypot(rules_.e1, rules_.e2)
                            : 0.0;
    const double start = std::log(rules_.fwhm);
    low_[kFitWidth] = std::log(fit_rule::kMinFwhm) + 0.5 * size;
    if (elastic()) low_[kFitWidth] = -kNoBound;  // hold_minor() bounds both axes
    high_[kFitWidth] = std::log(fit_rule::kMaxFwhmRadii * rules_.radius);
    if (!rules_.free_width) low_[kFitWidth] = high_[kFitWidth] = start;
    low_[kFitBeta] = std::min(fit_rule::kMinBeta, rules_.beta);
    high_[kFitBeta] = fit_rule::kMaxBeta;
  }

  void start() {
    const D d;
    p_.put(kFitX, square_.start_x());
    p_.put(kFitY, square_.start_y());
    p_.put(kFitLevel, hn::Zero(d));
    p_.put(kFitWidth,
           set(d, std::clamp(std::log(rules_.fwhm), std::max(low_[kFitWidth], least_log_), high_[kFitWidth])));
    p_.put(kFitE1, set(d, rules_.e1));
    p_.put(kFitE2, set(d, rules_.e2));
    p_.put(kFitBeta, set(d, rules_.beta));
    // The flux of a Gaussian of that width whose peak is the brightest of the central 3x3.
    V peak = hn::Zero(d);
    const auto middle = static_cast<std::size_t>(square_.radius());
    for (std::size_t j = middle - 1; j <= middle + 1; ++j) {
      const PixelRow<D> row = square_.row(j);
      for (std::size_t i = middle - 1; i <= middle + 1; ++i) peak = hn::Max(peak, row.value(i));
    }
    const double sigma = rules_.fwhm * kSigmaPerFwhm;
    p_.put(kFitFlux, hn::Mul(peak, set(d, 2 * std::numbers::pi * (sigma * sigma + kPixelVariance))));
    sums_.clear();  // a model that lacks a parameter leaves its sums alone: they count with the weight 0
    near_.clear();
    forget_move();
    converged_.clear();
    iterations_.clear();
    pinned_.clear();
    if (rules_.free_beta) pinned_.put(kFitBeta, set(d, 1));
    narrow_.clear();
    singular_.clear();
    step_.clear();
    direction_.clear();
    plain_gradient_.clear();
  }

  /// Weights of the background, and beta as it was given, lead near to the solution from farther away.
  [[nodiscard]] bool approaches() const { return rules_.estimator == Estimator::mle || rules_.free_beta; }

  void release_beta() {
    forget_move();
    per_gain_.put(0, square_.per_gain());
    pinned_.put(kFitBeta, hn::Zero(D()));
  }

  /// Whether a lane goes on until its step is short, or until rounding or its error hides it.
  enum class Stage : std::uint8_t { approach, settle };

  void approach(M active, Stage stage, bool equal_weights) {
    const D d;
    for (int round = 0; round < rules_.max_iterations && !hn::AllFalse(d, active); ++round) {
      iterations_.add(0, hn::IfThenElseZero(active, set(d, 1)));
      equal_weights ? evaluate_plain() : evaluate();
      reduce();
      const M solvable = factors_.factor(h_, n_, kRounding);
      singular_.put(0, hn::IfThenElse(hn::AndNot(solvable, active), set(d, 1), singular_.get(0)));
      active = hn::And(active, solvable);
      active = take_step(active, find_step(), stage);
    }
  }

  void descend(Stage stage) {
    constexpr double kSlack = 1e-4;  // of the merit, 1/2 chi2: rounding, and that its weights take the level along
    constexpr double kLeastDamping = 1e-6, kTrusted = 0.01, kHopeless = 1e10;
    const D d;
    const M all = hn::Gt(set(d, 1), hn::Zero(d));
    double damping = 1e-3;
    evaluate();
    double best = merit();
    for (int round = 0; round < rules_.max_iterations && damping < kHopeless; ++round) {
      iterations_.add(0, set(d, 1));
      reduce();
      for (std::size_t i = 0; i < n_; ++i) h_.put(at(i, i), hn::Mul(h_.get(at(i, i)), set(d, 1 + damping)));
      if (!hn::AllTrue(d, factors_.factor(h_, n_, kRounding))) {
        singular_.put(0, set(d, 1));
        return;
      }
      const Parameters<D> before = p_, was_pinned = pinned_;
      const Table<D, 1> was_narrow = narrow_;
      const bool done = hn::AllFalse(d, take_step(all, find_step(), stage));
      if (done && damping <= kTrusted) return;  // a step that damping made short proves nothing
      converged_.clear();
      evaluate();
      const double now = merit();
      if (now <= best + kSlack) {
        best = std::min(best, now);
        damping = std::max(0.1 * damping, kLeastDamping);
      } else {
        damping *= 10;
        p_ = before;
        pinned_ = was_pinned;
        narrow_ = was_narrow;
        evaluate();
      }
    }
  }

  [[nodiscard]] double merit() {
    V sum = hn::Zero(D());
    for (std::size_t j = 0; j < square_.side(); ++j) {
      model_.light(j, square_.side(), p_.get(kFitFlux), light_);
      sum = hn::Add(sum, row_merit(square_, j, weighing(), light_, p_.get(kFitLevel), per_gain_.get(0)));
    }
    return static_cast<double>(hn::GetLane(sum));
  }

  [[nodiscard]] Weight weighing() const { return rules_.estimator == Estimator::mle ? Weight::model : Weight::equal; }
  void evaluate() { sum(weighing(), per_gain_.get(0)); }

  /// The same where all weights are those of the sky: by the short way in the lanes whose every pixel counts.
  void evaluate_plain() {
    if constexpr (Model::kHasPlainSums) {
      const D d;
      const M clean = square_.clean();
      if (hn::AllFalse(d, clean)) return evaluate();
      model_.prepare(p_, square_.radius());
      model_.plain_sums(square_, p_.get(kFitFlux), p_.get(kFitLevel));
      model_.reduce(sums_);
      if (hn::AllTrue(d, clean)) return;
      const FitSums<D> plain = sums_;
      evaluate();
      const auto take = [&](auto& to, const auto& from, std::size_t n) HWY_ATTR {
        for (std::size_t k = 0; k < n; ++k) to.put(k, hn::IfThenElse(clean, from.get(k), to.get(k)));
      };
      take(sums_.h, plain.h, kTriangle);
      take(sums_.gradient, plain.gradient, kFitSize);
    } else {
      evaluate();
    }
  }

  /// Sums of the normal equations at the present parameters.
  void sum(Weight weight, V per_gain) {
    model_.prepare(p_, square_.radius());
    model_.prepare_products(square_.side());
    const V flux = p_.get(kFitFlux), level = p_.get(kFitLevel);
    V chi2 = hn::Zero(D());
    const bool clean = hn::AllTrue(D(), square_.clean());
    visit_weight(weight, clean, [&](auto kind, auto all_clean) HWY_ATTR {
      for (std::size_t j = 0; j < square_.side(); ++j) {
        model_.template add_row<kind(), all_clean()>(square_, j, flux, level, per_gain, chi2);
      }
    });
    sums_.chi2.put(0, chi2);
    model_.reduce(sums_);
  }

  /// The normal equations in the free parameters.
  void reduce() {
    const D d;
    turned_ = turn_shape();
    V any = pinned_.get(kFitWidth);
    for (const FitParameter k : {kFitE1, kFitE2, kFitBeta}) any = hn::Max(any, pinned_.get(k));
    if (hn::AllFalse(d, hn::Gt(any, hn::Zero(d)))) {
      for (std::size_t i = 0; i < n_; ++i) {
        gradient_.put(i, sums_.gradient.get(free_[i]));
        for (std::size_t j = 0; j <= i; ++j) h_.put(at(i, j), sums_.h.get(packed(free_[i], free_[j])));
      }
      return;
    }
    for (std::size_t i = 0; i < n_; ++i) {
      const M held_i = hn::Gt(pinned_.get(free_[i]), hn::Zero(d));
      gradient_.put(i, hn::IfThenZeroElse(held_i, sums_.gradient.get(free_[i])));
      for (std::size_t j = 0; j <= i; ++j) {
        const M held = hn::Or(held_i, hn::Gt(pinned_.get(free_[j]), hn::Zero(d)));
        const V h = sums_.h.get(packed(free_[i], free_[j]));
        h_.put(at(i, j), hn::IfThenElse(held, i == j ? set(d, 1) : hn::Zero(d), h));
      }
    }
  }

  [[nodiscard]] bool elastic() const {  ///< whether the axis ratio is free
    return rules_.stretch != StretchFreedom::held && rules_.stretch != StretchFreedom::turned;
  }

  /// Where (e1, e2) points, as a unit vector; from a round star, to where a stretch serves the merit most.
  void point_stretch(V g1, V g2, V& c, V& s) const {
    const D d;
    const V e1 = p_.get(kFitE1), e2 = p_.get(kFitE2), flux = p_.get(kFitFlux);
    if (rules_.stretch == StretchFreedom::along || rules_.stretch == StretchFreedom::along_x) {
      const bool tilted = rules_.stretch == StretchFreedom::along;
      const double angle = tilted ? std::atan2(rules_.e2, rules_.e1) : 0.0;
      const V x = set(d, std::cos(angle)), y = set(d, std::sin(angle)), along = hn::MulAdd(x, g1, hn::Mul(y, g2));
      g1 = hn::Mul(along, x);
      g2 = hn::Mul(along, y);
    }
    const M round = hn::Lt(stretch_size(), set(d, kRound));
    const V x = hn::IfThenElse(round, hn::Mul(g1, flux), e1), y = hn::IfThenElse(round, hn::Mul(g2, flux), e2);
    const V length = hn::Sqrt(hn::MulAdd(x, x, hn::Mul(y, y)));
    const M points = hn::Gt(length, set(d, 1e-15));
    c = hn::IfThenElse(points, hn::Div(x, length), set(d, 1));
    s = hn::IfThenElseZero(points, hn::Div(y, length));
  }

  [[nodiscard]] V stretch_size() const {
    const V e1 = p_.get(kFitE1), e2 = p_.get(kFitE2);
    return hn::Sqrt(hn::MulAdd(e1, e1, hn::Mul(e2, e2)));
  }

  /// Puts the directions in which (width, e1, e2) may move in the places of the three: along the one that the rules
  /// leave to (e1, e2), and past a minor axis that is on its bound: d|e| = 2 d width. \return whether any had to turn
  bool turn_shape() {
    const D d;
    const V zero = hn::Zero(d), one = set(d, 1);
    const M narrow = hn::Gt(narrow_.get(0), zero);
    const bool across = rules_.stretch == StretchFreedom::turned;  // round the circle |e| = constant
    if (!across && rules_.stretch != StretchFreedom::along && hn::AllFalse(d, narrow)) return false;
    V c = one, s = zero;
    point_stretch(sums_.gradient.get(kFitE1), sums_.gradient.get(kFitE2), c, s);
    const V twice = hn::IfThenElseZero(narrow, set(d, 2)), size = stretch_size();
    put_direction(0, one, hn::Mul(twice, c), hn::Mul(twice, s));
    const M turn = across ? hn::Gt(one, zero) : narrow, round = hn::Lt(size, set(d, kRound));
    if (rules_.stretch == StretchFreedom::along) {
      const double angle = std::atan2(rules_.e2, rules_.e1);
      put_direction(1, zero, set(d, std::cos(angle)), set(d, std::sin(angle)));
    } else {
      put_direction(1, zero, hn::IfThenElse(turn, hn::Neg(s), one), hn::IfThenElse(turn, c, zero));
    }
    put_direction(2, zero, zero, one);
    pinned_.put(kFitE2, hn::IfThenElseZero(narrow, one));
    const bool turns = across || rules_.stretch == StretchFreedom::free;
    if (!across) pinned_.put(kFitE1, hn::IfThenElseZero(turns ? hn::And(narrow, round) : narrow, one));
    apply_directions();
    if (!turns) return true;
    // The path round a circle bends: a pull outwards by g_r turns it as a curvature g_r / |e| more would.
    const V flux = p_.get(kFitFlux), pull = hn::MulAdd(c, plain_gradient_.get(1), hn::Mul(s, plain_gradient_.get(2)));
    const M bent = hn::And(hn::AndNot(round, turn), hn::Gt(hn::Mul(pull, flux), zero));
    sums_.h.add(at(kFitE1, kFitE1), hn::IfThenElseZero(bent, hn::Div(pull, hn::Mul(size, flux))));
    return true;
  }

  void put_direction(std::size_t row, V width, V e1, V e2) {
    direction_.put(3 * row, width);
    direction_.put(3 * row + 1, e1);
    direction_.put(3 * row + 2, e2);
  }

  /// The sums in the directions: H' = A H A^T, g' = A g on the rows of width, e1 and e2.
  void apply_directions() {
    auto& h = sums_.h;
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
    auto& g = sums_.gradient;
    const V a = g.get(kFitWidth), b = g.get(kFitE1), c = g.get(kFitE2);
    plain_gradient_.put(0, a);
    plain_gradient_.put(1, b);
    plain_gradient_.put(2, c);
    for (std::size_t i = 0; i < 3; ++i) g.put(kFitWidth + i, turned(i, a, b, c));
  }

  /// The step in the order of FitParameter, px. \return its square in units of its own error
  V find_step() {
    const D d;
    Parameters<D> x = gradient_;
    factors_.solve(n_, x);
    V squared = hn::Zero(d);
    step_.clear();
    const V flux = p_.get(kFitFlux);
    const V per_flux = hn::Div(set(d, 1), hn::IfThenElse(hn::Gt(hn::Abs(flux), set(d, 1e-20)), flux, set(d, 1e-20)));
    for (std::size_t i = 0; i < n_; ++i) {
      squared = hn::MulAdd(x.get(i), gradient_.get(i), squared);
      const bool light = free_[i] == kFitFlux || free_[i] == kFitLevel;
      step_.put(free_[i], light ? x.get(i) : hn::Mul(x.get(i), per_flux));
    }
    if (turned_) {
      const V w = step_.get(kFitWidth), e1 = step_.get(kFitE1), e2 = step_.get(kFitE2);
      for (std::size_t k = 0; k < 3; ++k) {
        step_.put(kFitWidth + k, hn::MulAdd(direction_.get(k), w,
                                            hn::MulAdd(direction_.get(3 + k), e1, hn::Mul(direction_.get(6 + k), e2))));
      }
    }
    return squared;
  }

  /// Moves the active lanes, each parameter within its reach. \return lanes that go on
  M take_step(M active, V squared, Stage stage) {
    const D d;
    // A lane whose numbers are not finite fails every comparison, and stays behind.
    active = hn::And(active, hn::Lt(squared, set(d, 1e30)));
    M whole = active;
    if constexpr (kRelaxes) relax();
    const Parameters<D> before = p_;
    const auto move = [&](FitParameter k, V limit) {
      const V by = step_.get(k);
      whole = hn::And(whole, hn::Le(hn::Abs(by), limit));
      p_.put(k, hn::IfThenElse(active, hn::Add(p_.get(k), clamp(by, hn::Neg(limit), limit)), p_.get(k)));
    };
    whole = hn::AndNot(shorten_fall(), whole);
    const V reach = set(d, 0.3 * rules_.fwhm + 0.2), huge = set(d, 1e30);
    move(kFitX, reach);
    move(kFitY, reach);
    move(kFitFlux, huge);
    move(kFitLevel, huge);
    move(kFitWidth, set(d, 0.4));
    move(kFitE1, set(d, 0.5));
    move(kFitE2, set(d, 0.5));
    move(kFitBeta, hn::Mul(set(d, 0.4), p_.get(kFitBeta)));
    hold_near(kFitX, square_.start_x());
    hold_near(kFitY, square_.start_y());
    const V was_wide = pinned_.get(kFitWidth), was_beta = pinned_.get(kFitBeta), was_narrow = narrow_.get(0);
    hold_within(kFitWidth, active);
    if (stage == Stage::settle) hold_within(kFitBeta, active);
    hold_stretch(active);
    hold_minor(active);
    // What a bound held back in this step and comes off it has not moved yet.
    const auto came_off = [](V was, V is) HWY_ATTR { return hn::Gt(was, is); };
    whole = hn::AndNot(came_off(was_wide, pinned_.get(kFitWidth)), whole);
    whole = hn::AndNot(came_off(was_beta, pinned_.get(kFitBeta)), whole);
    whole = hn::AndNot(came_off(was_narrow, narrow_.get(0)), whole);
    if constexpr (kRelaxes) {
      for (std::size_t k = 0; k < kFitSize; ++k) moved_.put(k, hn::Sub(p_.get(k), before.get(k)));
      slope_.put(0, slope_along(before.get(kFitFlux)));
      was_whole_.put(0, hn::IfThenElseZero(whole, set(d, 1)));
    }
    const V dx = step_.get(kFitX), dy = step_.get(kFitY), moved2 = hn::MulAdd(dx, dx, hn::Mul(dy, dy));
    M done = hn::And(whole, hn::Lt(moved2, set(d, fit_rule::kCoarseStep * fit_rule::kCoarseStep)));
    near_.put(0, hn::IfThenElse(done, set(d, 1), near_.get(0)));
    if (stage == Stage::settle) {
      // Less than a third of a thousandth of the error, or than the last digits of the light.
      const V flux = p_.get(kFitFlux), digits = hn::Mul(hn::Mul(flux, flux), sums_.h.get(at(kFitFlux, kFitFlux)));
      const M still = hn::Lt(squared, hn::Max(set(d, fit_rule::kFineStep), hn::Mul(set(d, kStill * kStill), digits)));
      done = hn::And(whole, still);
      converged_.put(0, hn::IfThenElse(done, set(d, 1), converged_.get(0)));
    }
    return hn::AndNot(done, active);
  }

  /// Shortens the step of a lane that steps over its solution to and fro, as scoring does where faint data curve the
  /// merit more than its Fisher matrix says, and stretches it where they curve it less. Along the last move the slope
  /// is now `ratio` of what it was: it would be 0 at 1 / (1 - ratio) of that move.
  void relax() {
    const D d;
    const V one = set(d, 1), was = slope_.get(0), ratio = hn::Div(slope_along(p_.get(kFitFlux)), was);
    V share = hn::Div(share_.get(0), hn::Max(hn::Sub(one, ratio), set(d, 0.1)));
    const M about_one = hn::And(hn::Gt(share, set(d, kLeastShare)), hn::Lt(share, set(d, kMostShare)));
    // A move that was cut short says nothing of a step too short.
    const V most = hn::IfThenElse(hn::Gt(was_whole_.get(0), hn::Zero(d)), set(d, 4), one);
    share = hn::IfThenElse(about_one, one, clamp(share, set(d, 0.2), most));
    share = hn::IfThenElse(hn::Gt(was, hn::Zero(d)), share, one);
    share_.put(0, share);
    for (std::size_t k = 0; k < kFitSize; ++k) step_.put(k, hn::Mul(step_.get(k), share));
  }

  /// Light that is there falls by 70 % a step at most: with a start too wide, all of the way down to the light of a
  /// narrow star would be taken before its width is. \return lanes whose step was longer
  M shorten_fall() {
    constexpr double kThere = 9;  // squared ratio to its error, the other parameters given
    const D d;
    const V flux = p_.get(kFitFlux), squared = hn::Mul(hn::Mul(flux, flux), sums_.h.get(at(kFitFlux, kFitFlux)));
    const V most = hn::Mul(set(d, -0.7), flux), by = step_.get(kFitFlux);
    const M there = hn::And(hn::Gt(flux, hn::Zero(d)), hn::Gt(squared, set(d, kThere)));
    const M too_far = hn::And(there, hn::Lt(by, most));
    step_.put(kFitFlux, hn::IfThenElse(too_far, most, by));
    return too_far;
  }

  /// Derivative of the merit along the last move, at the parameters of the sums.
  [[nodiscard]] V slope_along(V flux) const {
    const D d;
    V slope = hn::Zero(d);
    for (std::size_t k = 0; k < kFitSize; ++k) {
      const V by = moved_.get(k), g = shape_gradient(static_cast<FitParameter>(k));
      const V part = k == kFitFlux || k == kFitLevel ? hn::Mul(g, by) : hn::Mul(hn::Mul(g, flux), by);
      slope = hn::Add(slope, hn::IfThenElseZero(hn::Ne(by, hn::Zero(d)), part));
    }
    return slope;
  }

  /// Before steps towards another solution.
  void forget_move() {
    moved_.clear();
    slope_.clear();
    was_whole_.clear();
    share_.put(0, set(D(), 1));
  }

  void hold_near(FitParameter k, V centre) {
    const V far = set(D(), kFar * rules_.move_limit);
    p_.put(k, clamp(p_.get(k), hn::Sub(centre, far), hn::Add(centre, far)));
  }

  /// A parameter on its bound is left out of the next step as long as it is pushed outwards.
  void hold_within(FitParameter k, M active) {
    const D d;
    const V low = set(d, low_[k]), high = set(d, high_[k]), v = p_.get(k), g = shape_gradient(k);
    const V outwards = hn::Mul(g, p_.get(kFitFlux));
    const M below = hn::And(hn::Le(v, low), hn::Lt(outwards, hn::Zero(d)));
    const M above = hn::And(hn::Ge(v, high), hn::Gt(outwards, hn::Zero(d)));
    p_.put(k, clamp(v, low, high));
    pinned_.put(k, hn::IfThenElse(active, hn::IfThenElseZero(hn::Or(below, above), set(d, 1)), pinned_.get(k)));
  }

  /// Derivative by a parameter itself, whatever direction stands in its place.
  [[nodiscard]] V shape_gradient(FitParameter k) const {
    const bool turned = turned_ && k >= kFitWidth && k <= kFitE2;
    return turned ? plain_gradient_.get(k - kFitWidth) : sums_.gradient.get(k);
  }

  /// Keeps the minor axis at its bound or above, the major one as it is. An axis on the bound stays there as long as
  /// the merit falls with it, the other given: its derivative by ln b is g_width / 2 - g_e, by ln a g_width / 2 + g_e.
  void hold_minor(M active) {
    if (!elastic()) return;
    const D d;
    const V zero = hn::Zero(d), low = set(d, least_log_), half = set(d, 0.5), one = set(d, 1);
    const V e1 = p_.get(kFitE1), e2 = p_.get(kFitE2), width = p_.get(kFitWidth), size = stretch_size();
    const M below = hn::Le(hn::NegMulAdd(half, size, width), low), was = hn::Gt(narrow_.get(0), zero);
    if (hn::AllFalse(d, hn::Or(below, was))) return;
    const V major = hn::Max(hn::MulAdd(half, size, width), low);
    const V held_size =
        rules_.free_width ? hn::Sub(major, low) : hn::Max(zero, hn::Mul(set(d, 2), hn::Sub(width, low)));
    const V scale = hn::IfThenElseZero(hn::Gt(size, set(d, kRound)), hn::Div(held_size, size));
    V c = one, s = zero;
    point_stretch(shape_gradient(kFitE1), shape_gradient(kFitE2), c, s);
    const V flux = p_.get(kFitFlux), by_width = hn::Mul(half, hn::Mul(shape_gradient(kFitWidth), flux));
    const V by_size = hn::Mul(flux, hn::MulAdd(c, shape_gradient(kFitE1), hn::Mul(s, shape_gradient(kFitE2))));
    const M held = hn::And(below, hn::Gt(by_size, by_width)), move = hn::And(active, below);
    if (rules_.free_width) p_.put(kFitWidth, hn::IfThenElse(move, hn::Mul(half, hn::Add(major, low)), width));
    p_.put(kFitE1, hn::IfThenElse(move, hn::Mul(e1, scale), e1));
    p_.put(kFitE2, hn::IfThenElse(move, hn::Mul(e2, scale), e2));
    narrow_.put(0, hn::IfThenElse(active, hn::IfThenElseZero(held, one), narrow_.get(0)));
    const M point =
        hn::And(hn::And(active, held), hn::And(hn::Le(held_size, zero), hn::Le(hn::Add(by_size, by_width), zero)));
    if (rules_.free_width) pinned_.put(kFitWidth, hn::IfThenElse(point, one, pinned_.get(kFitWidth)));
    const M released = hn::And(active, hn::AndNot(held, was));
    pinned_.put(kFitE1, hn::IfThenElse(released, zero, pinned_.get(kFitE1)));
    pinned_.put(kFitE2, hn::IfThenElse(released, zero, pinned_.get(kFitE2)));
  }

  void hold_stretch(M active) {
    if (rules_.stretch == StretchFreedom::held) return;
    const D d;
    const V e1 = p_.get(kFitE1), e2 = p_.get(kFitE2), size = stretch_size();
    V scale = hn::Div(set(d, fit_rule::kMaxStretch), hn::Max(size, set(d, fit_rule::kMaxStretch)));
    if (rules_.stretch == StretchFreedom::turned) {
      scale = hn::Div(set(d, std::hypot(rules_.e1, rules_.e2)), hn::Max(size, set(d, 1e-6)));
    }
    p_.put(kFitE1, hn::IfThenElse(active, hn::Mul(e1, scale), e1));
    p_.put(kFitE2, hn::IfThenElse(active, hn::Mul(e2, scale), e2));
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

  Square<D> square_;
  const FitRules& rules_;
  Model model_;
  std::size_t n_ = 0;
  std::array<FitParameter, kFitSize> free_{};
  double least_log_ = std::log(fit_rule::kMinFwhm);
  std::array<double, kFitSize> low_{}, high_{};
  Parameters<D> p_, step_, gradient_, pinned_, column_;
  FitSums<D> sums_;
  Row<D> light_;
  Table<D, kTriangle> h_;
  Factors<D, kFitSize> factors_;
  Table<D, kFitSize * kFitSize> inverse_;
  Table<D, 1> per_gain_, near_, singular_, converged_, iterations_, narrow_;
  Table<D, 9> direction_;
  Table<D, 3> plain_gradient_;
  Parameters<D> moved_;
  Table<D, 1> slope_, share_, was_whole_;
  bool turned_ = false;
};

template <class D, class Model>
HWY_NOINLINE void fit_model(
    const StarBlock& block, std::size_t lane, const FitRules& rules, const Model& model, FitOutput<D>& out) {
  FitKernel<D, Model> kernel(block, lane, rules, model);
  if constexpr (std::is_same_v<Real<D>, float>) {
    kernel.run();
  } else {
    kernel.run_damped();
  }
  kernel.finish(out);
}

template <class D, bool kCircle>
void fit_elliptical(const StarBlock& block, std::size_t lane, const FitRules& rules, FitOutput<D>& out) {
  const auto fit = [&]<class Radial>(Radial radial) {
    fit_model(block, lane, rules, EllipticalModel<D, Radial, kCircle>(rules, radial), out);
  };
  if (rules.profile == Profile::gaussian) return fit(GaussianRadial<D>());
  const double twice = 2 * rules.beta;
  if (!rules.free_beta && twice == std::floor(twice)) return fit(HalfMoffatRadial<D>(rules.beta));
  fit(MoffatRadial<D>());
}

template <class D>
void fit_any(const StarBlock& block, std::size_t lane, const FitRules& rules, FitOutput<D>& out) {
  if (rules.separable()) return fit_model(block, lane, rules, SeparableModel<D>(rules), out);
  const bool circle = rules.stretch == StretchFreedom::held && rules.e1 == 0 && rules.e2 == 0;
  circle ? fit_elliptical<D, true>(block, lane, rules, out) : fit_elliptical<D, false>(block, lane, rules, out);
}

inline void fit_lanes(const StarBlock& block, const FitRules& rules, FitOutput<FloatLanes>& out) {
  fit_any(block, 0, rules, out);
}
inline void fit_lane(const StarBlock& block, std::size_t lane, const FitRules& rules, FitOutput<DoubleLane>& out) {
  fit_any(block, lane, rules, out);
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
