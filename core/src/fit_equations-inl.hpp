// SPDX-License-Identifier: MIT
/// \file
/// The normal equations and the merit of a batch of fits at given parameters.

// clang-format off
#if defined(STARFLOW_FIT_EQUATIONS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_FIT_EQUATIONS_INL
#undef STARFLOW_FIT_EQUATIONS_INL
#else
#define STARFLOW_FIT_EQUATIONS_INL
#endif
// clang-format on

#include "stamp_skew-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// What a batch of fits gives, in the order of FitParameter where it is one of them.
template <class D>
struct FitOutput {
  Parameters<D> value, variance;
  Table<D, 1> cov_xy, chi2, residual, light, power, skew, iterations, converged, singular, stalled, beta_at_bound,
      narrow;
};

/// The fitted squares of a batch under a model.
template <class D, class Model>
class FitEquations {
 public:
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;

  /// \param profile  of the model's constructor, after the rules: a model is too large to be copied
  template <class... Profile>
  FitEquations(const StarBlock& block, std::size_t lane, const FitRules& rules, const Profile&... profile)
      : square_(block, lane, rules.radius), rules_(rules), model_(rules, profile...) {
    sums_.clear();  // a model that lacks a parameter leaves its sums alone: they count with the weight 0
  }

  [[nodiscard]] const Square<D>& square() const { return square_; }
  [[nodiscard]] FitSums<D>& sums() { return sums_; }

  void evaluate(const Parameters<D>& p, V per_gain) { sum(p, weighing(), per_gain); }

  /// The same where all weights are those of the sky.
  void evaluate_plain(const Parameters<D>& p, V per_gain) {
    shortly([&] { evaluate(p, per_gain); },
            [&](auto& model) HWY_ATTR {
              model.prepare(p, square_.radius());
              model.plain_sums(square_, p.get(kFitFlux), p.get(kFitLevel));
            });
  }

  /// The middle of the sandwich, and chi2.
  void spread(const Parameters<D>& p, V per_gain) {
    shortly([&] { sum(p, Weight::spread, per_gain); },
            [&](auto& model) HWY_ATTR {
              model.prepare(p, square_.radius());
              sums_.chi2.put(0, model.plain_spread(square_, p.get(kFitFlux), p.get(kFitLevel), per_gain));
            });
  }

  /// Sums of the normal equations at the present parameters.
  void sum(const Parameters<D>& p, Weight weight, V per_gain) {
    model_.prepare(p, square_.radius());
    model_.begin_rows(square_.side());
    const V flux = p.get(kFitFlux), level = p.get(kFitLevel);
    V chi2 = hn::Zero(D());
    const bool clean = hn::AllTrue(D(), square_.clean());
    visit_weight(weight, clean, [&](auto kind, auto all_clean) HWY_ATTR {
      for (std::size_t j = 0; j < square_.side(); ++j) {
        model_.template add_row<kind(), all_clean()>(square_, j, flux, level, per_gain, chi2);
      }
    });
    model_.end_rows(square_.side());
    sums_.chi2.put(0, chi2);
    model_.reduce(sums_);
  }

  [[nodiscard]] double merit(const Parameters<D>& p, V per_gain) {
    V sum = hn::Zero(D());
    for (std::size_t j = 0; j < square_.side(); ++j) {
      model_.light(j, square_.side(), p.get(kFitFlux), light_);
      sum = hn::Add(sum, row_merit(square_, j, weighing(), light_, p.get(kFitLevel), per_gain));
    }
    return static_cast<double>(hn::GetLane(sum));
  }

  /// Residuals of the stars whose chi2 asks for a second look; 0 of the others.
  void tally(const Parameters<D>& p, V per_gain, FitOutput<D>& out) {
    const D d;
    const V n = set(d, suspect_chi2(square_.side() * square_.side()));
    const M suspect = hn::Or(hn::Not(square_.clean()), hn::Gt(sums_.chi2.get(0), n));
    out.chi2 = sums_.chi2;
    sums_.residual.clear();
    sums_.light.clear();
    out.skew.clear();
    PixelSums<D> pixels;
    pixels.clear();
    if (!hn::AllFalse(d, suspect)) {
      StampSkew<D> skew(square_, p.get(kFitX), p.get(kFitY), rules_.fwhm);
      model_.prepare(p, square_.radius());
      for (std::size_t j = 0; j < square_.side(); ++j) {
        model_.light(j, square_.side(), p.get(kFitFlux), light_);
        tally_row(square_, j, light_, p.get(kFitLevel), sums_);
        pixels.add_row(square_, j);
        skew.add_row(j, light_, p.get(kFitLevel), per_gain);
      }
      out.skew.put(0, hn::IfThenElseZero(hn::Gt(sums_.chi2.get(0), n), skew.share(p.get(kFitFlux))));
    }
    out.residual.put(0, hn::IfThenElseZero(suspect, sums_.residual.get(0)));
    // A model much wider than the star takes the level for its light: no more of it counts than the pixels hold.
    out.light.put(0, hn::IfThenElse(suspect, hn::Min(sums_.light.get(0), pixels.light.get(0)), set(d, 1)));
    out.power.put(0, hn::IfThenElseZero(hn::Gt(sums_.chi2.get(0), n), pixels.power.get(0)));
  }

 private:
  /// Sums by the way \p full, or by \p plain in the lanes whose every pixel counts, where the model has such a way.
  template <class Full, class Plain>
  void shortly(const Full& full, const Plain& plain) {
    if constexpr (Model::kHasPlainSums) {
      const M clean = square_.clean();
      if (hn::AllFalse(D(), clean)) return full();
      plain(model_);
      model_.reduce(sums_);
      if (hn::AllTrue(D(), clean)) return;
      const FitSums<D> by_plain = sums_;
      full();
      const auto take = [&](auto& to, const auto& from, std::size_t n) HWY_ATTR {
        for (std::size_t k = 0; k < n; ++k) to.put(k, hn::IfThenElse(clean, from.get(k), to.get(k)));
      };
      take(sums_.h, by_plain.h, kTriangle);
      take(sums_.gradient, by_plain.gradient, kFitSize);
      take(sums_.chi2, by_plain.chi2, 1);
    } else {
      full();
    }
  }

  [[nodiscard]] Weight weighing() const { return rules_.estimator == Estimator::mle ? Weight::model : Weight::equal; }

  Square<D> square_;
  const FitRules& rules_;
  Model model_;
  FitSums<D> sums_;
  Row<D> light_;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
