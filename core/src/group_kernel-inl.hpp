// SPDX-License-Identifier: MIT
/// \file
/// The joint fit of a group of stars: normal equations of all positions, fluxes, the level and the shape they share.

// clang-format off
#if defined(STARFLOW_GROUP_KERNEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_GROUP_KERNEL_INL
#undef STARFLOW_GROUP_KERNEL_INL
#else
#define STARFLOW_GROUP_KERNEL_INL
#endif
// clang-format on

#include "group_equations-inl.hpp"
#include "group_steps-inl.hpp"

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Fits one group. Equations: GroupEquations or SeparableGroup.
template <class Equations>
class GroupKernel {
 public:
  /// \param profile  of the model's constructor, after the rules
  template <class... Profile>
  GroupKernel(const StarBlock& block,
              std::size_t lane,
              const FitRules& rules,
              const GroupProblem& problem,
              const Profile&... profile)
      : rules_(rules), problem_(problem), equations_(block, lane, rules, problem, profile...) {}

  /// Fills the fits of all members, whose terminations are those of the group, or moved_from_seed.
  void run(GroupFit& out) {
    start();
    Termination end = score();
    if (end != Termination::converged && !unfit()) {
      const int spent = iterations_;
      start();
      iterations_ = spent;
      end = descend();
    }
    if (end == Termination::converged && !covary()) end = Termination::singular;
    report(end, out);
  }

 private:
  static constexpr double kRounding = 1e-12, kStill = 1e-10, kRest = 1e-5;
  static constexpr int kScored = 24;  // rounds; what scoring leads to is there after five or so

  /// Whether a member shows that the group is better fitted without it.
  [[nodiscard]] bool unfit() const {
    for (std::size_t s = 0; s < problem_.size; ++s) {
      if (at_limit_[s] > 1 || !(point_.flux[s] > 0)) return true;
    }
    return false;
  }

  /// At the start positions, with the shape of the rules and the fluxes and the level that suit them best.
  void start() {
    iterations_ = 0;
    at_limit_.fill(0);
    pressed_ = 0;
    shape_held_ = false;
    point_ = {};
    for (std::size_t s = 0; s < problem_.size; ++s) {
      point_.x[s] = problem_.member[s].start_x;
      point_.y[s] = problem_.member[s].start_y;
    }
    point_.width = std::log(rules_.fwhm);
    point_.e1 = rules_.e1;
    point_.e2 = rules_.e2;
    point_.beta = rules_.beta;
    if (problem_.known) return resume();
    equations_.aim(point_);
    equations_.evaluate(point_, plain_weight(), true);
    list_unknowns([](std::size_t k) { return k == kGroupFlux; }, false);
    if (!factor(0)) return;
    solve_step();
    const double sigma = rules_.fwhm * kSigmaPerFwhm, least = std::numbers::pi * (sigma * sigma + kPixelVariance);
    for (std::size_t s = 0; s < problem_.size; ++s) point_.flux[s] = std::max(least, step(s, kGroupFlux));
    if (rules_.free_level) point_.level = step_.cell[equations_.level()];
  }

  /// At what is known.
  void resume() {
    for (std::size_t s = 0; s < problem_.size; ++s) point_.flux[s] = problem_.member[s].flux;
    point_.level = problem_.level;
    point_.width = problem_.width;
    point_.e1 = problem_.e1;
    point_.e2 = problem_.e2;
    point_.beta = problem_.beta;
    equations_.aim(point_);
  }

  [[nodiscard]] Weight plain_weight() const {
    return rules_.estimator == Estimator::mle ? Weight::model : Weight::equal;
  }

  [[nodiscard]] double step(std::size_t star, std::size_t k) const { return step_.cell[3 * star + k]; }

  /// Steps without a trial, first with the weights of the sky.
  Termination score() {
    bool settles = problem_.known;
    memory_.forget();
    for (int round = 0; round < kScored && iterations_ < rules_.max_iterations; ++round) {
      ++iterations_;
      equations_.evaluate(point_, plain_weight(), !settles);
      if (!settles) hold_near_list();
      list_all(settles);
      if (!(settles && factor_observed(0)) && !factor(0)) return Termination::singular;
      const double squared = solve_step();
      if (!std::isfinite(squared)) return Termination::nonfinite;
      if (settles) improve_step();
      const bool small = take_step();
      if (!whole_) memory_.forget();
      if (small && settles && rests(squared)) return Termination::converged;
      settles = settles || small || round > 3;
    }
    return Termination::max_iterations;
  }

  /// While the bright stars find their places, the list is believed to this: where a bright one is off, a faint one
  /// beside it would run away to make up for it.
  void hold_near_list() {
    const double believed = 0.1 * rules_.fwhm, per_variance = 1 / (believed * believed);
    for (std::size_t s = 0; s < problem_.size; ++s) {
      equations_.pull(3 * s + kGroupX, problem_.member[s].x - point_.x[s], per_variance);
      equations_.pull(3 * s + kGroupY, problem_.member[s].y - point_.y[s], per_variance);
    }
  }

  /// Steps that must lower the merit, damped until they do.
  Termination descend() {
    constexpr double kSlack = 1e-4;  // of the merit, 1/2 chi2: rounding, and that its weights take the level along
    constexpr double kLeastDamping = 1e-6, kFirstDamping = 1e-3, kTrusted = 0.01, kHopeless = 1e10;
    constexpr int kMost = 30;
    double damping = kFirstDamping;
    equations_.evaluate(point_, plain_weight(), false);
    double best = equations_.merit(point_);
    for (int round = 0; round < kMost && damping < kHopeless && iterations_ < rules_.max_iterations; ++round) {
      ++iterations_;
      list_all(true);
      if (!factor_observed(damping) && !factor(damping)) {
        damping *= 10;
        continue;
      }
      const GroupPoint before = point_;
      const double squared = solve_step();
      const bool small = take_step();
      if (small && damping <= kTrusted && rests(squared)) return Termination::converged;
      equations_.evaluate(point_, plain_weight(), false);
      const double now = equations_.merit(point_);
      if (now <= best + kSlack) {
        best = std::min(best, now);
        damping = std::max(0.1 * damping, kLeastDamping);
      } else {
        damping *= 10;
        point_ = before;
        equations_.evaluate(point_, plain_weight(), false);
      }
    }
    return iterations_ < rules_.max_iterations ? Termination::stalled : Termination::max_iterations;
  }

  /// Less than a third of a hundredth of the error, or than the last digits of the light.
  [[nodiscard]] bool rests(double squared) const {
    double digits = 0;
    for (std::size_t s = 0; s < problem_.size; ++s) {
      const std::size_t k = 3 * s + kGroupFlux;
      digits += point_.flux[s] * point_.flux[s] * equations_.h(k, k);
    }
    return squared < std::max(kRest, kStill * kStill * digits);
  }

  /// \param shape  it is left out as long as positions and fluxes are far off: it would make up for them
  void list_all(bool shape) {
    list_unknowns([](std::size_t) { return true; }, shape);
  }

  /// Numbers what the next step may change. \param of_star  which of x, y and flux
  template <class OfStar>
  void list_unknowns(const OfStar& of_star, bool shape) {
    n_ = 0;
    for (std::size_t s = 0; s < problem_.size; ++s) {
      for (std::size_t k = 0; k < 3; ++k) {
        if (of_star(k)) unknown_[n_++] = 3 * s + k;
      }
    }
    if (rules_.free_level) unknown_[n_++] = equations_.level();
    for (std::size_t k = 0; shape && !shape_held_ && k < equations_.shapes(); ++k) unknown_[n_++] = equations_.shape(k);
  }

  bool factor(double damping) {
    fill_system();
    return damp_and_factor(damping);
  }

  /// With the curvature that the merit has along the positions: beside light that no star explains a faint one would
  /// step over its place to and fro.
  bool factor_observed(double damping) {
    constexpr double kLeast = -0.5;  // of what is expected: a step that this doubles
    fill_system();
    for (std::size_t s = 0; s < problem_.size; ++s) {
      const std::size_t x = 3 * s, y = x + 1;
      const auto excess = equations_.excess(s);
      double &xx = system_.cell[at(x, x)], &xy = system_.cell[at(y, x)], &yy = system_.cell[at(y, y)];
      xx += std::max(excess.xx, kLeast * xx);
      yy += std::max(excess.yy, kLeast * yy);
      xy += excess.xy;
    }
    return damp_and_factor(damping);
  }

  void fill_system() {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j <= i; ++j) system_.cell[at(i, j)] = equations_.h(unknown_[i], unknown_[j]);
    }
  }

  bool damp_and_factor(double damping) {
    for (std::size_t i = 0; i < n_; ++i) system_.cell[at(i, i)] *= 1 + damping;
    return hn::AllTrue(DoubleLane(), factors_.factor(system_, n_, kRounding));
  }

  /// \return the square of the step in units of its own error
  double solve_step() {
    for (std::size_t i = 0; i < n_; ++i) column_.cell[i] = equations_.gradient(unknown_[i]);
    factors_.solve(n_, column_);
    step_.clear();
    double squared = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      step_.cell[unknown_[i]] = column_.cell[i];
      squared += column_.cell[i] * equations_.gradient(unknown_[i]);
    }
    return squared;
  }

  /// Learns from the steps before.
  void improve_step() {
    Unknowns gradient;
    for (std::size_t i = 0; i < n_; ++i) gradient[i] = equations_.gradient(unknown_[i]);
    memory_.improve(n_, column_.cell, gradient.data());
    for (std::size_t i = 0; i < n_; ++i) step_.cell[unknown_[i]] = column_.cell[i];
  }

  /// Moves every parameter within its reach and its bounds. \return whether nothing cut a step and all positions moved
  /// little
  bool take_step() {
    bool whole = true, limited = false;
    const auto within = [&](double by, double most) {
      whole = whole && std::abs(by) <= most;
      return std::clamp(by, -most, most);
    };
    const double reach = 0.3 * rules_.fwhm + 0.2;
    double moved2 = 0;
    for (std::size_t s = 0; s < problem_.size; ++s) {
      const GroupProblem::Member& m = problem_.member[s];
      const double dx = point_.x[s] + within(step(s, kGroupX), reach) - m.x;
      const double dy = point_.y[s] + within(step(s, kGroupY), reach) - m.y;
      const double r = std::hypot(dx, dy), part = r > m.limit ? m.limit / r : 1;
      limited = limited || part < 1;
      at_limit_[s] = part < 1 ? at_limit_[s] + 1 : 0;
      const double x = m.x + part * dx, y = m.y + part * dy;
      moved2 = std::max(moved2, (x - point_.x[s]) * (x - point_.x[s]) + (y - point_.y[s]) * (y - point_.y[s]));
      point_.x[s] = x;
      point_.y[s] = y;
      point_.flux[s] += step(s, kGroupFlux);
    }
    if (rules_.free_level) point_.level += step_.cell[equations_.level()];
    for (std::size_t k = 0; k < equations_.shapes(); ++k) {
      const ShapeStep& d = equations_.direction(k);
      const double by = within(step_.cell[equations_.shape(k)], d.most(point_));
      point_.width += d.width * by;
      point_.e1 += d.e1 * by;
      point_.e2 += d.e2 * by;
      point_.beta += d.beta * by;
    }
    const bool bound = hold_shape();
    pressed_ = bound ? pressed_ + 1 : 0;
    if (pressed_ > 2) shape_held_ = true;  // pressed against its bound; the rest is found with it there
    equations_.aim(point_);
    whole = whole && (!bound || shape_held_);
    whole_ = whole && !limited;
    return whole && moved2 < fit_rule::kCoarseStep * fit_rule::kCoarseStep;
  }

  /// Keeps the shape within its bounds. \return whether it was beyond one
  bool hold_shape() {
    const double size = std::hypot(point_.e1, point_.e2);
    double wanted = size;
    if (rules_.stretch == StretchFreedom::turned) wanted = std::hypot(rules_.e1, rules_.e2);
    if (rules_.stretch == StretchFreedom::along && point_.e1 * rules_.e1 + point_.e2 * rules_.e2 < 0) wanted = 0;
    wanted = std::min(wanted, fit_rule::kMaxStretch);
    if (size > 0) {
      point_.e1 *= wanted / size;
      point_.e2 *= wanted / size;
    }
    const double low = std::log(fit_rule::kMinFwhm) + 0.5 * wanted;
    const double high = std::log(fit_rule::kMaxFwhmRadii * rules_.radius);
    const double width = rules_.free_width ? std::clamp(point_.width, low, std::max(low, high)) : point_.width;
    const double least_beta = std::min(fit_rule::kMinBeta, rules_.beta);
    const double beta = rules_.free_beta ? std::clamp(point_.beta, least_beta, fit_rule::kMaxBeta) : point_.beta;
    narrow_ = width > point_.width;
    beta_at_bound_ = beta != point_.beta;
    wide_ = width < point_.width || (wanted < size && rules_.stretch != StretchFreedom::turned);
    const bool bound = narrow_ || wide_ || beta_at_bound_;
    if (shape_held_) return bound_ = bound_ || bound;
    point_.width = width;
    point_.beta = beta;
    return bound_ = bound;
  }

  /// The inverse at the solution, with everything free that the rules leave free: a bound that stopped the shape says
  /// little of where it is. Where the pixels do not tell the shape at all it stays held.
  bool covary() {
    const bool equal = rules_.estimator == Estimator::least_squares;
    equations_.evaluate(point_, plain_weight(), false);
    const bool held = shape_held_;
    shape_held_ = false;
    list_all(true);
    if (!factor(0)) {
      shape_held_ = held;
      list_all(true);
      if (!held || !factor(0)) return false;
    }
    shape_held_ = held;
    for (std::size_t i = 0; i < n_; ++i) {
      column_.clear(n_);
      column_.cell[i] = 1;
      factors_.solve(n_, column_);
      for (std::size_t k = 0; k < n_; ++k) inverse_[i * kGroupUnknowns + k] = column_.cell[k];
    }
    sandwich_ = equal;
    if (equal) equations_.evaluate(point_, Weight::spread, false);
    return true;
  }

  /// Of the unknowns with these numbers in the system.
  [[nodiscard]] double covariance(std::size_t i, std::size_t j) const {
    if (!sandwich_) return inverse_[i * kGroupUnknowns + j];
    double out = 0;
    for (std::size_t k = 0; k < n_; ++k) {
      double line = 0;
      for (std::size_t l = 0; l < n_; ++l)
        line += equations_.h(unknown_[k], unknown_[l]) * inverse_[j * kGroupUnknowns + l];
      out += inverse_[i * kGroupUnknowns + k] * line;
    }
    return out;
  }

  void report(Termination end, GroupFit& out) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    Fit common;
    common.value[kFitLevel] = point_.level;
    common.value[kFitWidth] = point_.width;
    common.value[kFitE1] = point_.e1;
    common.value[kFitE2] = point_.e2;
    common.value[kFitBeta] = point_.beta;
    common.variance.fill(kNone);
    common.iterations = iterations_;
    common.narrow = narrow_ && shape_held_;
    common.beta_at_bound = beta_at_bound_ && shape_held_;
    const bool good = end == Termination::converged;
    if (good) {
      equations_.tally(point_, common);
      for (std::size_t i = 3 * problem_.size; i < n_; ++i) {
        const std::size_t k = unknown_[i];
        if (k == equations_.level()) common.variance[kFitLevel] = covariance(i, i);
        if (k == equations_.level()) continue;
        const ShapeStep& d = equations_.direction(k - equations_.shape(0));
        if (d.width > 0) common.variance[kFitWidth] = covariance(i, i);
        if (d.beta > 0) common.variance[kFitBeta] = covariance(i, i);
      }
      if (wide_ && shape_held_) end = Termination::at_bound;
    }
    out.parameters = static_cast<int>(3 * problem_.size + (rules_.free_level ? 1 : 0) + equations_.shapes());
    for (std::size_t s = 0; s < problem_.size; ++s) {
      Fit& fit = out.star[s] = common;
      fit.value[kFitX] = point_.x[s];
      fit.value[kFitY] = point_.y[s];
      fit.value[kFitFlux] = point_.flux[s];
      fit.termination = at_limit_[s] > 1 ? Termination::moved_from_seed : end;
      if (!good) continue;
      for (std::size_t k = 0; k < 3; ++k) fit.variance[k] = covariance(3 * s + k, 3 * s + k);
      fit.cov_xy = covariance(3 * s, 3 * s + 1);
    }
  }

  const FitRules& rules_;
  const GroupProblem& problem_;
  Equations equations_;
  GroupPoint point_;
  using Unknowns = std::array<double, kGroupUnknowns>;
  StepMemory memory_;
  bool whole_ = true;
  int iterations_ = 0, pressed_ = 0;
  std::array<int, GroupProblem::kMost> at_limit_{};
  bool shape_held_ = false, bound_ = false, narrow_ = false, wide_ = false, beta_at_bound_ = false, sandwich_ = false;
  std::size_t n_ = 0;
  std::array<std::size_t, kGroupUnknowns> unknown_{};
  Table<DoubleLane, kGroupTriangle> system_;
  Factors<DoubleLane, kGroupUnknowns> factors_;
  Table<DoubleLane, kGroupUnknowns> column_, step_;
  std::array<double, kGroupUnknowns * kGroupUnknowns> inverse_;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
