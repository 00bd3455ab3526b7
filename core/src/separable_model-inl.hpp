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
    const D d;
    const std::size_t side = square.side();
    for (std::size_t j = 0; j < side; ++j) {
      const PixelRow<D> row = square.row(j);
      V r_ = hn::Zero(d), r0 = r_, r1 = r_, r2 = r_;
      for (std::size_t i = 0; i < side; ++i) {
        const V z = row.value(i);
        r_ = hn::Add(r_, z);
        r0 = hn::MulAdd(z, ax_.g.get(i), r0);
        r1 = hn::MulAdd(z, ax_.by_centre.get(i), r1);
        r2 = hn::MulAdd(z, ax_.by_sigma.get(i), r2);
      }
      add_gradient(j, r_, r0, r1, r2);
    }
    add_matrix(products(ax_, side), products(ay_, side));
    for (std::size_t p = 0; p <= kSigmaY; ++p) {  // less the products with the model itself
      const V model = hn::MulAdd(flux, h_.get(packed(p, kFlux)), hn::Mul(level, h_.get(packed(p, kLevel))));
      gradient_.put(p, hn::Sub(gradient_.get(p), model));
    }
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

  /// What add_row() needs besides: products along x.
  HWY_INLINE void prepare_products(std::size_t side) {
    for (std::size_t i = 0; i < side; ++i) {
      const V g0 = ax_.g.get(i), g1 = ax_.by_centre.get(i), g2 = ax_.by_sigma.get(i);
      g00_.put(i, hn::Mul(g0, g0));
      g01_.put(i, hn::Mul(g0, g1));
      g11_.put(i, hn::Mul(g1, g1));
      g02_.put(i, hn::Mul(g0, g2));
      g12_.put(i, hn::Mul(g1, g2));
      g22_.put(i, hn::Mul(g2, g2));
    }
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
    // Apart from the loop above: fourteen sums do not fit into the registers of most CPUs.
    V w_ = hn::Zero(d), w0 = w_, w1 = w_, w2 = w_, w00 = w_, w01 = w_, w11 = w_, w02 = w_, w12 = w_, w22 = w_;
    for (std::size_t i = 0; i < side; ++i) {
      const V w = weight_.get(i);
      w_ = hn::Add(w_, w);
      w0 = hn::MulAdd(w, ax_.g.get(i), w0);
      w1 = hn::MulAdd(w, ax_.by_centre.get(i), w1);
      w2 = hn::MulAdd(w, ax_.by_sigma.get(i), w2);
      w00 = hn::MulAdd(w, g00_.get(i), w00);
      w01 = hn::MulAdd(w, g01_.get(i), w01);
      w11 = hn::MulAdd(w, g11_.get(i), w11);
      w02 = hn::MulAdd(w, g02_.get(i), w02);
      w12 = hn::MulAdd(w, g12_.get(i), w12);
      w22 = hn::MulAdd(w, g22_.get(i), w22);
    }
    const V e0 = ay_.g.get(j), e1 = ay_.by_centre.get(j), e2 = ay_.by_sigma.get(j);
    const Products y{
        set(d, 1),      e0, e1, e2, hn::Mul(e0, e0), hn::Mul(e0, e1), hn::Mul(e1, e1), hn::Mul(e0, e2), hn::Mul(e1, e2),
        hn::Mul(e2, e2)};
    add_matrix({w_, w0, w1, w2, w00, w01, w11, w02, w12, w22}, y);
    add_gradient(j, r_, r0, r1, r2);
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

  static HWY_INLINE Products products(const Axis<D>& a, std::size_t side) {
    const V zero = hn::Zero(D());
    Products p{set(D(), static_cast<double>(side)), zero, zero, zero, zero, zero, zero, zero, zero, zero};
    for (std::size_t i = 0; i < side; ++i) {
      const V g0 = a.g.get(i), g1 = a.by_centre.get(i), g2 = a.by_sigma.get(i);
      p.s0 = hn::Add(p.s0, g0);
      p.s1 = hn::Add(p.s1, g1);
      p.s2 = hn::Add(p.s2, g2);
      p.s00 = hn::MulAdd(g0, g0, p.s00);
      p.s01 = hn::MulAdd(g0, g1, p.s01);
      p.s11 = hn::MulAdd(g1, g1, p.s11);
      p.s02 = hn::MulAdd(g0, g2, p.s02);
      p.s12 = hn::MulAdd(g1, g2, p.s12);
      p.s22 = hn::MulAdd(g2, g2, p.s22);
    }
    return p;
  }

  /// Each element of the matrix is a sum over x times a sum over y.
  HWY_INLINE void add_matrix(const Products& x, const Products& y) {
    const auto add = [&](std::size_t i, std::size_t j, V a, V b) HWY_ATTR { h_.add(at(i, j), hn::Mul(a, b)); };
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

  HWY_INLINE void add_gradient(std::size_t j, V r_, V r0, V r1, V r2) {
    const V e0 = ay_.g.get(j), e1 = ay_.by_centre.get(j), e2 = ay_.by_sigma.get(j);
    gradient_.add(kX, hn::Mul(e0, r1));
    gradient_.add(kY, hn::Mul(e1, r0));
    gradient_.add(kFlux, hn::Mul(e0, r0));
    gradient_.add(kLevel, r_);
    gradient_.add(kSigmaX, hn::Mul(e0, r2));
    gradient_.add(kSigmaY, hn::Mul(e2, r0));
  }

  enum : std::size_t { kX, kY, kFlux, kLevel, kSigmaX, kSigmaY };  // as FitParameter up to the level
  bool integrated_;
  Axis<D> ax_, ay_;
  Row<D> weight_, g00_, g01_, g11_, g02_, g12_, g22_;
  Table<D, 1> sigma_x_, sigma_y_;
  Table<D, at(kSigmaY, kSigmaY) + 1> h_;
  Table<D, kSigmaY + 1> gradient_;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
