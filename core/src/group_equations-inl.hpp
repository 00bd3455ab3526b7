// SPDX-License-Identifier: MIT
/// \file
/// The normal equations and the merit of a group of stars at given parameters.

// clang-format off
#if defined(STARFLOW_GROUP_EQUATIONS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_GROUP_EQUATIONS_INL
#undef STARFLOW_GROUP_EQUATIONS_INL
#else
#define STARFLOW_GROUP_EQUATIONS_INL
#endif
// clang-format on

#include "group_sums-inl.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// The square of a group under the model of one star.
template <class Model>
class GroupEquations : public GroupSums {
 public:
  using D = DoubleLane;

  /// \param profile  of the model's constructor, after the rules
  template <class... Profile>
  GroupEquations(const StarBlock& block,
                 std::size_t lane,
                 const FitRules& rules,
                 const GroupProblem& problem,
                 const Profile&... profile)
      : GroupSums(rules, problem.size),
        square_(block, lane, problem.radius),
        reach_(model_reach(rules)),
        per_gain_(static_cast<double>(block.per_gain[lane])) {
    for (std::size_t s = 0; s < size_; ++s) {
      model_[s].emplace(rules, profile...);
      middle_x_[s] = static_cast<int>(std::lround(problem.member[s].x));
      middle_y_[s] = static_cast<int>(std::lround(problem.member[s].y));
    }
    for (auto& column : column_) column.fill(0);
    column_[level_].fill(1);
  }

  /// Sums of the normal equations. \param plain  the stars' own light adds nothing to the variance
  void evaluate(const GroupPoint& p, Weight weight, bool plain) {
    prepare(p);
    clear_sums();
    const double per_gain = plain ? 0.0 : per_gain_;
    for (int j = -square_.radius(); j <= square_.radius(); ++j) {
      fill_row(p, j);
      weigh_row(j + square_.radius(), p.level, weight, per_gain);
      add_row();
    }
  }

  /// What the parameters at the solution make least.
  [[nodiscard]] double merit(const GroupPoint& p) {
    const D d;
    const Weight weight = rules_.estimator == Estimator::mle ? Weight::model : Weight::equal;
    prepare(p);
    auto sum = hn::Zero(d);
    for (int j = -square_.radius(); j <= square_.radius(); ++j) {
      fill_row(p, j);
      const auto row = static_cast<std::size_t>(j + square_.radius());
      sum = hn::Add(sum, row_merit(square_, row, weight, light_, set(d, p.level), set(d, per_gain_)));
    }
    return hn::GetLane(sum);
  }

  /// chi2 of the last sums, and the residuals at \p p where that asks for a second look.
  void tally(const GroupPoint& p, Fit& fit) {
    constexpr double kSuspect = 2;  // chi2 a pixel
    FitSums<D> sums;
    sums.residual.clear();
    sums.light.clear();
    double pixels = 0;
    prepare(p);
    for (int j = -square_.radius(); j <= square_.radius(); ++j) {
      fill_row(p, j);
      const auto row = static_cast<std::size_t>(j + square_.radius());
      tally_row(square_, row, light_, set(D(), p.level), sums);
      for (std::size_t i = 0; i < square_.side(); ++i)
        pixels += hn::AllTrue(D(), counts<D>(square_.row(row).variance(i))) ? 1 : 0;
    }
    fit.chi2 = chi2_;
    fit.residual_fraction = chi2_ > kSuspect * pixels ? sums.residual.cell[0] / sums.light.cell[0] : 0.0;
  }

 private:
  using Wide = hn::ScalableTag<double>;  // pixels of a row
  using Line = std::array<double, (kSide + 15) / 8 * 8>;

  void prepare(const GroupPoint& p) {
    Parameters<D> q;
    q.clear();
    q.cell[kFitFlux] = 1;
    q.cell[kFitWidth] = p.width;
    q.cell[kFitE1] = p.e1;
    q.cell[kFitE2] = p.e2;
    q.cell[kFitBeta] = p.beta;
    for (std::size_t s = 0; s < size_; ++s) {
      q.cell[kFitX] = p.x[s] - middle_x_[s];
      q.cell[kFitY] = p.y[s] - middle_y_[s];
      model_[s]->prepare(q, reach_);
      model_[s]->prepare_derivatives();
    }
  }

  /// The light and the columns of row \p j, counted from the middle.
  void fill_row(const GroupPoint& p, int j) {
    const std::size_t side = square_.side();
    std::fill_n(light_.cell, side, 0.0);
    for (std::size_t k = 0; k < shapes_; ++k) std::fill_n(column_[shape(k)].begin(), side, 0.0);
    used_ = 0;
    for (std::size_t s = 0; s < size_; ++s) {
      const int row = j - middle_y_[s] + reach_, shift = middle_x_[s] - reach_ + square_.radius();
      if (row < 0 || row > 2 * reach_) continue;
      model_[s]->derivatives(static_cast<std::size_t>(row), static_cast<std::size_t>(2 * reach_ + 1), by_);
      const int first = std::max(0, shift), last = std::min(static_cast<int>(side), shift + 2 * reach_ + 1);
      for (std::size_t k = 0; k < 3; ++k) {
        std::fill_n(column_[3 * s + k].begin(), side, 0.0);
        used_column_[used_++] = 3 * s + k;
      }
      const double flux = p.flux[s];
      for (int i = first; i < last; ++i) {
        const auto to = static_cast<std::size_t>(i), from = static_cast<std::size_t>(i - shift);
        const double light = by_[kFitFlux].cell[from];
        light_.cell[to] += flux * light;
        column_[3 * s + kGroupX][to] = flux * by_[kFitX].cell[from];
        column_[3 * s + kGroupY][to] = flux * by_[kFitY].cell[from];
        column_[3 * s + kGroupFlux][to] = light;
        for (std::size_t k = 0; k < shapes_; ++k) {
          const ShapeStep& d = direction_[k];
          column_[shape(k)][to] += flux * (d.width * by_[kFitWidth].cell[from] + d.e1 * by_[kFitE1].cell[from] +
                                           d.e2 * by_[kFitE2].cell[from] + d.beta * by_[kFitBeta].cell[from]);
        }
      }
    }
    used_column_[used_++] = level_;
    for (std::size_t k = 0; k < shapes_; ++k) used_column_[used_++] = shape(k);
  }

  void weigh_row(int j, double level, Weight weight, double per_gain) {
    const D d;
    const PixelRow<D> row = square_.row(static_cast<std::size_t>(j));
    auto chi2 = hn::Zero(d);
    visit_weight(weight, false, [&](auto kind, auto) HWY_ATTR {
      for (std::size_t i = 0; i < square_.side(); ++i) {
        const auto m = light_.get(i), z = hn::Sub(hn::Sub(row.value(i), m), set(d, level));
        const auto v = lit_variance<D>(row.variance(i), m, set(d, level), set(d, per_gain));
        const auto w = weigh<D, kind(), false>(v, m, z, hn::Zero(d), chi2);
        weight_[i] = hn::GetLane(w);
        residual_[i] = hn::GetLane(hn::Mul(w, z));
      }
    });
    chi2_ += hn::GetLane(chi2);
  }

  /// Columns are 0 beyond the row, so that whole vectors can be summed.
  void add_row() {
    const Wide wide;
    const std::size_t side = square_.side(), step = hn::Lanes(wide);
    for (std::size_t i = side; i < side + step; ++i) weight_[i] = residual_[i] = 0;
    for (std::size_t a = 0; a < used_; ++a) {
      const std::size_t p = used_column_[a];
      auto sum = hn::Zero(wide);
      for (std::size_t i = 0; i < side; i += step) {
        const auto c = hn::LoadU(wide, &column_[p][i]);
        hn::StoreU(hn::Mul(hn::LoadU(wide, &weight_[i]), c), wide, &weighted_[i]);
        sum = hn::MulAdd(hn::LoadU(wide, &residual_[i]), c, sum);
      }
      gradient_[p] += hn::GetLane(hn::SumOfLanes(wide, sum));
      for (std::size_t b = 0; b <= a; ++b) {
        const std::size_t q = used_column_[b];
        auto product = hn::Zero(wide);
        for (std::size_t i = 0; i < side; i += step)
          product = hn::MulAdd(hn::LoadU(wide, &weighted_[i]), hn::LoadU(wide, &column_[q][i]), product);
        h_[packed(p, q)] += hn::GetLane(hn::SumOfLanes(wide, product));
      }
    }
  }

  const Square<D> square_;
  int reach_;
  double per_gain_;
  std::array<std::optional<Model>, GroupProblem::kMost> model_;
  std::array<int, GroupProblem::kMost> middle_x_{}, middle_y_{};  // of the pixel that a model counts from
  std::array<Row<D>, kFitSize> by_;
  Row<D> light_;
  std::array<Line, kGroupUnknowns> column_;
  Line weight_, residual_, weighted_;
  std::array<std::size_t, kGroupUnknowns> used_column_{};
  std::size_t used_ = 0;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
