// SPDX-License-Identifier: MIT
/// \file
/// Steps of a group's fit that learn from those before.

// clang-format off
#if defined(STARFLOW_GROUP_STEPS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_GROUP_STEPS_INL
#undef STARFLOW_GROUP_STEPS_INL
#else
#define STARFLOW_GROUP_STEPS_INL
#endif
// clang-format on

#include "group_sums-inl.hpp"

#include <algorithm>
#include <array>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Where the data curve the merit more or less than its Fisher matrix says, as beside light that no star of the group
/// explains, scoring steps over its solution to and fro, or creeps. From how its steps changed along the last two moves
/// follows where they would be least. Source: D. G. Anderson 1965, J. ACM 12, 547; lengths are those of the Fisher
/// matrix.
class StepMemory {
 public:
  /// What follows is no continuation.
  void forget() { kept_ = 0, known_ = false; }

  /// Improves \p step, of \p n unknowns, at a point of this gradient.
  void improve(std::size_t n, double* step, const double* gradient) {
    const auto copy = [n](const double* from, Unknowns& to) { std::copy_n(from, n, to.begin()); };
    Unknowns plain;
    copy(step, plain);
    if (known_) {
      std::swap(change_[0], change_[1]);
      kept_ = std::min<std::size_t>(kept_ + 1, 2);
      Change& last = change_[0];
      for (std::size_t i = 0; i < n; ++i) {
        last.way[i] = moved_[i] + plain[i] - step_[i];
        last.step[i] = plain[i] - step_[i];
        last.gradient[i] = gradient[i] - gradient_[i];
      }
      take_out(n, step, gradient);
    }
    copy(plain.data(), step_);
    copy(gradient, gradient_);
    copy(step, moved_);
    known_ = true;
  }

 private:
  using Unknowns = std::array<double, kGroupUnknowns>;
  struct Change {
    Unknowns way, step, gradient;  // way: the move and what the step changed by
  };

  void take_out(std::size_t n, double* step, const double* gradient) const {
    constexpr double kMost = 3;         // as far as the past is believed
    constexpr double kParallel = 0.01;  // of the product of two lengths: they say the same
    const auto dot = [n](const Unknowns& a, const double* b) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
      return sum;
    };
    const auto of = [&](std::size_t i, std::size_t j) { return dot(change_[i].step, change_[j].gradient.data()); };
    const double a = of(0, 0), p = dot(change_[0].step, gradient);
    if (!(a > 0)) return;
    double first = p / a, second = 0;
    if (kept_ == 2) {
      const double b = 0.5 * (of(0, 1) + of(1, 0)), c = of(1, 1), q = dot(change_[1].step, gradient);
      const double determinant = a * c - b * b;
      if (c > 0 && determinant > kParallel * a * c) {
        first = (c * p - b * q) / determinant;
        second = (a * q - b * p) / determinant;
      }
    }
    first = std::clamp(first, -kMost, kMost);
    second = std::clamp(second, -kMost, kMost);
    for (std::size_t i = 0; i < n; ++i) step[i] -= first * change_[0].way[i] + second * change_[1].way[i];
  }

  std::array<Change, 2> change_{};  // the last first
  Unknowns step_, gradient_, moved_;
  std::size_t kept_ = 0;
  bool known_ = false;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
