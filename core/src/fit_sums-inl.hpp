// SPDX-License-Identifier: MIT
/// \file
/// What the fitted models share: the pixels of the fitted square, their weights, and the sums of the normal equations.

// clang-format off
#if defined(STARFLOW_FIT_SUMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_FIT_SUMS_INL
#undef STARFLOW_FIT_SUMS_INL
#else
#define STARFLOW_FIT_SUMS_INL
#endif
// clang-format on

#include "fit.hpp"
#include "normal_lanes-inl.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// A fit that is repeated in double holds one star.
using DoubleLane = hn::CappedTag<double, 1>;

inline constexpr std::size_t kSide = StarBlock::kMaxSide;
inline constexpr std::size_t kTriangle = at(kFitSize - 1, kFitSize - 1) + 1;

template <class D>
using Parameters = Table<D, kFitSize>;  // in the order of FitParameter
template <class D>
using Row = Table<D, kSide>;

/// Pixels of one row of a block.
template <class D>
struct PixelRow {
  const float* values;
  const float* variances;
  std::size_t stride;

  [[nodiscard]] HWY_INLINE hn::Vec<D> value(std::size_t i) const { return load(values, i); }
  [[nodiscard]] HWY_INLINE hn::Vec<D> variance(std::size_t i) const { return load(variances, i); }

 private:
  [[nodiscard]] HWY_INLINE hn::Vec<D> load(const float* data, std::size_t i) const {
    if constexpr (std::is_same_v<Real<D>, float>) {
      return hn::Load(D(), data + i * hn::Lanes(D()));
    } else {
      return hn::Set(D(), static_cast<double>(data[i * stride]));
    }
  }
};

/// The fitted square of a block.
template <class D>
class Square {
 public:
  Square(const StarBlock& block, std::size_t lane, int radius)
      : block_(block),
        first_(static_cast<std::size_t>(block.radius - radius) * (block.side() + 1)),
        lane_(lane),
        radius_(radius) {}

  [[nodiscard]] std::size_t side() const { return static_cast<std::size_t>(2 * radius_ + 1); }
  [[nodiscard]] int radius() const { return radius_; }
  [[nodiscard]] HWY_INLINE PixelRow<D> row(std::size_t j) const {
    const std::size_t k = (first_ + j * block_.side()) * block_.lanes + lane_;
    return {&block_.value[k], &block_.variance[k], block_.lanes};
  }
  /// Variance of the pixel of another column and row, counted from the central one, in each lane; kOutside beyond.
  [[nodiscard]] hn::Vec<D> variance_at(const std::array<int, StarBlock::kMaxLanes>& columns,
                                       const std::array<int, StarBlock::kMaxLanes>& rows) const {
    Table<D, 1> out;
    for (std::size_t l = 0; l < hn::Lanes(D()); ++l) {
      const bool held = std::max(std::abs(columns[l]), std::abs(rows[l])) <= radius_;
      const auto i = static_cast<std::size_t>((held ? columns[l] : 0) + block_.radius);
      const auto j = static_cast<std::size_t>((held ? rows[l] : 0) + block_.radius);
      out.cell[l] = static_cast<Real<D>>(held ? block_.variance[block_.index(i, j, lane_ + l)] : StarBlock::kOutside);
    }
    return out.get(0);
  }
  [[nodiscard]] hn::Vec<D> start_x() const { return load(block_.x); }
  [[nodiscard]] hn::Vec<D> start_y() const { return load(block_.y); }
  [[nodiscard]] hn::Vec<D> shape(std::size_t quantity) const { return load(block_.shape[quantity]); }
  [[nodiscard]] hn::Vec<D> per_gain() const { return load(block_.per_gain); }
  [[nodiscard]] hn::Mask<D> clean() const {
    Table<D, 1> flag;
    for (std::size_t i = 0; i < hn::Lanes(D()); ++i) flag.cell[i] = static_cast<Real<D>>(block_.clean[lane_ + i]);
    return hn::Gt(flag.get(0), hn::Zero(D()));
  }

 private:
  [[nodiscard]] hn::Vec<D> load(const std::array<float, StarBlock::kMaxLanes>& lanes) const {
    if constexpr (std::is_same_v<Real<D>, float>) {
      return hn::Load(D(), lanes.data());
    } else {
      return hn::Set(D(), static_cast<double>(lanes[lane_]));
    }
  }
  const StarBlock& block_;
  std::size_t first_, lane_;  // lane_ is 0 of float lanes
  int radius_;
};

/// What a pixel weighs.
enum class Weight : std::uint8_t {
  model,  ///< 1 / (background variance + model / gain)
  equal,  ///< 1
  spread  ///< background variance + model / gain: the middle of the sandwich
};

/// Sums of the normal equations and of what the residuals tell.
template <class D>
struct FitSums {
  Table<D, kTriangle> h;
  Parameters<D> gradient;
  Table<D, 1> chi2, residual, light;

  void clear() {
    h.clear();
    gradient.clear();
    chi2.clear();
    residual.clear();
    light.clear();
  }
};

template <class D>
HWY_INLINE hn::Mask<D> counts(hn::Vec<D> variance) {
  const D d;
  return hn::And(hn::Gt(variance, hn::Zero(d)), hn::Lt(variance, set(d, StarBlock::kMissing)));
}

/// Weight and residual of a pixel of variance \p v and value \p z above the level, in which the star's light is \p m;
/// adds to chi2. \p per_gain  0 = the star's own light does not count. kClean: every lane's pixels count, and v is 1.
template <class D, Weight kWeight, bool kClean>
HWY_INLINE hn::Vec<D> weigh(hn::Vec<D> v, hn::Vec<D> m, hn::Vec<D> z, hn::Vec<D> per_gain, hn::Vec<D>& chi2) {
  const D d;
  const auto total = hn::MulAdd(hn::Max(m, hn::Zero(d)), per_gain, v);
  auto w = reciprocal(d, total);
  // A missing pixel's variance makes its weight nothing beside any other; a saturated one's is negative.
  if constexpr (!kClean) w = hn::IfNegativeThenElse(v, hn::Zero(d), w);
  chi2 = hn::MulAdd(hn::Mul(w, z), z, chi2);
  if constexpr (kWeight == Weight::equal) return kClean ? set(d, 1) : hn::IfThenElseZero(counts<D>(v), set(d, 1));
  if constexpr (kWeight == Weight::spread) return kClean ? total : hn::IfThenElseZero(counts<D>(v), total);
  return w;
}

/// Calls `visit` with the weight, and whether all pixels are clean, as constants.
template <class Visit>
HWY_INLINE void visit_weight(Weight weight, bool clean, Visit&& visit) {
  const auto with = [&](auto kind) HWY_ATTR { clean ? visit(kind, std::true_type()) : visit(kind, std::false_type()); };
  switch (weight) {
    case Weight::model: return with(std::integral_constant<Weight, Weight::model>());
    case Weight::equal: return with(std::integral_constant<Weight, Weight::equal>());
    case Weight::spread: return with(std::integral_constant<Weight, Weight::spread>());
  }
}

/// What the parameters at the solution make least, over row \p j: half of chi2, or -ln of the likelihood less a
/// constant. A pixel's count, shifted so that all of its variance is shot noise, is Poisson with that variance as mean.
template <class D>
HWY_INLINE hn::Vec<D> row_merit(
    const Square<D>& square, std::size_t j, Weight weight, const Row<D>& light, hn::Vec<D> level, hn::Vec<D> per_gain) {
  const D d;
  const auto shot = hn::Gt(per_gain, hn::Zero(d));
  const auto unit = hn::IfThenElse(shot, per_gain, set(d, 1));
  const PixelRow<D> row = square.row(j);
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < square.side(); ++i) {
    const auto v = row.variance(i), m = hn::Add(hn::Max(light.get(i), hn::Zero(d)), level);
    const auto z = hn::Sub(hn::Sub(row.value(i), light.get(i)), level);
    const auto squares = hn::Mul(set(d, 0.5), hn::Mul(z, z));
    const auto total = hn::Max(hn::MulAdd(m, per_gain, v), hn::Mul(set(d, 1e-3), v));
    const auto mean = hn::Div(total, hn::Mul(unit, unit)), count = hn::Add(mean, hn::Div(z, unit));
    const auto poisson = hn::NegMulAdd(count, hn::Log(d, mean), hn::Div(m, unit));
    auto merit = hn::IfThenElse(shot, poisson, hn::Div(squares, v));
    if (weight == Weight::equal) merit = squares;
    sum = hn::Add(sum, hn::IfThenElseZero(counts<D>(v), merit));
  }
  return sum;
}

/// chi2 of \p pixels from which a star is looked at twice: noise alone is above in one of a million.
constexpr double suspect_chi2(std::size_t pixels) {
  const auto n = static_cast<double>(pixels);
  return n + 5 * std::sqrt(2 * n);
}

/// Adds row \p j to the sums of |residual| and |light|.
template <class D>
HWY_INLINE void tally_row(
    const Square<D>& square, std::size_t j, const Row<D>& light, hn::Vec<D> level, FitSums<D>& sums) {
  const PixelRow<D> row = square.row(j);
  for (std::size_t i = 0; i < square.side(); ++i) {
    const auto m = light.get(i), z = hn::Sub(hn::Sub(row.value(i), m), level);
    const auto counted = counts<D>(row.variance(i));
    sums.residual.add(0, hn::IfThenElseZero(counted, hn::Abs(z)));
    sums.light.add(0, hn::IfThenElseZero(counted, hn::Abs(m)));
  }
}

/// What pixels hold whatever the model.
template <class D>
struct PixelSums {
  Table<D, 1> light;  ///< sum of |value|
  Table<D, 1> power;  ///< sum of its square over the sky's variance

  void clear() {
    light.clear();
    power.clear();
  }
  void add_row(const Square<D>& square, std::size_t j) {
    const PixelRow<D> row = square.row(j);
    for (std::size_t i = 0; i < square.side(); ++i) {
      const auto value = row.value(i), v = row.variance(i);
      const auto counted = counts<D>(v);
      light.add(0, hn::IfThenElseZero(counted, hn::Abs(value)));
      power.add(0, hn::IfThenElseZero(counted, hn::Div(hn::Mul(value, value), v)));
    }
  }
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
