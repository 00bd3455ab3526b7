// SPDX-License-Identifier: MIT
/// \file
/// Profiles g(Q) of a quadratic form Q = a dx^2 + 2 h dx dy + c dy^2, integrated over the pixels by quadrature.

// clang-format off
#if defined(STARFLOW_ELLIPTICAL_MODEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_ELLIPTICAL_MODEL_INL
#undef STARFLOW_ELLIPTICAL_MODEL_INL
#else
#define STARFLOW_ELLIPTICAL_MODEL_INL
#endif
// clang-format on

#include "fit_sums-inl.hpp"
#include "units.hpp"

#include <numbers>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// exp(-Q / 2).
template <class D>
struct GaussianRadial {
  using V = hn::Vec<D>;
  static constexpr bool kHasBeta = false;

  HWY_INLINE void prepare(V) {}
  HWY_INLINE void at(V q, V& g, V& slope, V&) const {
    const D d;
    g = exp_falling(d, hn::Mul(set(d, -0.5), q));
    slope = hn::Mul(set(d, -0.5), g);
  }
};

/// (1 + Q)^-beta for 2 beta a whole number: a product of roots, no exponential.
template <class D>
struct HalfMoffatRadial {
  using V = hn::Vec<D>;
  static constexpr bool kHasBeta = false;

  explicit HalfMoffatRadial(double beta) : whole(static_cast<int>(beta)), half(beta > whole), minus_beta(-beta) {}
  HWY_INLINE void prepare(V) {}
  HWY_INLINE void at(V q, V& g, V& slope, V&) const {
    const D d;
    const V inverse = hn::Div(set(d, 1), hn::Add(set(d, 1), q));
    g = half ? hn::Mul(inverse, hn::Sqrt(inverse)) : inverse;
    for (int i = 1; i < whole; ++i) g = hn::Mul(g, inverse);
    slope = hn::Mul(hn::Mul(set(d, minus_beta), g), inverse);
  }
  int whole;  // >= 1
  bool half;
  double minus_beta;
};

/// (1 + Q)^-beta for any beta, each lane its own.
template <class D>
struct MoffatRadial {
  using V = hn::Vec<D>;
  static constexpr bool kHasBeta = true;

  HWY_INLINE void prepare(V beta) { minus_beta.put(0, hn::Neg(beta)); }
  HWY_INLINE void at(V q, V& g, V& slope, V& g_log) const {
    const D d;
    const V u = hn::Add(set(d, 1), q), log_u = hn::Log(d, u), b = minus_beta.get(0);
    g = exp_falling(d, hn::Mul(b, log_u));
    slope = hn::Div(hn::Mul(b, g), u);
    g_log = hn::Mul(g, log_u);
  }
  Table<D, 1> minus_beta;
};

/// Pixel sums go over (g' dx, g' dy, g, 1, shape..., g ln(1 + Q)); the shape is g' dx^2, g' dx dy, g' dy^2, or g' r^2
/// of a circle. What they mean for the parameters is worked out once a stamp.
template <class D, class Radial, bool kCircle>
class EllipticalModel {
 public:
  using V = hn::Vec<D>;
  static constexpr bool kHasPlainSums = false;
  static constexpr std::size_t kShapes = kCircle ? 1 : 3;
  static constexpr std::size_t kColumns = 4 + kShapes + (Radial::kHasBeta ? 1 : 0);

  EllipticalModel(const FitRules& rules, const Radial& radial)
      : radial_(radial), gaussian_(rules.profile == Profile::gaussian) {
    // Gauss-Legendre on [-1/2, 1/2]. Source: Abramowitz & Stegun, table 25.4.
    nodes_ = rules.sampling == Sampling::center ? 1 : static_cast<std::size_t>(rules.nodes);
    if (nodes_ == 2) {
      node_ = {-0.28867513459481288, 0.28867513459481288};
      weight_ = {0.5, 0.5};
    } else if (nodes_ == 3) {
      node_ = {-0.38729833462074170, 0, 0.38729833462074170};
      weight_ = {0.27777777777777778, 0.44444444444444444, 0.27777777777777778};
    } else if (nodes_ == 4) {
      node_ = {-0.43056815579702629, -0.16999052179242813, 0.16999052179242813, 0.43056815579702629};
      weight_ = {0.17392742256872693, 0.32607257743127307, 0.32607257743127307, 0.17392742256872693};
    }
  }

  HWY_INLINE void prepare(const Parameters<D>& p, int radius) {
    const D d;
    radius_ = radius;
    centre_x_.put(0, p.get(kFitX));
    centre_y_.put(0, p.get(kFitY));
    const V beta = p.get(kFitBeta);
    radial_.prepare(beta);
    set_scale(p.get(kFitWidth), beta);
    set_form(p.get(kFitE1), p.get(kFitE2));
    h_.clear();
    gradient_.clear();
    for (std::size_t i = 0; i < 2 * static_cast<std::size_t>(radius) + 1; ++i) column_[kOne].put(i, set(d, 1));
  }

  HWY_INLINE void light(std::size_t j, std::size_t side, V flux, Row<D>& out) {
    const D d;
    const V scale = hn::Mul(flux, norm_.get(0)), form_a = a_.get(0), form_c = c_.get(0), twice_h = twice_h_.get(0);
    for (std::size_t i = 0; i < side; ++i) {
      V g_sum = hn::Zero(d), gx = g_sum, gy = g_sum, gxx = g_sum, gxy = g_sum, gyy = g_sum, gl = g_sum;
      for (std::size_t m = 0; m < nodes_; ++m) {
        const V dy = hn::Sub(set(d, static_cast<double>(j) - radius_ + node_[m]), centre_y_.get(0));
        const V dy2 = hn::Mul(dy, dy), form_y = hn::Mul(form_c, dy2), cross = hn::Mul(twice_h, dy);
        for (std::size_t n = 0; n < nodes_; ++n) {
          const V dx = hn::Sub(set(d, static_cast<double>(i) - radius_ + node_[n]), centre_x_.get(0));
          const V dx2 = hn::Mul(dx, dx);
          const V q =
              kCircle ? hn::Mul(form_a, hn::Add(dx2, dy2)) : hn::MulAdd(hn::MulAdd(form_a, dx, cross), dx, form_y);
          V g, slope, g_log = hn::Zero(d);
          radial_.at(q, g, slope, g_log);
          const V w = set(d, weight_[m] * weight_[n]);
          slope = hn::Mul(slope, w);
          g_sum = hn::MulAdd(g, w, g_sum);
          const V sx = hn::Mul(slope, dx), sy = hn::Mul(slope, dy);
          gx = hn::Add(gx, sx);
          gy = hn::Add(gy, sy);
          gxx = hn::MulAdd(sx, dx, gxx);
          gyy = hn::MulAdd(sy, dy, gyy);
          if constexpr (!kCircle) gxy = hn::MulAdd(sx, dy, gxy);
          if constexpr (Radial::kHasBeta) gl = hn::MulAdd(g_log, w, gl);
        }
      }
      column_[kSlopeX].put(i, gx);
      column_[kSlopeY].put(i, gy);
      column_[kValue].put(i, g_sum);
      if constexpr (kCircle) {
        column_[kShape].put(i, hn::Add(gxx, gyy));
      } else {
        column_[kShape].put(i, gxx);
        column_[kShape + 1].put(i, gxy);
        column_[kShape + 2].put(i, gyy);
      }
      if constexpr (Radial::kHasBeta) column_[kColumns - 1].put(i, gl);
      out.put(i, hn::Mul(scale, g_sum));
    }
  }

  void begin_rows(std::size_t) {}
  void end_rows(std::size_t) {}

  /// What derivatives() needs besides prepare().
  void prepare_derivatives() { set_basis(); }

  /// Row \p j of the light of a star of flux 1 (kFitFlux) and its derivatives by the parameters of its place and shape.
  HWY_INLINE void derivatives(std::size_t j, std::size_t side, std::array<Row<D>, kFitSize>& out) {
    light(j, side, set(D(), 1), light_);
    for (std::size_t p = 0; p < kFitSize; ++p) {
      for (std::size_t i = 0; i < side; ++i) {
        V sum = hn::Mul(basis_.get(p * kColumns), column_[0].get(i));
        for (std::size_t k = 1; k < kColumns; ++k)
          sum = hn::MulAdd(basis_.get(p * kColumns + k), column_[k].get(i), sum);
        out[p].put(i, sum);
      }
    }
  }

  template <Weight kWeight, bool kClean>
  HWY_INLINE void add_row(const Square<D>& square, std::size_t j, V flux, V level, V per_gain, V& chi2) {
    const std::size_t side = square.side();
    const PixelRow<D> row = square.row(j);
    light(j, side, flux, light_);
    for (std::size_t i = 0; i < side; ++i) {
      const V m = light_.get(i), z = hn::Sub(hn::Sub(row.value(i), m), level);
      const V w = weigh<D, kWeight, kClean>(row.variance(i), m, z, per_gain, chi2);
      weight_row_.put(i, w);
      residual_row_.put(i, hn::Mul(w, z));
    }
    for (std::size_t p = 0; p < kColumns; ++p) {
      auto sum = gradient_.get(p);
      for (std::size_t i = 0; i < side; ++i) {
        const V c = column_[p].get(i);
        weighted_.put(i, hn::Mul(weight_row_.get(i), c));
        sum = hn::MulAdd(residual_row_.get(i), c, sum);
      }
      gradient_.put(p, sum);
      std::size_t q = 0;
      for (; q + 3 <= p; q += 4) add_products<4>(p, q, side);
      switch (p + 1 - q) {
        case 1: add_products<1>(p, q, side); break;
        case 2: add_products<2>(p, q, side); break;
        case 3: add_products<3>(p, q, side); break;
        default: break;
      }
    }
  }

  /// The sums in the parameters of the fit: rows of `basis` say how each is made of the columns.
  HWY_INLINE void reduce(FitSums<D>& out) {
    set_basis();
    for (std::size_t p = 0; p < kFitSize; ++p) {
      V gradient = hn::Zero(D());
      for (std::size_t k = 0; k < kColumns; ++k) {
        gradient = hn::MulAdd(basis_.get(p * kColumns + k), gradient_.get(k), gradient);
        V sum = hn::Zero(D());
        for (std::size_t l = 0; l < kColumns; ++l) {
          sum = hn::MulAdd(basis_.get(p * kColumns + l), h_.get(packed(k, l)), sum);
        }
        half_.put(k, sum);
      }
      out.gradient.put(p, gradient);
      for (std::size_t q = 0; q <= p; ++q) {
        V sum = hn::Zero(D());
        for (std::size_t k = 0; k < kColumns; ++k) sum = hn::MulAdd(basis_.get(q * kColumns + k), half_.get(k), sum);
        out.h.put(at(p, q), sum);
      }
    }
  }

 private:
  enum : std::size_t { kSlopeX, kSlopeY, kValue, kOne, kShape };

  template <std::size_t N>
  HWY_INLINE void add_products(std::size_t p, std::size_t q, std::size_t side) {
    V s0 = h_.get(at(p, q)), s1 = s0, s2 = s0, s3 = s0;
    if constexpr (N > 1) s1 = h_.get(at(p, q + 1));
    if constexpr (N > 2) s2 = h_.get(at(p, q + 2));
    if constexpr (N > 3) s3 = h_.get(at(p, q + 3));
    for (std::size_t i = 0; i < side; ++i) {
      const V w = weighted_.get(i);
      s0 = hn::MulAdd(w, column_[q].get(i), s0);
      if constexpr (N > 1) s1 = hn::MulAdd(w, column_[q + 1].get(i), s1);
      if constexpr (N > 2) s2 = hn::MulAdd(w, column_[q + 2].get(i), s2);
      if constexpr (N > 3) s3 = hn::MulAdd(w, column_[q + 3].get(i), s3);
    }
    h_.put(at(p, q), s0);
    if constexpr (N > 1) h_.put(at(p, q + 1), s1);
    if constexpr (N > 2) h_.put(at(p, q + 2), s2);
    if constexpr (N > 3) h_.put(at(p, q + 3), s3);
  }

  /// Scale s of the profile, 1 / s^2, the norm of unit light, and what beta does to both at a given FWHM.
  HWY_INLINE void set_scale(V width, V beta) {
    const D d;
    const V one = set(d, 1), fwhm = hn::Exp(d, width);
    if (gaussian_) {
      const V s = hn::Mul(fwhm, set(d, kSigmaPerFwhm));
      const V inverse = hn::Div(one, hn::Mul(s, s));
      per_s2_.put(0, inverse);
      norm_.put(0, hn::Mul(set(d, 0.5 / std::numbers::pi), inverse));
      log_s_by_beta_.put(0, hn::Zero(d));
      log_norm_by_beta_.put(0, hn::Zero(d));
      return;
    }
    // FWHM = 2 s sqrt(2^(1/beta) - 1), norm = (beta - 1) / (pi s^2).
    const V per_beta = hn::Div(one, beta), ln2 = set(d, std::numbers::ln2);
    const V root2 = hn::Exp(d, hn::Mul(ln2, per_beta)), above = hn::Sub(root2, one);
    const V inverse = hn::Div(hn::Mul(set(d, 4), above), hn::Mul(fwhm, fwhm));
    per_s2_.put(0, inverse);
    const V excess = hn::Sub(beta, one);
    norm_.put(0, hn::Mul(hn::Mul(set(d, std::numbers::inv_pi), excess), inverse));
    // d ln s / d beta = 2^(1/beta) ln 2 / (2 beta^2 (2^(1/beta) - 1)).
    const V by_beta = hn::Div(hn::Mul(hn::Mul(root2, ln2), hn::Mul(per_beta, per_beta)), hn::Mul(set(d, 2), above));
    log_s_by_beta_.put(0, by_beta);
    log_norm_by_beta_.put(0, hn::Div(one, excess));
  }

  /// M = s^-2 expm(-E), E = [[e1, e2], [e2, -e1]]: cosh(r) I - sinh(r) / r E with r = |e|.
  HWY_INLINE void set_form(V e1, V e2) {
    const D d;
    const V r2 = hn::MulAdd(e1, e1, hn::Mul(e2, e2)), scale = per_s2_.get(0);
    const V r = hn::Sqrt(r2), up = hn::Exp(d, r), down = hn::Div(set(d, 1), up);
    const auto small = hn::Lt(r2, set(d, 0.04));
    const V safe = hn::IfThenElse(small, set(d, 1), r);
    const V cosh = hn::Mul(set(d, 0.5), hn::Add(up, down));
    const V shc = hn::IfThenElse(small, series(r2, 1.0, 1.0 / 6, 1.0 / 120, 1.0 / 5040),
                                 hn::Div(hn::Mul(set(d, 0.5), hn::Sub(up, down)), safe));
    // (cosh r - sinh r / r) / r^2, the derivative of sinh r / r over r.
    const V kappa = hn::IfThenElse(small, series(r2, 1.0 / 3, 1.0 / 30, 1.0 / 840, 1.0 / 45360),
                                   hn::Div(hn::Sub(cosh, shc), hn::Mul(safe, safe)));
    const V c = hn::IfThenElse(small, series(r2, 1.0, 0.5, 1.0 / 24, 1.0 / 720), cosh);
    a_.put(0, hn::Mul(scale, hn::NegMulAdd(shc, e1, c)));
    c_.put(0, hn::Mul(scale, hn::MulAdd(shc, e1, c)));
    twice_h_.put(0, hn::Mul(scale, hn::Mul(set(d, -2), hn::Mul(shc, e2))));
    shc_.put(0, shc);
    kappa_.put(0, kappa);
    e1_.put(0, e1);
    e2_.put(0, e2);
  }

  static HWY_INLINE V series(V x, double c0, double c1, double c2, double c3) {
    const D d;
    return hn::MulAdd(hn::MulAdd(hn::MulAdd(set(d, c3), x, set(d, c2)), x, set(d, c1)), x, set(d, c0));
  }

  /// Rows in the order of FitParameter, columns as summed.
  HWY_INLINE void set_basis() {
    const D d;
    basis_.clear();
    const auto put = [&](std::size_t parameter, std::size_t column, V v) {
      basis_.put(parameter * kColumns + column, v);
    };
    const V norm = norm_.get(0), a = a_.get(0), c = c_.get(0), twice_h = twice_h_.get(0), scale = per_s2_.get(0);
    const V minus2 = hn::Mul(set(d, -2), norm);
    const V minus_h2 = hn::Neg(hn::Mul(norm, twice_h));
    put(kFitX, kSlopeX, hn::Mul(minus2, a));
    put(kFitX, kSlopeY, minus_h2);
    put(kFitY, kSlopeX, minus_h2);
    put(kFitY, kSlopeY, hn::Mul(minus2, c));
    put(kFitFlux, kValue, norm);
    put(kFitLevel, kOne, set(d, 1));
    // ln s moves a, h and c by -2 of themselves, and the norm likewise.
    const auto put_scale = [&](std::size_t parameter, V by_log_s) {
      const V m = hn::Mul(minus2, by_log_s);
      put(parameter, kShape, hn::Mul(m, a));
      if constexpr (!kCircle) {
        put(parameter, kShape + 1, hn::Mul(m, twice_h));
        put(parameter, kShape + 2, hn::Mul(m, c));
      }
      put(parameter, kValue, m);
    };
    put_scale(kFitWidth, set(d, 1));
    if constexpr (!kCircle) {
      const V e1 = e1_.get(0), e2 = e2_.get(0), shc = shc_.get(0), kappa = kappa_.get(0), n = hn::Mul(norm, scale);
      const V cross = hn::Mul(kappa, hn::Mul(e1, e2)), two = set(d, -2);
      const V k11 = hn::MulAdd(kappa, hn::Mul(e1, e1), shc), k22 = hn::MulAdd(kappa, hn::Mul(e2, e2), shc);
      const V s1 = hn::Mul(shc, e1), s2 = hn::Mul(shc, e2);
      put(kFitE1, kShape, hn::Mul(n, hn::Sub(s1, k11)));
      put(kFitE1, kShape + 1, hn::Mul(n, hn::Mul(two, cross)));
      put(kFitE1, kShape + 2, hn::Mul(n, hn::Add(s1, k11)));
      put(kFitE2, kShape, hn::Mul(n, hn::Sub(s2, cross)));
      put(kFitE2, kShape + 1, hn::Mul(n, hn::Mul(two, k22)));
      put(kFitE2, kShape + 2, hn::Mul(n, hn::Add(s2, cross)));
    }
    if constexpr (Radial::kHasBeta) {
      put_scale(kFitBeta, log_s_by_beta_.get(0));
      put(kFitBeta, kColumns - 1, hn::Neg(norm));
      put(kFitBeta, kValue, hn::MulAdd(norm, log_norm_by_beta_.get(0), basis_.get(kFitBeta * kColumns + kValue)));
    }
  }

  Radial radial_;
  bool gaussian_;
  std::size_t nodes_;
  std::array<double, 4> node_{}, weight_{1, 0, 0, 0};
  int radius_ = 0;
  Table<D, 1> centre_x_, centre_y_, per_s2_, norm_, log_s_by_beta_, log_norm_by_beta_;
  Table<D, 1> a_, c_, twice_h_, shc_, kappa_, e1_, e2_;
  std::array<Row<D>, kColumns> column_;
  Row<D> light_, weight_row_, residual_row_, weighted_;
  Table<D, at(kColumns - 1, kColumns - 1) + 1> h_;
  Table<D, kColumns> gradient_, half_;
  Table<D, kFitSize * kColumns> basis_;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
