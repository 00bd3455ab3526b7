// SPDX-License-Identifier: MIT
/// \file
/// How lopsided the light is that a model of a star leaves over, compiled for each instruction set.

// clang-format off
#if defined(STARFLOW_STAMP_SKEW_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_STAMP_SKEW_INL
#undef STARFLOW_STAMP_SKEW_INL
#else
#define STARFLOW_STAMP_SKEW_INL
#endif
// clang-format on

#include "fit_sums-inl.hpp"
#include "units.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Third moments of the residuals in a Gaussian window. An optic's profile looks the same from two opposite sides,
/// whatever its wings, its width and its axes: a model that misses it leaves nothing here. A neighbour, a cosmic ray or
/// a hot pixel lies on one side: at 0.8 to 2.4 FWHM each counts with 0.8 to 1.2 of its light. Along one direction,
/// u (u^2 + v^2 - c), c such that a star a little off its place leaves nothing; and along three,
/// u (u^2 - 3 v^2). Of missing pixels those across the star are left out too. These are the shapelets of third order
/// (A. Refregier 2003, MNRAS 338, 35).
template <class D>
class StampSkew {
 public:
  using V = hn::Vec<D>;

  /// About (x, y) in every lane, for stars of \p fwhm block px.
  StampSkew(const Square<D>& square, V x, V y, double fwhm) : square_(square), radius_(square.radius()) {
    const D d;
    x_.put(0, x);
    y_.put(0, y);
    per_width_ = 1 / (kWindow * kSigmaPerFwhm * fwhm);
    sum_.clear();
    variance_.clear();
    weight_.clear();
    lost_.clear();
    whole_ = hn::AllTrue(d, square.clean());
    const auto twice = [d](V v) HWY_ATTR {
      const V both = hn::Add(v, v);
      return hn::IfThenElseZero(hn::Lt(hn::Abs(both), set(d, 4 * StarBlock::kMaxRadius)), hn::Round(both));
    };
    Table<D, 1> across_x, across_y;
    across_x.put(0, twice(x));
    across_y.put(0, twice(y));
    for (std::size_t l = 0; l < hn::Lanes(d); ++l) {
      twice_x_[l] = static_cast<int>(across_x.cell[l]);
      twice_y_[l] = static_cast<int>(across_y.cell[l]);
    }
    for (std::size_t i = 0; i < square.side(); ++i) {
      const V u = offset(i, x);
      column_.put(i, hn::Exp(d, hn::Mul(set(d, -0.5), hn::Mul(u, u))));
    }
  }

  /// Adds row \p j of residuals about \p light and \p level.
  void add_row(std::size_t j, const Row<D>& light, V level, V per_gain) {
    const D d;
    const PixelRow<D> row = square_.row(j);
    const V v = offset(j, y_.get(0)), vv = hn::Mul(v, v), window = hn::Exp(d, hn::Mul(set(d, -0.5), vv));
    for (std::size_t i = 0; i < square_.side(); ++i) {
      const V u = offset(i, x_.get(0)), uu = hn::Mul(u, u);
      V w = hn::Mul(window, column_.get(i));
      weight_.add(0, w);
      if (!whole_) {
        const auto pair = in_pair(i, j);
        lost_.add(0, hn::IfThenZeroElse(pair, w));
        w = hn::IfThenElseZero(pair, w);
      }
      const V m = light.get(i), z = hn::Sub(hn::Sub(row.value(i), m), level);
      const V noise = hn::MulAdd(hn::Max(m, hn::Zero(d)), per_gain, row.variance(i));
      const V one = hn::Mul(w, hn::Sub(hn::Add(uu, vv), set(d, kCentred)));
      const V three = set(d, 3);
      add(0, hn::Mul(one, u), z, noise);
      add(1, hn::Mul(one, v), z, noise);
      add(2, hn::Mul(hn::Mul(w, u), hn::NegMulAdd(three, vv, uu)), z, noise);
      add(3, hn::Mul(hn::Mul(w, v), hn::MulSub(three, uu, vv)), z, noise);
    }
  }

  /// Of the larger moment of those that are above kSeen of their errors, in parts of \p flux; else 0.
  [[nodiscard]] V share(V flux) const {
    const D d;
    V most = hn::Zero(d);
    for (std::size_t k = 0; k < 4; k += 2) {
      const V a = sum_.get(k), b = sum_.get(k + 1), squared = hn::MulAdd(a, a, hn::Mul(b, b));
      const V noise = hn::Mul(set(d, 0.5), hn::Add(variance_.get(k), variance_.get(k + 1)));
      const auto seen = hn::Gt(squared, hn::Mul(set(d, kSeen * kSeen), noise));
      most = hn::Max(most, hn::IfThenElseZero(seen, squared));
    }
    const auto known = hn::Le(lost_.get(0), hn::Mul(set(d, kMostLost), weight_.get(0)));
    return hn::IfThenElseZero(known, hn::Div(hn::Sqrt(most), hn::Max(flux, set(d, 1e-20))));
  }

 private:
  static constexpr double kMostLost = 0.25;  // of the window: with more gone the fit itself leans
  static constexpr double kSeen = 5;
  static constexpr double kWindow = 2;                             // 1 sigma, in those of the star
  static constexpr double kCentred = 4 / (1 + kWindow * kWindow);  // 4 <u^2> under star times window

  [[nodiscard]] HWY_INLINE V offset(std::size_t i, V at) const {
    const D d;
    const V pixel = set(d, static_cast<double>(static_cast<int>(i) - radius_));
    return hn::Mul(hn::Sub(pixel, at), set(d, per_width_));
  }

  /// Lanes in which a pixel counts and so does the one across the star: without it, light that is the same on both
  /// sides would look like light on one.
  [[nodiscard]] hn::Mask<D> in_pair(std::size_t i, std::size_t j) const {
    std::array<int, StarBlock::kMaxLanes> columns{}, rows{};
    for (std::size_t l = 0; l < hn::Lanes(D()); ++l) {
      columns[l] = twice_x_[l] - (static_cast<int>(i) - radius_);
      rows[l] = twice_y_[l] - (static_cast<int>(j) - radius_);
    }
    const auto both = hn::And(counts<D>(square_.row(j).variance(i)), counts<D>(square_.variance_at(columns, rows)));
    return hn::Or(square_.clean(), both);
  }

  HWY_INLINE void add(std::size_t k, V weight, V value, V noise) {
    sum_.put(k, hn::MulAdd(weight, value, sum_.get(k)));
    variance_.put(k, hn::MulAdd(hn::Mul(weight, weight), noise, variance_.get(k)));
  }

  const Square<D>& square_;
  int radius_;
  bool whole_;  // no pixel is missing in any lane
  double per_width_;
  std::array<int, StarBlock::kMaxLanes> twice_x_{}, twice_y_{};
  Row<D> column_;
  Table<D, 4> sum_, variance_;
  Table<D, 1> x_, y_, weight_, lost_;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
