// SPDX-License-Identifier: MIT
/// \file
/// The normal equations of a group of Gaussians along the axes of the frame. Pixels of a row share a vector; a star's
/// columns are products of one function of x and one of y, so that for each pair of stars four sums over the rows, with
/// the weights times products of the functions of y, hold all of its nine elements.

// clang-format off
#if defined(STARFLOW_GROUP_SEPARABLE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_GROUP_SEPARABLE_INL
#undef STARFLOW_GROUP_SEPARABLE_INL
#else
#define STARFLOW_GROUP_SEPARABLE_INL
#endif
// clang-format on

#include "group_sums-inl.hpp"
#include "separable_model-inl.hpp"
#include "square.hpp"

#include <algorithm>
#include <array>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE {

/// The square of a group. \tparam T  float or double: of the pixels and of the sums over a square
template <class T>
class SeparableGroup : public GroupSums {
 public:
  SeparableGroup(const StarBlock& block, std::size_t lane, const FitRules& rules, const GroupProblem& problem)
      : GroupSums(rules, problem.size),
        integrated_(rules.sampling == Sampling::integrated),
        side_(static_cast<std::size_t>(2 * problem.radius + 1)),
        stride_(hwy::RoundUpTo(side_, hn::Lanes(D()))),
        radius_(problem.radius),
        per_gain_(static_cast<double>(block.per_gain[lane])) {
    read(block, lane);
  }

  /// Sums of the normal equations. \param plain  the stars' own light adds nothing to the variance
  void evaluate(const GroupPoint& p, Weight weight, bool plain) {
    place(p);
    clear_sums();
    const double per_gain = plain ? 0.0 : per_gain_;
    visit_weight(weight, false, [&](auto kind, auto) HWY_ATTR { weigh_pixels<kind()>(p.level, per_gain); });
    for (std::size_t s = 0; s < size_; ++s) add_star(s);
    for (std::size_t s = 0; s < size_; ++s) {
      for (std::size_t t = 0; t <= s; ++t) add_pair(s, t);
    }
  }

  /// What the parameters at the solution make least: as row_merit().
  [[nodiscard]] double merit(const GroupPoint& p) {
    const D d;
    place(p);
    const bool equal = rules_.estimator != Estimator::mle, shot = !equal && per_gain_ > 0;
    const V gain = set(d, per_gain_), unit = set(d, shot ? 1 / per_gain_ : 1.0), level = set(d, p.level);
    V sum = hn::Zero(d);
    for_light([&](std::size_t k, V light, V, V) HWY_ATTR {
      const V v = hn::Load(d, &variance_[k]), z = hn::Sub(hn::Sub(hn::Load(d, &value_[k]), light), level);
      const V total = lit_variance<D>(v, light, level, gain);
      V merit = hn::Mul(set(d, 0.5), hn::Mul(z, z));
      if (shot) {
        const V mean = hn::Mul(total, hn::Mul(unit, unit)), count = hn::MulAdd(z, unit, mean);
        const V m = hn::Add(hn::Max(light, hn::Zero(d)), level);
        merit = hn::NegMulAdd(count, hn::Log(d, mean), hn::Mul(m, unit));
      } else if (!equal) {
        merit = hn::Div(merit, v);
      }
      sum = hn::Add(sum, hn::IfThenElseZero(counts<D>(v), merit));
    });
    return total(sum);
  }

  /// chi2 of the last sums, and the residuals at \p p where that asks for a second look.
  void tally(const GroupPoint& p, Fit& fit) {
    constexpr double kSuspect = 2;  // chi2 a pixel
    fit.chi2 = chi2_;
    fit.residual_fraction = 0;
    if (!(chi2_ > kSuspect * static_cast<double>(pixels_))) return;
    const D d;
    place(p);
    V residual = hn::Zero(d), all = residual;
    for_light([&](std::size_t k, V light, V, V) HWY_ATTR {
      const V z = hn::Sub(hn::Sub(hn::Load(d, &value_[k]), light), set(d, p.level));
      const auto counted = counts<D>(hn::Load(d, &variance_[k]));
      residual = hn::Add(residual, hn::IfThenElseZero(counted, hn::Abs(z)));
      all = hn::Add(all, hn::IfThenElseZero(counted, hn::Abs(light)));
    });
    fit.residual_fraction = total(residual) / total(all);
  }

 private:
  using D = hn::ScalableTag<T>;  // pixels of a row
  using V = hn::Vec<D>;
  using Stars = hn::CappedTag<T, 16>;
  static constexpr std::size_t kLine = kSide + hn::MaxLanes(D()), kMost = GroupProblem::kMost;
  using Line = std::array<T, (kLine + 15) / 16 * 16>;
  using Plane = std::array<T, kSide*(kLine / hn::MaxLanes(D()) * hn::MaxLanes(D()))>;
  enum : std::size_t { kLight, kByCentre, kBySigma, kOfAxis };  // the last times sigma

  /// The pixels in which a star's light counts: rows, and columns up to whole vectors.
  struct Window {
    std::size_t top, bottom, left, right;
  };

  static double total(V sum) { return static_cast<double>(hn::GetLane(hn::SumOfLanes(D(), sum))); }

  /// Takes the pixels of a lane, and where in each row there are any that count.
  void read(const StarBlock& block, std::size_t lane) {
    const std::size_t step = hn::Lanes(D()), first = static_cast<std::size_t>(block.radius - radius_);
    for (std::size_t j = 0; j < side_; ++j) {
      const std::size_t from = block.index(first, first + j, lane), to = j * stride_;
      std::size_t low = side_, high = 0;
      for (std::size_t i = 0; i < side_; ++i) {
        const float v = block.variance[from + i * block.lanes];
        value_[to + i] = static_cast<T>(block.value[from + i * block.lanes]);
        variance_[to + i] = static_cast<T>(v);
        if (!(v > 0 && v < StarBlock::kMissing)) continue;
        low = std::min(low, i);
        high = i + 1;
        ++pixels_;
      }
      for (std::size_t i = side_; i < stride_; ++i) {
        value_[to + i] = 0;
        variance_[to + i] = static_cast<T>(StarBlock::kMasked);
      }
      begin_[j] = high > 0 ? low / step * step : 0;
      end_[j] = hwy::RoundUpTo(high, step);
      for (auto* plane : {&weight_, &pull_, &along_x_, &along_y_}) {
        std::fill_n(plane->begin() + static_cast<std::ptrdiff_t>(to), begin_[j], T{0});
        std::fill_n(plane->begin() + static_cast<std::ptrdiff_t>(to + end_[j]), stride_ - end_[j], T{0});
      }
    }
  }

  /// The functions of x and y of all stars, as far as they count.
  void place(const GroupPoint& p) {
    constexpr double kFwhms = 2.25;  // a Gaussian has 1e-6 of its peak there
    const Stars d;
    const double fwhm = std::exp(p.width), half = std::exp(0.5 * p.e1), most = StarBlock::kMaxRadius;
    const int reach_x = static_cast<int>(std::min(std::ceil(kFwhms * fwhm * half) + 1, most));
    const int reach_y = static_cast<int>(std::min(std::ceil(kFwhms * fwhm / half) + 1, most));
    variance_x_ = square(kSigmaPerFwhm * fwhm * half);
    variance_y_ = square(kSigmaPerFwhm * fwhm / half);
    for (std::size_t s = 0; s < size_; ++s) flux_[s] = static_cast<T>(p.flux[s]);
    for (std::size_t first = 0; first < size_; first += hn::Lanes(d)) {
      const std::size_t last = std::min(size_, first + hn::Lanes(d));
      integrate(p.x, kSigmaPerFwhm * fwhm * half, reach_x, first, last);
      for (std::size_t s = first; s < last; ++s) {
        Window& w = window_[s];
        spread(p.x[s], reach_x, s - first, x_[s], w.left, w.right);
        w.left = w.left / hn::Lanes(D()) * hn::Lanes(D());
        w.right = hwy::RoundUpTo(w.right, hn::Lanes(D()));
      }
      integrate(p.y, kSigmaPerFwhm * fwhm / half, reach_y, first, last);
      for (std::size_t s = first; s < last; ++s)
        spread(p.y[s], reach_y, s - first, y_[s], window_[s].top, window_[s].bottom);
    }
  }

  /// One axis of the stars [first, last), a star in each lane, from the pixel that each is on.
  void integrate(const std::array<double, kMost>& at, double sigma, int reach, std::size_t first, std::size_t last) {
    const Stars d;
    Table<Stars, 1> centre;
    centre.clear();
    for (std::size_t s = first; s < last; ++s) centre.cell[s - first] = static_cast<T>(at[s] - std::round(at[s]));
    const auto width = set(d, sigma);
    integrated_ ? axis_.integrate(centre.get(0), width, reach) : axis_.sample(centre.get(0), width, reach);
    for (std::size_t k = 0; k <= static_cast<std::size_t>(2 * reach); ++k)
      axis_.by_sigma.put(k, hn::Mul(axis_.by_sigma.get(k), width));
  }

  /// Puts a lane of the axis where its star is; 0 elsewhere. \param begin, end  of the pixels that it reaches
  void spread(
      double at, int reach, std::size_t lane, std::array<Line, kOfAxis>& out, std::size_t& begin, std::size_t& end) {
    const std::size_t lanes = hn::Lanes(Stars());
    const int left = static_cast<int>(std::round(at)) - reach + radius_, side = static_cast<int>(side_);
    const int low = std::clamp(left, 0, side), high = std::clamp(left + 2 * reach + 1, low, side);
    begin = static_cast<std::size_t>(low);
    end = static_cast<std::size_t>(high);
    for (Line& line : out) std::fill_n(line.begin(), stride_, T{0});
    for (int i = low; i < high; ++i) {
      const auto to = static_cast<std::size_t>(i), from = static_cast<std::size_t>(i - left) * lanes + lane;
      out[kLight][to] = axis_.g.cell[from];
      out[kByCentre][to] = axis_.by_centre.cell[from];
      out[kBySigma][to] = axis_.by_sigma.cell[from];
    }
  }

  /// Calls `visit(k, light, by ln sigma_x, by ln sigma_y)` for each vector of pixels, which begins at k.
  template <class Visit>
  HWY_INLINE void for_light(const Visit& visit) {
    const D d;
    const std::size_t step = hn::Lanes(d);
    std::array<std::size_t, kMost> on;
    for (std::size_t j = 0; j < side_; ++j) {
      std::size_t n = 0;
      for (std::size_t s = 0; s < size_; ++s) {
        if (j >= window_[s].top && j < window_[s].bottom) on[n++] = s;
      }
      for (std::size_t i = begin_[j]; i < end_[j]; i += step) {
        V light = hn::Zero(d), along_x = light, along_y = light;
        for (std::size_t k = 0; k < n; ++k) {
          const std::size_t s = on[k];
          if (i < window_[s].left || i >= window_[s].right) continue;
          const V row = hn::Set(d, flux_[s] * y_[s][kLight][j]), g = hn::Load(d, &x_[s][kLight][i]);
          light = hn::MulAdd(row, g, light);
          along_x = hn::MulAdd(row, hn::Load(d, &x_[s][kBySigma][i]), along_x);
          along_y = hn::MulAdd(hn::Set(d, flux_[s] * y_[s][kBySigma][j]), g, along_y);
        }
        visit(j * stride_ + i, light, along_x, along_y);
      }
    }
  }

  /// Weights, and what is summed over them alone: level and shape.
  template <Weight kWeight>
  HWY_INLINE void weigh_pixels(double level, double per_gain) {
    const D d;
    const V zero = hn::Zero(d), above = set(d, level), gain = set(d, per_gain);
    V chi2 = zero, w0 = zero, wx = zero, wy = zero, wxx = zero, wxy = zero, wyy = zero, r0 = zero, rx = zero, ry = zero;
    for_light([&](std::size_t k, V light, V along_x, V along_y) HWY_ATTR {
      const V z = hn::Sub(hn::Sub(hn::Load(d, &value_[k]), light), above);
      const V v = lit_variance<D>(hn::Load(d, &variance_[k]), light, above, gain);
      const V w = weigh<D, kWeight, false>(v, light, z, zero, chi2), r = hn::Mul(w, z);
      const V x = hn::Mul(w, along_x), y = hn::Mul(w, along_y);
      hn::Store(w, d, &weight_[k]);
      hn::Store(r, d, &pull_[k]);
      hn::Store(x, d, &along_x_[k]);
      hn::Store(y, d, &along_y_[k]);
      w0 = hn::Add(w0, w);
      wx = hn::Add(wx, x);
      wy = hn::Add(wy, y);
      wxx = hn::MulAdd(x, along_x, wxx);
      wxy = hn::MulAdd(x, along_y, wxy);
      wyy = hn::MulAdd(y, along_y, wyy);
      r0 = hn::Add(r0, r);
      rx = hn::MulAdd(r, along_x, rx);
      ry = hn::MulAdd(r, along_y, ry);
    });
    chi2_ = total(chi2);
    gradient_[level_] = total(r0);
    h_[at(level_, level_)] = total(w0);
    const double x0 = total(wx), y0 = total(wy), xx = total(wxx), xy = total(wxy), yy = total(wyy);
    const double gx = total(rx), gy = total(ry);
    for (std::size_t k = 0; k < shapes_; ++k) {
      const double a = along_x(k), b = along_y(k);
      gradient_[shape(k)] = a * gx + b * gy;
      h_[at(shape(k), level_)] = a * x0 + b * y0;
      for (std::size_t l = 0; l <= k; ++l) {
        h_[at(shape(k), shape(l))] = a * along_x(l) * xx + (a * along_y(l) + b * along_x(l)) * xy + b * along_y(l) * yy;
      }
    }
  }

  /// How much ln sigma_x and ln sigma_y change along a direction of the shape.
  [[nodiscard]] double along_x(std::size_t k) const { return direction_[k].width + 0.5 * direction_[k].e1; }
  [[nodiscard]] double along_y(std::size_t k) const { return direction_[k].width - 0.5 * direction_[k].e1; }

  /// Gradient of one star, and its elements with level and shape.
  HWY_INLINE void add_star(std::size_t s) {
    const D d;
    const Window& a = window_[s];
    const V zero = hn::Zero(d);
    V fr = zero, xr = zero, yr = zero, fw = zero, xw = zero, yw = zero;
    V fx = zero, xx = zero, yx = zero, fy = zero, xy = zero, yy = zero;
    V rxx = zero, rxy = zero, ryy = zero;
    for (std::size_t i = a.left; i < a.right; i += hn::Lanes(d)) {
      V r0 = zero, r1 = zero, r2 = zero, w0 = zero, w1 = zero, x0 = zero, x1 = zero, y0 = zero, y1 = zero;
      for (std::size_t j = a.top; j < a.bottom; ++j) {
        const std::size_t k = j * stride_ + i;
        const V e0 = hn::Set(d, y_[s][kLight][j]), e1 = hn::Set(d, y_[s][kByCentre][j]);
        const V r = hn::Load(d, &pull_[k]), w = hn::Load(d, &weight_[k]);
        const V x = hn::Load(d, &along_x_[k]), y = hn::Load(d, &along_y_[k]);
        r0 = hn::MulAdd(r, e0, r0);
        r1 = hn::MulAdd(r, e1, r1);
        r2 = hn::MulAdd(r, hn::Set(d, y_[s][kBySigma][j]), r2);
        w0 = hn::MulAdd(w, e0, w0);
        w1 = hn::MulAdd(w, e1, w1);
        x0 = hn::MulAdd(x, e0, x0);
        x1 = hn::MulAdd(x, e1, x1);
        y0 = hn::MulAdd(y, e0, y0);
        y1 = hn::MulAdd(y, e1, y1);
      }
      const V g0 = hn::Load(d, &x_[s][kLight][i]), g1 = hn::Load(d, &x_[s][kByCentre][i]);
      const auto columns = [&](V of0, V of1, V& f, V& x, V& y) HWY_ATTR {
        f = hn::MulAdd(g0, of0, f);
        x = hn::MulAdd(g1, of0, x);
        y = hn::MulAdd(g0, of1, y);
      };
      columns(r0, r1, fr, xr, yr);
      rxx = hn::MulAdd(hn::Load(d, &x_[s][kBySigma][i]), r0, rxx);
      rxy = hn::MulAdd(g1, r1, rxy);
      ryy = hn::MulAdd(g0, r2, ryy);
      columns(w0, w1, fw, xw, yw);
      columns(x0, x1, fx, xx, yx);
      columns(y0, y1, fy, xy, yy);
    }
    const auto put = [&](std::size_t q, double factor, V pull, V sky, V by_x, V by_y) HWY_ATTR {
      gradient_[3 * s + q] = factor * total(pull);
      h_[at(level_, 3 * s + q)] = factor * total(sky);
      if (shapes_ == 0) return;
      const double x = factor * total(by_x), y = factor * total(by_y);
      for (std::size_t k = 0; k < shapes_; ++k) h_[at(shape(k), 3 * s + q)] = along_x(k) * x + along_y(k) * y;
    };
    const auto flux = static_cast<double>(flux_[s]);
    // As heat spreads, the second derivative by the centre is that by sigma in parts of sigma.
    excess_[s] = {-flux * total(rxx) / variance_x_, -flux * total(rxy), -flux * total(ryy) / variance_y_};
    put(kGroupX, flux, xr, xw, xx, xy);
    put(kGroupY, flux, yr, yw, yx, yy);
    put(kGroupFlux, 1, fr, fw, fx, fy);
  }

  /// Elements of the stars \p s and \p t, t <= s.
  HWY_INLINE void add_pair(std::size_t s, std::size_t t) {
    const D d;
    const Window &a = window_[s], &b = window_[t];
    const std::size_t top = std::max(a.top, b.top), bottom = std::min(a.bottom, b.bottom);
    const std::size_t left = std::max(a.left, b.left), right = std::min(a.right, b.right);
    if (top >= bottom || left >= right) return;
    for (std::size_t j = top; j < bottom; ++j) {
      const T s0 = y_[s][kLight][j], s1 = y_[s][kByCentre][j], t0 = y_[t][kLight][j], t1 = y_[t][kByCentre][j];
      product_[j] = {s0 * t0, s0 * t1, s1 * t0, s1 * t1};
    }
    const V zero = hn::Zero(d);
    Table<D, 9> sum;
    sum.clear();
    for (std::size_t i = left; i < right; i += hn::Lanes(d)) {
      V p00 = zero, p01 = zero, p10 = zero, p11 = zero;
      for (std::size_t j = top; j < bottom; ++j) {
        const V w = hn::Load(d, &weight_[j * stride_ + i]);
        p00 = hn::MulAdd(w, hn::Set(d, product_[j][0]), p00);
        p01 = hn::MulAdd(w, hn::Set(d, product_[j][1]), p01);
        p10 = hn::MulAdd(w, hn::Set(d, product_[j][2]), p10);
        p11 = hn::MulAdd(w, hn::Set(d, product_[j][3]), p11);
      }
      const V s0 = hn::Load(d, &x_[s][kLight][i]), s1 = hn::Load(d, &x_[s][kByCentre][i]);
      const V t0 = hn::Load(d, &x_[t][kLight][i]), t1 = hn::Load(d, &x_[t][kByCentre][i]);
      const V light = hn::Mul(s0, t0), s_light = hn::Mul(s0, t1), t_light = hn::Mul(s1, t0);
      sum.put(0, hn::MulAdd(p00, hn::Mul(s1, t1), sum.get(0)));
      sum.put(1, hn::MulAdd(p01, t_light, sum.get(1)));
      sum.put(2, hn::MulAdd(p00, t_light, sum.get(2)));
      sum.put(3, hn::MulAdd(p10, s_light, sum.get(3)));
      sum.put(4, hn::MulAdd(p11, light, sum.get(4)));
      sum.put(5, hn::MulAdd(p10, light, sum.get(5)));
      sum.put(6, hn::MulAdd(p00, s_light, sum.get(6)));
      sum.put(7, hn::MulAdd(p01, light, sum.get(7)));
      sum.put(8, hn::MulAdd(p00, light, sum.get(8)));
    }
    const auto fs = static_cast<double>(flux_[s]), ft = static_cast<double>(flux_[t]);
    const std::array<double, 3> of_s = {fs, fs, 1}, of_t = {ft, ft, 1};
    for (std::size_t p = 0; p < 3; ++p) {
      for (std::size_t q = 0; q < (s == t ? p + 1 : 3); ++q)
        h_[at(3 * s + p, 3 * t + q)] = of_s[p] * of_t[q] * total(sum.get(3 * p + q));
    }
  }

  bool integrated_;
  std::size_t side_, stride_, pixels_ = 0;
  int radius_;
  double per_gain_, variance_x_ = 1, variance_y_ = 1;                       // of the Gaussian, px^2
  alignas(64) Plane value_, variance_, weight_, pull_, along_x_, along_y_;  // the last two: times the weight
  alignas(64) std::array<std::array<Line, kOfAxis>, kMost> x_, y_;
  std::array<Window, kMost> window_;
  std::array<T, kMost> flux_;
  std::array<std::size_t, kSide> begin_, end_;  // of a row's pixels that count, whole vectors
  std::array<std::array<T, 4>, kSide> product_;
  Axis<Stars> axis_;
};

}  // namespace starflow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
