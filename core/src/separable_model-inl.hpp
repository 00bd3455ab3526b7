// SPDX-License-Identifier: MIT
/// \file
/// A Gaussian along the axes of the frame: the product of one function of x and one of y, and so is each derivative.

// clang-format off
#if defined(STARFLOW_SEPARABLE_MODEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_SEPARABLE_MODEL_INL
#undef STARFLOW_SEPARABLE_MODEL_INL
#else
#define STARFLOW_SEPARABLE_MODEL_INL
#endif
// clang-format on

#include "fit_sums-inl.hpp"
#include "units.hpp"

#include <array>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// Light of a unit Gaussian in the pixels of one axis, and its derivatives by centre and sigma.
template <class D>
struct Axis {
  using V = hn::Vec<D>;
  Row<D> g, by_centre, by_sigma;

  template <bool kDerivatives = true>
  HWY_INLINE void integrate(V centre, V sigma, int radius) {
    const D d;
    const V inverse = hn::Div(set(d, 1), sigma);
    const V scale = hn::Mul(inverse, set(d, 0.70710678118654752)),
            density = hn::Mul(inverse, set(d, 0.39894228040143268));
    const V by_sigma_scale = hn::Mul(density, set(d, 1.4142135623730951));
    fill_edges(centre, scale, radius);
    const auto edge = [&](int i) HWY_ATTR { return hn::Mul(hn::Sub(set(d, i - 0.5), centre), scale); };
    V ul = edge(-radius), el = edge_.get(0), fl = erf_of(d, ul, el);
    for (int i = -radius; i <= radius; ++i) {
      const auto k = static_cast<std::size_t>(i + radius);
      const V ur = edge(i + 1), er = edge_.get(k + 1), fr = erf_of(d, ur, er);
      g.put(k, hn::Mul(set(d, 0.5), hn::Sub(fr, fl)));
      if constexpr (kDerivatives) {
        by_centre.put(k, hn::Mul(density, hn::Sub(el, er)));
        by_sigma.put(k, hn::Mul(by_sigma_scale, hn::Sub(hn::Mul(ul, el), hn::Mul(ur, er))));
      }
      ul = ur;
      el = er;
      fl = fr;
    }
  }

  HWY_INLINE void sample(V centre, V sigma, int radius) {
    const D d;
    const V inverse = hn::Div(set(d, 1), sigma), density = hn::Mul(inverse, set(d, 0.39894228040143268));
    for (int i = -radius; i <= radius; ++i) {
      const auto k = static_cast<std::size_t>(i + radius);
      const V u = hn::Mul(hn::Sub(set(d, i), centre), inverse);
      const V e = hn::Mul(density, exp_falling(d, hn::Mul(set(d, -0.5), hn::Mul(u, u))));
      g.put(k, e);
      by_centre.put(k, hn::Mul(hn::Mul(u, inverse), e));
      by_sigma.put(k, hn::Mul(hn::Mul(hn::MulSub(u, u, set(d, 1)), inverse), e));
    }
  }

 private:
  /// exp(-u^2) at the edges of the pixels. Each follows from its neighbour, outwards from the middle: 4 exponentials
  /// instead of one each, for 1e-6 of the light at the most.
  HWY_INLINE void fill_edges(V centre, V scale, int radius) {
    const D d;
    const V u = hn::Mul(hn::Sub(set(d, 0.5), centre), scale), twice = hn::Mul(set(d, 2), hn::Mul(u, scale));
    const V s2 = hn::Mul(scale, scale), bend = exp_falling(d, hn::Mul(set(d, -2), s2));
    const V middle = exp_falling(d, hn::Neg(hn::Mul(u, u)));
    const auto start = [&](V by) HWY_ATTR { return hn::Exp(d, clamp(by, set(d, -80), set(d, 80))); };
    const auto first = static_cast<std::size_t>(radius + 1), last = static_cast<std::size_t>(2 * radius + 1);
    V e = middle, by = start(hn::Neg(hn::Add(twice, s2)));
    for (std::size_t k = first; k <= last; ++k) {
      edge_.put(k, e);
      e = hn::Mul(e, by);
      by = hn::Mul(by, bend);
    }
    e = middle;
    by = start(hn::Sub(twice, s2));
    for (std::size_t k = first; k-- > 0;) {
      e = hn::Mul(e, by);
      by = hn::Mul(by, bend);
      edge_.put(k, e);
    }
  }

  Table<D, kSide + 1> edge_;
};

/// Sums over a row are made of products of two of (g, by_centre, by_sigma) of x; y comes in once a row.
template <class D>
class SeparableModel {
 public:
  using V = hn::Vec<D>;
  static constexpr bool kHasPlainSums = true;

  explicit SeparableModel(const FitRules& rules) : integrated_(rules.sampling == Sampling::integrated) {}

  HWY_INLINE void prepare(const Parameters<D>& p, int radius) {
    const D d;
    const V sigma = hn::Mul(hn::Exp(d, p.get(kFitWidth)), set(d, kSigmaPerFwhm));
    const V half = hn::Exp(d, hn::Mul(set(d, 0.5), p.get(kFitE1)));
    sigma_x_.put(0, hn::Mul(sigma, half));
    sigma_y_.put(0, hn::Div(sigma, half));
    if (integrated_) {
      ax_.integrate(p.get(kFitX), sigma_x_.get(0), radius);
      ay_.integrate(p.get(kFitY), sigma_y_.get(0), radius);
    } else {
      ax_.sample(p.get(kFitX), sigma_x_.get(0), radius);
      ay_.sample(p.get(kFitY), sigma_y_.get(0), radius);
    }
    h_.clear();
    gradient_.clear();
  }

  /// All sums where every pixel counts and weighs the same: the matrix is products of sums over one axis, and of the
  /// pixels only their products with the columns are needed.
  HWY_INLINE void plain_sums(const Square<D>& square, V flux, V level) {
    const std::size_t side = square.side();
    std::size_t j = 0;
    for (; j + 3 <= side; j += 3) add_columns<3>(square, j);
    for (; j < side; ++j) add_columns<1>(square, j);
    const auto one = [](V) HWY_ATTR { return set(D(), 1); };
    add_matrix(products(ax_, side, one), products(ay_, side, one));
    for (std::size_t p = 0; p <= kSigmaY; ++p) {  // less the products with the model itself
      const V model = hn::MulAdd(flux, h_.get(packed(p, kFlux)), hn::Mul(level, h_.get(packed(p, kLevel))));
      gradient_.put(p, hn::Sub(gradient_.get(p), model));
    }
  }

  /// The matrix of Weight::spread where every pixel counts and holds light: that of weights of 1, and per_gain times
  /// that of weights like the light, are both products of sums over one axis. \return chi2
  HWY_INLINE V plain_spread(const Square<D>& square, V flux, V level, V per_gain) {
    const D d;
    const std::size_t side = square.side();
    const auto one = [](V) HWY_ATTR { return set(D(), 1); };
    const auto own = [](V light) HWY_ATTR { return light; };
    const V shot = hn::Mul(per_gain, hn::Max(flux, hn::Zero(d)));
    add_matrix(products(ax_, side, one), products(ay_, side, one));
    add_matrix(products(ax_, side, own),
               products(ay_, side, [shot](V light) HWY_ATTR { return hn::Mul(shot, light); }));
    V chi2 = hn::Zero(d);
    for (std::size_t j = 0; j < side; ++j) {
      const PixelRow<D> row = square.row(j);
      const V row_flux = hn::Mul(flux, ay_.g.get(j));
      for (std::size_t i = 0; i < side; ++i) {
        const V m = hn::Mul(row_flux, ax_.g.get(i)), z = hn::Sub(hn::Sub(row.value(i), m), level);
        weigh<D, Weight::model, true>(set(d, 1), m, z, per_gain, chi2);
      }
    }
    return chi2;
  }

  HWY_INLINE void light(std::size_t j, std::size_t side, V flux, Row<D>& out) {
    const V row = hn::Mul(flux, ay_.g.get(j));
    for (std::size_t i = 0; i < side; ++i) out.put(i, hn::Mul(row, ax_.g.get(i)));
  }

  void prepare_derivatives() {}

  /// Row \p j of the light of a star of flux 1 (kFitFlux) and its derivatives by the parameters of its place and shape.
  HWY_INLINE void derivatives(std::size_t j, std::size_t side, std::array<Row<D>, kFitSize>& out) const {
    const D d;
    const V y0 = ay_.g.get(j), y1 = ay_.by_centre.get(j);
    const V y2 = hn::Mul(sigma_y_.get(0), ay_.by_sigma.get(j)), half = set(d, 0.5);
    for (std::size_t i = 0; i < side; ++i) {
      const V x0 = ax_.g.get(i), x2 = hn::Mul(sigma_x_.get(0), ax_.by_sigma.get(i));
      const V along_x = hn::Mul(x2, y0), along_y = hn::Mul(x0, y2);
      out[kFitX].put(i, hn::Mul(ax_.by_centre.get(i), y0));
      out[kFitY].put(i, hn::Mul(x0, y1));
      out[kFitFlux].put(i, hn::Mul(x0, y0));
      out[kFitWidth].put(i, hn::Add(along_x, along_y));
      out[kFitE1].put(i, hn::Mul(half, hn::Sub(along_x, along_y)));
      out[kFitE2].put(i, hn::Zero(d));
      out[kFitBeta].put(i, hn::Zero(d));
    }
  }

  /// Before the first add_row(): what it needs besides.
  HWY_INLINE void begin_rows(std::size_t side) {
    for (std::size_t i = 0; i < side; ++i) {
      const V g0 = ax_.g.get(i);
      g00_.put(i, hn::Mul(g0, g0));
      g01_.put(i, hn::Mul(g0, ax_.by_centre.get(i)));
      g02_.put(i, hn::Mul(g0, ax_.by_sigma.get(i)));
    }
    column0_.clear(side);
    column00_.clear(side);
  }

  template <Weight kWeight, bool kClean>
  HWY_INLINE void add_row(const Square<D>& square, std::size_t j, V flux, V level, V per_gain, V& chi2) {
    const D d;
    const PixelRow<D> row = square.row(j);
    const std::size_t side = square.side();
    const V row_flux = hn::Mul(flux, ay_.g.get(j));
    V r_ = hn::Zero(d), r0 = r_, r1 = r_, r2 = r_;
    for (std::size_t i = 0; i < side; ++i) {
      const V g0 = ax_.g.get(i), m = hn::Mul(row_flux, g0), z = hn::Sub(hn::Sub(row.value(i), m), level);
      const V v = kClean ? set(d, 1) : row.variance(i);
      const V w = weigh<D, kWeight, kClean>(v, m, z, per_gain, chi2), wz = hn::Mul(w, z);
      weight_.put(i, w);
      r_ = hn::Add(r_, wz);
      r0 = hn::MulAdd(wz, g0, r0);
      r1 = hn::MulAdd(wz, ax_.by_centre.get(i), r1);
      r2 = hn::MulAdd(wz, ax_.by_sigma.get(i), r2);
    }
    // Apart from the loop above, for the registers of most CPUs. What has y alone or its square in it is summed over
    // the columns: seven sums a pixel instead of the ten that the rows would need.
    const V e0 = ay_.g.get(j), e1 = ay_.by_centre.get(j), e2 = ay_.by_sigma.get(j), e00 = hn::Mul(e0, e0);
    V w_ = hn::Zero(d), w0 = w_, w00 = w_, w01 = w_, w02 = w_;
    for (std::size_t i = 0; i < side; ++i) {
      const V w = weight_.get(i);
      w_ = hn::Add(w_, w);
      w0 = hn::MulAdd(w, ax_.g.get(i), w0);
      w00 = hn::MulAdd(w, g00_.get(i), w00);
      w01 = hn::MulAdd(w, g01_.get(i), w01);
      w02 = hn::MulAdd(w, g02_.get(i), w02);
      column0_.put(i, hn::MulAdd(w, e0, column0_.get(i)));
      column00_.put(i, hn::MulAdd(w, e00, column00_.get(i)));
    }
    const V e01 = hn::Mul(e0, e1), e02 = hn::Mul(e0, e2);
    add(kLevel, kLevel, set(d, 1), w_);
    add(kLevel, kY, e1, w0);
    add(kSigmaY, kLevel, e2, w0);
    add(kY, kX, e01, w01);
    add(kFlux, kY, e01, w00);
    add(kSigmaX, kY, e01, w02);
    add(kSigmaY, kX, e02, w01);
    add(kSigmaY, kFlux, e02, w00);
    add(kSigmaY, kSigmaX, e02, w02);
    add(kY, kY, hn::Mul(e1, e1), w00);
    add(kSigmaY, kY, hn::Mul(e1, e2), w00);
    add(kSigmaY, kSigmaY, hn::Mul(e2, e2), w00);
    add_gradient(j, r_, r0, r1, r2);
  }

  /// After the last add_row(): the elements that its columns hold.
  HWY_INLINE void end_rows(std::size_t side) {
    const V zero = hn::Zero(D());
    V s0 = zero, s1 = zero, s2 = zero, s00 = zero, s01 = zero, s02 = zero, s11 = zero, s12 = zero, s22 = zero;
    for (std::size_t i = 0; i < side; ++i) {
      const V w = column0_.get(i), g1 = ax_.by_centre.get(i), g2 = ax_.by_sigma.get(i);
      s0 = hn::MulAdd(w, ax_.g.get(i), s0);
      s1 = hn::MulAdd(w, g1, s1);
      s2 = hn::MulAdd(w, g2, s2);
      const V ww = column00_.get(i), ww1 = hn::Mul(ww, g1), ww2 = hn::Mul(ww, g2);
      s00 = hn::MulAdd(ww, g00_.get(i), s00);
      s01 = hn::MulAdd(ww, g01_.get(i), s01);
      s02 = hn::MulAdd(ww, g02_.get(i), s02);
      s11 = hn::MulAdd(ww1, g1, s11);
      s12 = hn::MulAdd(ww1, g2, s12);
      s22 = hn::MulAdd(ww2, g2, s22);
    }
    h_.put(at(kLevel, kX), s1);
    h_.put(at(kLevel, kFlux), s0);
    h_.put(at(kSigmaX, kLevel), s2);
    h_.put(at(kX, kX), s11);
    h_.put(at(kFlux, kX), s01);
    h_.put(at(kFlux, kFlux), s00);
    h_.put(at(kSigmaX, kX), s12);
    h_.put(at(kSigmaX, kFlux), s02);
    h_.put(at(kSigmaX, kSigmaX), s22);
  }

  /// The sums in the parameters of the fit: sigma_x = s exp(e1 / 2), sigma_y = s exp(-e1 / 2), s ~ exp(width).
  HWY_INLINE void reduce(FitSums<D>& out) const {
    const D d;
    for (std::size_t i = 0; i <= kLevel; ++i) {
      out.gradient.put(i, gradient_.get(i));
      for (std::size_t j = 0; j <= i; ++j) out.h.put(at(i, j), h_.get(at(i, j)));
    }
    const V sx = sigma_x_.get(0), sy = sigma_y_.get(0), half = set(d, 0.5);
    const auto both = [&](V x, V y) { return hn::MulAdd(sx, x, hn::Mul(sy, y)); };
    const auto apart = [&](V x, V y) { return hn::Mul(half, hn::Sub(hn::Mul(sx, x), hn::Mul(sy, y))); };
    const V gx = gradient_.get(kSigmaX), gy = gradient_.get(kSigmaY);
    out.gradient.put(kFitWidth, both(gx, gy));
    out.gradient.put(kFitE1, apart(gx, gy));
    for (std::size_t j = 0; j <= kLevel; ++j) {
      const V hx = h_.get(at(kSigmaX, j)), hy = h_.get(at(kSigmaY, j));
      out.h.put(at(kFitWidth, j), both(hx, hy));
      out.h.put(at(kFitE1, j), apart(hx, hy));
    }
    const V xx = h_.get(at(kSigmaX, kSigmaX)), yx = h_.get(at(kSigmaY, kSigmaX)), yy = h_.get(at(kSigmaY, kSigmaY));
    const V width_x = both(xx, yx), width_y = both(yx, yy), e1_x = apart(xx, yx), e1_y = apart(yx, yy);
    out.h.put(at(kFitWidth, kFitWidth), both(width_x, width_y));
    out.h.put(at(kFitE1, kFitWidth), apart(width_x, width_y));
    out.h.put(at(kFitE1, kFitE1), apart(e1_x, e1_y));
  }

 private:
  /// Sums over one axis of 1, of g, by_centre, by_sigma (0, 1, 2), and of their products.
  struct Products {
    V s, s0, s1, s2, s00, s01, s11, s02, s12, s22;
  };

  /// \p weigh(light)  of a pixel of the axis
  template <class Weigh>
  static HWY_INLINE Products products(const Axis<D>& a, std::size_t side, const Weigh& weigh) {
    const V zero = hn::Zero(D());
    Products p{zero, zero, zero, zero, zero, zero, zero, zero, zero, zero};
    for (std::size_t i = 0; i < side; ++i) {
      const V g0 = a.g.get(i), g1 = a.by_centre.get(i), g2 = a.by_sigma.get(i);
      const V w = weigh(g0), w0 = hn::Mul(w, g0), w1 = hn::Mul(w, g1), w2 = hn::Mul(w, g2);
      p.s = hn::Add(p.s, w);
      p.s0 = hn::Add(p.s0, w0);
      p.s1 = hn::Add(p.s1, w1);
      p.s2 = hn::Add(p.s2, w2);
      p.s00 = hn::MulAdd(w0, g0, p.s00);
      p.s01 = hn::MulAdd(w0, g1, p.s01);
      p.s11 = hn::MulAdd(w1, g1, p.s11);
      p.s02 = hn::MulAdd(w0, g2, p.s02);
      p.s12 = hn::MulAdd(w1, g2, p.s12);
      p.s22 = hn::MulAdd(w2, g2, p.s22);
    }
    return p;
  }

  /// What the pixels of rows j to j + kRows - 1 add to the gradient. Rows that are read together share the columns.
  template <std::size_t kRows>
  HWY_INLINE void add_columns(const Square<D>& square, std::size_t j) {
    const V zero = hn::Zero(D());
    PixelRow<D> row[kRows];
    V sum[kRows], sum0[kRows], sum1[kRows], sum2[kRows];
    for (std::size_t k = 0; k < kRows; ++k) {
      row[k] = square.row(j + k);
      sum[k] = sum0[k] = sum1[k] = sum2[k] = zero;
    }
    for (std::size_t i = 0; i < square.side(); ++i) {
      const V g0 = ax_.g.get(i), g1 = ax_.by_centre.get(i), g2 = ax_.by_sigma.get(i);
      for (std::size_t k = 0; k < kRows; ++k) {
        const V z = row[k].value(i);
        sum[k] = hn::Add(sum[k], z);
        sum0[k] = hn::MulAdd(z, g0, sum0[k]);
        sum1[k] = hn::MulAdd(z, g1, sum1[k]);
        sum2[k] = hn::MulAdd(z, g2, sum2[k]);
      }
    }
    for (std::size_t k = 0; k < kRows; ++k) add_gradient(j + k, sum[k], sum0[k], sum1[k], sum2[k]);
  }

  /// Each element of the matrix is a sum over x times a sum over y.
  HWY_INLINE void add_matrix(const Products& x, const Products& y) {
    add(kX, kX, y.s00, x.s11);
    add(kY, kX, y.s01, x.s01);
    add(kY, kY, y.s11, x.s00);
    add(kFlux, kX, y.s00, x.s01);
    add(kFlux, kY, y.s01, x.s00);
    add(kFlux, kFlux, y.s00, x.s00);
    add(kLevel, kX, y.s0, x.s1);
    add(kLevel, kY, y.s1, x.s0);
    add(kLevel, kFlux, y.s0, x.s0);
    add(kLevel, kLevel, y.s, x.s);
    add(kSigmaX, kX, y.s00, x.s12);
    add(kSigmaX, kY, y.s01, x.s02);
    add(kSigmaX, kFlux, y.s00, x.s02);
    add(kSigmaX, kLevel, y.s0, x.s2);
    add(kSigmaX, kSigmaX, y.s00, x.s22);
    add(kSigmaY, kX, y.s02, x.s01);
    add(kSigmaY, kY, y.s12, x.s00);
    add(kSigmaY, kFlux, y.s02, x.s00);
    add(kSigmaY, kLevel, y.s2, x.s0);
    add(kSigmaY, kSigmaX, y.s02, x.s02);
    add(kSigmaY, kSigmaY, y.s22, x.s00);
  }

  HWY_INLINE void add(std::size_t i, std::size_t j, V a, V b) { h_.put(at(i, j), hn::MulAdd(a, b, h_.get(at(i, j)))); }

  HWY_INLINE void add_gradient(std::size_t j, V r_, V r0, V r1, V r2) {
    const V e0 = ay_.g.get(j), e1 = ay_.by_centre.get(j), e2 = ay_.by_sigma.get(j);
    const auto add = [this](std::size_t k, V e, V r) HWY_ATTR { gradient_.put(k, hn::MulAdd(e, r, gradient_.get(k))); };
    add(kX, e0, r1);
    add(kY, e1, r0);
    add(kFlux, e0, r0);
    add(kLevel, set(D(), 1), r_);
    add(kSigmaX, e0, r2);
    add(kSigmaY, e2, r0);
  }

  enum : std::size_t { kX, kY, kFlux, kLevel, kSigmaX, kSigmaY };  // as FitParameter up to the level
  bool integrated_;
  Axis<D> ax_, ay_;
  Row<D> weight_, g00_, g01_, g02_;  // of one row
  Row<D> column0_, column00_;        // sums of weights times the light in y, and times its square
  Table<D, 1> sigma_x_, sigma_y_;
  Table<D, at(kSigmaY, kSigmaY) + 1> h_;
  Table<D, kSigmaY + 1> gradient_;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
