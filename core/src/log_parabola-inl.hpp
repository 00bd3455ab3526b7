// SPDX-License-Identifier: MIT
/// \file
/// The parabola through the logarithms of 3x3 pixels, compiled for each instruction set.

// clang-format off
#if defined(STARFLOW_LOG_PARABOLA_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_LOG_PARABOLA_INL
#undef STARFLOW_LOG_PARABOLA_INL
#else
#define STARFLOW_LOG_PARABOLA_INL
#endif
// clang-format on

#include "centroid_walk-inl.hpp"
#include "normal_lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE::centroids {

/// a0 + ax dx + ay dy + axx dx^2 + ayy dy^2 + axy dx dy by least squares through the logarithms of the 3x3 pixels about
/// the brightest of the central 3x3, the one nearest to the star's place where two are alike. Saturated pixels count as
/// missing, and with one of the nine missing there is no answer. Exact for a Gaussian without noise, whose logarithm is
/// a parabola; the pixel adds 1/12 to its variance as far as that is one. For bright stars as narrow as the 3x3: FWHM 2
/// to 3 px from S/N 100 on, where its errors are true to 1 % and 1.6 to 3 times the bound (7 times at FWHM 5). A
/// fainter or wider star has pixels at the noise, whose logarithm is none: at S/N 10 two in five fail. Source: M.
/// Caruana et al. 1986, Anal. Chem. 58, 1162.
class LogParabola {
 public:
  LogParabola(const StarBlock& block, const CentroidRules& rules, CentroidLanes& lanes)
      : block_(block), rules_(rules), lanes_(lanes) {}

  void run() {
    store(num(1), lanes_.iterations);
    store(num(0), lanes_.aliased);
    store(num(0), lanes_.residual);
    store(num(0), lanes_.one_sided);  // has all of its pixels, or no answer
    pick();
    fit();
    summit();
    errors();
    misfit();
  }

 private:
  enum : std::size_t { k0, kX, kY, kXX, kYY, kXY, kCount };

  /// What the pixel (i, j) of the 3x3 gives to the coefficients, by its logarithm. The columns of the least-squares
  /// problem are orthogonal once 2/3 is taken off the squares.
  static constexpr std::array<double, kCount> share(int i, int j) {
    const double xx = (i * i - 2.0 / 3) / 2, yy = (j * j - 2.0 / 3) / 2;
    return {1.0 / 9 - 2.0 / 3 * (xx + yy), i / 6.0, j / 6.0, xx, yy, i * j / 4.0};
  }

  static std::size_t cell(int i, int j) { return static_cast<std::size_t>(3 * (j + 1) + i + 1); }

  /// Calls visit(i, j) for the 3x3.
  static void each(const auto& visit) {
    for (int j = -1; j <= 1; ++j) {
      for (int i = -1; i <= 1; ++i) visit(i, j);
    }
  }

  [[nodiscard]] V pixel(const auto& array, int i, int j, V beyond) const {
    if (std::max(std::abs(i), std::abs(j)) > block_.radius) return beyond;
    const auto column = static_cast<std::size_t>(i + block_.radius), row = static_cast<std::size_t>(j + block_.radius);
    return hn::Load(d, &array[block_.index(column, row, 0)]);
  }

  /// Finds the brightest pixel of each lane and takes the 3x3 about it.
  void pick() {
    constexpr double kAlike = 0.05;  // noise: a sloping sky parts what was alike
    V best = num(-1e38), best_x = num(0), best_y = best_x, nearest = num(1e38);
    const V at_x = hn::Load(d, block_.x.data()), at_y = hn::Load(d, block_.y.data());
    each([&](int i, int j) {
      // On a corner of pixels the central one is nearer.
      const V own = hn::MulAdd(hn::Sub(at_x, num(i)), hn::Sub(at_x, num(i)), num(1e-3 * (i * i + j * j)));
      const V away = hn::Add(own, square(hn::Sub(at_y, num(j))));
      const V v = pixel(block_.value, i, j, num(0)), variance = pixel(block_.variance, i, j, num(StarBlock::kOutside));
      const M alike = hn::Le(hn::Abs(hn::Sub(v, best)), num(kAlike));
      const M first = hn::Or(hn::AndNot(alike, hn::Gt(v, best)), hn::And(alike, hn::Lt(away, nearest)));
      const M brighter = hn::And(hn::Lt(variance, num(StarBlock::kMissing)), first);
      nearest = hn::IfThenElse(brighter, away, nearest);
      best = hn::IfThenElse(brighter, v, best);
      best_x = hn::IfThenElse(brighter, num(i), best_x);
      best_y = hn::IfThenElse(brighter, num(j), best_y);
    });
    x0_.put(0, best_x);
    y0_.put(0, best_y);
    value_.clear();
    variance_.clear();
    each([&](int oi, int oj) {
      const M here = hn::And(hn::Eq(best_x, num(oi)), hn::Eq(best_y, num(oj)));
      each([&](int i, int j) {
        const std::size_t k = cell(i, j);
        const V v = pixel(block_.value, oi + i, oj + j, num(0));
        const V variance = pixel(block_.variance, oi + i, oj + j, num(StarBlock::kOutside));
        value_.put(k, hn::IfThenElse(here, v, value_.get(k)));
        variance_.put(k, hn::IfThenElse(here, variance, variance_.get(k)));
      });
    });
  }

  /// The coefficients, how many pixels count, and whether all of them do and have light.
  void fit() {
    V n = num(0), masked = n, lit = n;
    coefficient_.clear();
    each([&](int i, int j) {
      const V v = value_.get(cell(i, j)), variance = variance_.get(cell(i, j));
      const M counts = hn::And(hn::Gt(variance, num(0)), hn::Lt(variance, num(StarBlock::kMissing)));
      const M positive = hn::Gt(v, num(0));
      n = hn::Add(n, hn::IfThenElseZero(counts, num(1)));
      const M taken = hn::Or(hn::Lt(variance, num(0)), hn::Eq(variance, num(StarBlock::kMasked)));
      masked = hn::Add(masked, hn::IfThenElseZero(taken, num(1)));
      lit = hn::Add(lit, hn::IfThenElseZero(hn::And(counts, positive), num(1)));
      const V height = hn::Log(d, hn::IfThenElse(positive, v, num(1)));
      const auto by = share(i, j);
      for (std::size_t c = 0; c < kCount; ++c) coefficient_.put(c, hn::MulAdd(num(by[c]), height, coefficient_.get(c)));
    });
    store(n, lanes_.n_pix);
    store(masked, lanes_.n_masked);
    const V end =
        hn::IfThenElse(hn::Lt(lit, num(9)), reason(Termination::nonpositive_flux), reason(Termination::converged));
    store(hn::IfThenElse(hn::Lt(n, num(9)), reason(Termination::too_few_pixels), end), lanes_.termination);
  }

  void end(M which, Termination why) {
    const V now = load(lanes_.termination);
    const M good = hn::Eq(now, reason(Termination::converged));
    store(hn::IfThenElse(hn::And(which, good), reason(why), now), lanes_.termination);
  }

  /// Where the parabola is highest, how wide and how high.
  void summit() {
    const V ax = coefficient_.get(kX), ay = coefficient_.get(kY), axy = coefficient_.get(kXY);
    const V hxx = hn::Mul(num(-2), coefficient_.get(kXX)), hyy = hn::Mul(num(-2), coefficient_.get(kYY));
    const V det = hn::NegMulAdd(axy, axy, hn::Mul(hxx, hyy)), per_det = inverse(det);
    end(hn::Not(hn::And(hn::Gt(hxx, num(0)), hn::Gt(det, num(0)))), Termination::singular);
    // The covariance of the Gaussian, the pixel in it, is the inverse of the curvature.
    const V cxx = hn::Mul(hyy, per_det), cyy = hn::Mul(hxx, per_det), cxy = hn::Mul(axy, per_det);
    const V dx = hn::MulAdd(cxx, ax, hn::Mul(cxy, ay)), dy = hn::MulAdd(cxy, ax, hn::Mul(cyy, ay));
    dx_.put(0, dx);
    dy_.put(0, dy);
    cxx_.put(0, cxx);
    cyy_.put(0, cyy);
    cxy_.put(0, cxy);
    const V x = hn::Add(x0_.get(0), dx), y = hn::Add(y0_.get(0), dy);
    store(x, lanes_.x);
    store(y, lanes_.y);
    const V away_x = hn::Sub(x, hn::Load(d, block_.x.data())), away_y = hn::Sub(y, hn::Load(d, block_.y.data()));
    const V limit = set(d, static_cast<double>(rules_.move_limit));
    const M near = hn::Le(hn::MulAdd(away_x, away_x, square(away_y)), square(limit));
    const M within = hn::Le(hn::Max(hn::Abs(dx), hn::Abs(dy)), num(1.5));  // beyond these pixels nothing was seen
    end(hn::Not(hn::And(near, within)), Termination::moved_from_seed);
    const V xx = hn::Sub(cxx, num(kPixelVariance)), yy = hn::Sub(cyy, num(kPixelVariance)), none = hn::NaN(d);
    const M own = hn::And(hn::And(hn::Gt(xx, num(0)), hn::Gt(yy, num(0))),
                          hn::Gt(hn::NegMulAdd(cxy, cxy, hn::Mul(xx, yy)), num(0)));
    store(hn::IfThenElse(own, xx, none), lanes_.xx);
    store(hn::IfThenElse(own, yy, none), lanes_.yy);
    store(hn::IfThenElse(own, cxy, none), lanes_.xy);
    const V height = hn::MulAdd(num(0.5), hn::MulAdd(ax, dx, hn::Mul(ay, dy)), coefficient_.get(k0));
    store(hn::Div(hn::Mul(num(2 * std::numbers::pi), hn::Exp(d, clamp(height, num(-80), num(80)))), hn::Sqrt(det)),
          lanes_.flux);
  }

  /// Variance of the logarithm of a pixel, the star's own light as the parabola has it.
  [[nodiscard]] V log_variance(int i, int j) const {
    V height = num(0);
    const std::array<double, kCount> power = {1.0, 1.0 * i, 1.0 * j, 1.0 * i * i, 1.0 * j * j, 1.0 * i * j};
    for (std::size_t c = 0; c < kCount; ++c) height = hn::MulAdd(num(power[c]), coefficient_.get(c), height);
    const V light = hn::Exp(d, clamp(height, num(-80), num(80)));
    const V per_gain = hn::Load(d, block_.per_gain.data());
    return hn::Div(hn::MulAdd(per_gain, light, plain_variance(variance_.get(cell(i, j)))), square(light));
  }

  /// chi2 of the parabola that fits the logarithms best by their variances: what they have along the three directions
  /// in which no parabola reaches, by the covariance there. Of 3 degrees of freedom.
  void misfit() {
    constexpr std::size_t kBeyond = 3;
    Table<D, kBeyond> beyond;
    Table<D, kBeyond*(kBeyond + 1) / 2> covariance;
    beyond.clear();
    covariance.clear();
    const V per_peak = inverse(value_.get(cell(0, 0)));  // small logarithms lose fewer digits
    each([&](int i, int j) {
      const double ii = i * i - 2.0 / 3, jj = j * j - 2.0 / 3;
      const std::array<double, kBeyond> by = {i * jj, ii * j, ii * jj};
      const V v = log_variance(i, j), part = hn::Mul(value_.get(cell(i, j)), per_peak);
      const V height = hn::Log(d, hn::IfThenElse(hn::Gt(part, num(0)), part, num(1)));
      for (std::size_t a = 0; a < kBeyond; ++a) {
        beyond.put(a, hn::MulAdd(num(by[a]), height, beyond.get(a)));
        for (std::size_t b = 0; b <= a; ++b) {
          covariance.put(at(a, b), hn::MulAdd(num(by[a] * by[b]), v, covariance.get(at(a, b))));
        }
      }
    });
    Factors<D, kBeyond> factors;
    const M good = factors.factor(covariance, kBeyond, 1e-6);
    Table<D, kBeyond> weighted = beyond;
    factors.solve(kBeyond, weighted);
    V chi2 = num(0);
    for (std::size_t a = 0; a < kBeyond; ++a) chi2 = hn::MulAdd(beyond.get(a), weighted.get(a), chi2);
    store(hn::IfThenElse(good, chi2, hn::NaN(d)), lanes_.chi2);
  }

  /// Carries the variance of each pixel to the position and the flux.
  void errors() {
    const V dx = dx_.get(0), dy = dy_.get(0), cxx = cxx_.get(0), cyy = cyy_.get(0), cxy = cxy_.get(0);
    V bxx = num(0), byy = bxx, bxy = bxx, v0 = bxx;
    each([&](int i, int j) {
      const auto by = share(i, j);
      const V v = log_variance(i, j);
      // The slope at the summit stays 0, so that its change there over the curvature is the step.
      const V gx = hn::MulAdd(num(2 * by[kXX]), dx, hn::MulAdd(num(by[kXY]), dy, num(by[kX])));
      const V gy = hn::MulAdd(num(2 * by[kYY]), dy, hn::MulAdd(num(by[kXY]), dx, num(by[kY])));
      const V mx = hn::MulAdd(cxx, gx, hn::Mul(cxy, gy)), my = hn::MulAdd(cxy, gx, hn::Mul(cyy, gy));
      V ln_flux = hn::MulAdd(num(by[kX]), dx, hn::MulAdd(num(by[kY]), dy, num(by[k0])));
      ln_flux = hn::MulAdd(num(by[kXX]), hn::MulAdd(dx, dx, cxx), ln_flux);
      ln_flux = hn::MulAdd(num(by[kYY]), hn::MulAdd(dy, dy, cyy), ln_flux);
      ln_flux = hn::MulAdd(num(by[kXY]), hn::MulAdd(dx, dy, cxy), ln_flux);
      bxx = hn::MulAdd(hn::Mul(v, mx), mx, bxx);
      byy = hn::MulAdd(hn::Mul(v, my), my, byy);
      bxy = hn::MulAdd(hn::Mul(v, mx), my, bxy);
      v0 = hn::MulAdd(hn::Mul(v, ln_flux), ln_flux, v0);
    });
    store(bxx, lanes_.cov_xx);
    store(byy, lanes_.cov_yy);
    store(bxy, lanes_.cov_xy);
    store(hn::Mul(hn::Sqrt(v0), load(lanes_.flux)), lanes_.flux_err);
  }

  const StarBlock& block_;
  const CentroidRules& rules_;
  CentroidLanes& lanes_;
  Table<D, 9> value_, variance_;
  Table<D, kCount> coefficient_;
  Table<D, 1> x0_, y0_, dx_, dy_, cxx_, cyy_, cxy_;
};

}  // namespace starflow::HWY_NAMESPACE::centroids
HWY_AFTER_NAMESPACE();

#endif  // include guard
