// SPDX-License-Identifier: MIT
/// \file
/// Where the joint fit of a group stands, its unknowns, and its normal equations in them.

// clang-format off
#if defined(STARFLOW_GROUP_SUMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_GROUP_SUMS_INL
#undef STARFLOW_GROUP_SUMS_INL
#else
#define STARFLOW_GROUP_SUMS_INL
#endif
// clang-format on

#include "fit_sums-inl.hpp"
#include "group_fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

inline constexpr std::size_t kMostShapes = 4;
inline constexpr std::size_t kGroupUnknowns = 3 * GroupProblem::kMost + 1 + kMostShapes;
inline constexpr std::size_t kGroupTriangle = at(kGroupUnknowns - 1, kGroupUnknowns - 1) + 1;

/// Of each star, in this order; then come the level and the shape.
enum : std::size_t { kGroupX, kGroupY, kGroupFlux };

/// Where a group's fit stands.
struct GroupPoint {
  std::array<double, GroupProblem::kMost> x{}, y{}, flux{};
  double level = 0, width = 0, e1 = 0, e2 = 0, beta = 0;
};

/// A direction in which the shape that all stars share may change.
struct ShapeStep {
  double width = 0, e1 = 0, e2 = 0, beta = 0;
  /// As far as one step goes.
  [[nodiscard]] double most(const GroupPoint& p) const { return width > 0 ? 0.4 : beta > 0 ? 0.4 * p.beta : 0.5; }
};

/// What the equations of all models share.
class GroupSums {
 public:
  GroupSums(const FitRules& rules, std::size_t stars) : rules_(rules), size_(stars), level_(3 * stars) {}

  [[nodiscard]] std::size_t level() const { return level_; }
  [[nodiscard]] std::size_t shape(std::size_t k) const { return level_ + 1 + k; }
  [[nodiscard]] std::size_t shapes() const { return shapes_; }
  [[nodiscard]] const ShapeStep& direction(std::size_t k) const { return direction_[k]; }
  [[nodiscard]] double h(std::size_t i, std::size_t j) const { return h_[packed(i, j)]; }
  [[nodiscard]] double gradient(std::size_t i) const { return gradient_[i]; }

  /// Sets the directions of the shape as the rules leave them at \p p.
  void aim(const GroupPoint& p) {
    shapes_ = 0;
    if (rules_.free_width) direction_[shapes_++] = {1, 0, 0, 0};
    const double size = std::hypot(p.e1, p.e2), given = std::hypot(rules_.e1, rules_.e2);
    switch (rules_.stretch) {
      case StretchFreedom::held:
      case StretchFreedom::either_axis: break;
      case StretchFreedom::along_x: direction_[shapes_++] = {0, 1, 0, 0}; break;
      case StretchFreedom::along: direction_[shapes_++] = {0, rules_.e1 / given, rules_.e2 / given, 0}; break;
      case StretchFreedom::turned: direction_[shapes_++] = {0, -p.e2 / size, p.e1 / size, 0}; break;
      case StretchFreedom::free:
        direction_[shapes_++] = {0, 1, 0, 0};
        direction_[shapes_++] = {0, 0, 1, 0};
        break;
    }
    if (rules_.free_beta) direction_[shapes_++] = {0, 0, 0, 1};
  }

  /// How the merit curves along the positions of a star.
  struct Curve {
    double xx = 0, xy = 0, yy = 0;
  };
  /// What is left after the star, where it is not known 0: added to h() it makes that the curvature that the merit has
  /// in place of what is expected of it.
  [[nodiscard]] const Curve& excess(std::size_t star) const { return excess_[star]; }

  /// Adds that an unknown is expected \p by away from where it is, with this reciprocal variance.
  void pull(std::size_t i, double by, double per_variance) {
    h_[packed(i, i)] += per_variance;
    gradient_[i] += by * per_variance;
  }

 protected:
  void clear_sums() {
    const std::size_t n = level_ + 1 + shapes_;
    std::fill_n(h_.begin(), at(n, 0), 0.0);
    std::fill_n(gradient_.begin(), n, 0.0);
    chi2_ = 0;
  }

  const FitRules& rules_;
  std::size_t size_, level_, shapes_ = 0;
  std::array<ShapeStep, kMostShapes> direction_;
  std::array<double, kGroupTriangle> h_;
  std::array<double, kGroupUnknowns> gradient_;
  std::array<Curve, GroupProblem::kMost> excess_{};
  double chi2_ = 0;
};

/// Variance of a pixel with \p light in it, the sky's being \p v where it has its level, and \p level above that. Keeps
/// the sign of v and what is not to be read.
template <class D>
HWY_INLINE hn::Vec<D> lit_variance(hn::Vec<D> v, hn::Vec<D> light, hn::Vec<D> level, hn::Vec<D> per_gain) {
  constexpr double kLeast = 1e-3;  // of that of the sky
  const D d;
  const auto shot = hn::Add(hn::Max(light, hn::Zero(d)), level);
  return hn::IfNegativeThenElse(v, v, hn::Max(hn::MulAdd(shot, per_gain, v), hn::Mul(set(d, kLeast), v)));
}

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
