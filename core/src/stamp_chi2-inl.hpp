// SPDX-License-Identifier: MIT
/// \file
/// How well a stamp is described by the round Gaussian that a centroid reports, compiled for each instruction set.

// clang-format off
#if defined(STARFLOW_STAMP_CHI2_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_STAMP_CHI2_INL
#undef STARFLOW_STAMP_CHI2_INL
#else
#define STARFLOW_STAMP_CHI2_INL
#endif
// clang-format on

#include "centroid_walk-inl.hpp"
#include "separable_model-inl.hpp"
#include "stamp_skew-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE::centroids {

/// The fits' chi2, of the Gaussian that has the position and the flux of the lanes and the mean of their widths: over
/// the same stamp, its pixels integrated, with the same weights 1 / (background variance + model / gain). Nothing was
/// minimised, so that it lies above the least one by what the centroid's errors are above the bound.
class StampChi2 {
 public:
  StampChi2(const StarBlock& block, const CentroidRules& rules, CentroidLanes& lanes)
      : square_(block, 0, rules.stamp_radius), fwhm_(rules.fwhm), lanes_(lanes) {}

  void run() {
    place();
    const V chi2 = whole();
    store(chi2, lanes_.chi2);
    store(num(0), lanes_.residual);
    store(num(0), lanes_.skew);
    const M suspect = suspects(chi2);
    if (!hn::AllFalse(d, suspect)) look_twice(suspect);
  }

  /// The skewness alone.
  void run_skew() {
    place();
    store(num(0), lanes_.skew);
    const M suspect = suspects(whole());
    if (hn::AllFalse(d, suspect)) return;
    look_twice(suspect);
    store(num(0), lanes_.residual);
  }

 private:
  void place() {
    const int radius = square_.radius();
    const V xx = load(lanes_.xx), yy = load(lanes_.yy), xy = load(lanes_.xy);
    const V own = hn::Sqrt(hn::Sqrt(hn::NegMulAdd(xy, xy, hn::Mul(xx, yy))));
    const V sigma = hn::IfThenElse(hn::Gt(own, num(0)), own, load(lanes_.sigma));  // false for NaN
    const V held =
        clamp(sigma, num(fit_rule::kMinFwhm * kSigmaPerFwhm), num(fit_rule::kMaxFwhmRadii * kSigmaPerFwhm * radius));
    x_.integrate<false>(load(lanes_.x), held, radius);
    y_.integrate<false>(load(lanes_.y), held, radius);
  }

  [[nodiscard]] V whole() const { return hn::AllTrue(d, square_.clean()) ? sum<true>() : sum<false>(); }

  [[nodiscard]] M suspects(V chi2) const { return hn::Gt(chi2, num(suspect_chi2(square_.side() * square_.side()))); }

  void look_twice(M suspect) {
    FitSums<D> sums;
    sums.residual.clear();
    sums.light.clear();
    StampSkew<D> skew(square_, load(lanes_.x), load(lanes_.y), fwhm_);
    Row<D> light;
    for (std::size_t j = 0; j < square_.side(); ++j) {
      const V row_flux = hn::Mul(load(lanes_.flux), y_.g.get(j));
      for (std::size_t i = 0; i < square_.side(); ++i) light.put(i, hn::Mul(row_flux, x_.g.get(i)));
      tally_row(square_, j, light, num(0), sums);
      skew.add_row(j, light, num(0), square_.per_gain());
    }
    // A window that its pixels do not tell the position of does not tell width and flux either.
    const M told = hn::And(suspect, hn::Eq(load(lanes_.aliased), num(0)));
    store(hn::IfThenElseZero(told, hn::Div(sums.residual.get(0), sums.light.get(0))), lanes_.residual);
    store(hn::IfThenElseZero(suspect, skew.share(load(lanes_.flux))), lanes_.skew);
  }

  template <bool kClean>
  [[nodiscard]] V sum() const {
    const V flux = load(lanes_.flux), per_gain = square_.per_gain();
    V total = num(0);
    for (std::size_t j = 0; j < square_.side(); ++j) {
      const PixelRow<D> row = square_.row(j);
      const V row_flux = hn::Mul(flux, y_.g.get(j));
      V chi2 = num(0);  // a sum a row: they need not wait for each other
      for (std::size_t i = 0; i < square_.side(); ++i) {
        const V m = hn::Mul(row_flux, x_.g.get(i)), v = kClean ? num(1) : row.variance(i);
        weigh<D, Weight::model, kClean>(v, m, hn::Sub(row.value(i), m), per_gain, chi2);
      }
      total = hn::Add(total, chi2);
    }
    return total;
  }

  const Square<D> square_;
  double fwhm_;
  CentroidLanes& lanes_;
  Axis<D> x_, y_;
};

}  // namespace starflow::HWY_NAMESPACE::centroids
HWY_AFTER_NAMESPACE();

#endif  // include guard
