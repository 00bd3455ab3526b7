// SPDX-License-Identifier: MIT
#include "gaussian_fit.hpp"

#include <algorithm>
#include <cmath>

#include "normal_matrix.hpp"
#include "units.hpp"

namespace starflow {
namespace {

enum : std::size_t { kX, kY, kFlux, kSigmaX, kSigmaY, kLevel };

using gaussian_rule::kCoarseStep;
using gaussian_rule::kFineStep;
using gaussian_rule::kMinSigma;
constexpr double kTinyStep = 1e-8;  // px

/// Integrals over the pixels of one axis of a unit Gaussian, and their derivatives by centre and sigma.
struct Profile {
  std::array<double, kMaxStampSide> g, by_centre, by_sigma;

  void set(double centre, double sigma, int first, int n) {
    const double scale = 1 / (sigma * std::sqrt(2.0)), density = 1 / (sigma * std::sqrt(2 * std::numbers::pi));
    const auto edge = [&](int i) {
      struct Edge {
        double u, erf, phi;
      };
      const double u = (first + i - 0.5 - centre) * scale;
      return Edge{u, std::erf(u), std::exp(-u * u) * density};
    };
    auto left = edge(0);
    for (int i = 0; i < n; ++i) {
      const auto right = edge(i + 1);
      const auto k = static_cast<std::size_t>(i);
      g[k] = 0.5 * (right.erf - left.erf);
      by_centre[k] = left.phi - right.phi;
      by_sigma[k] = std::sqrt(2.0) * (left.u * left.phi - right.u * right.phi);
      left = right;
    }
  }
};

class Fitter {
 public:
  Fitter(const Stamp& stamp, double x, double y, const GaussianFitOptions& options)
      : stamp_(stamp), options_(options), start_x_(x), start_y_(y) {
    window_ = window_around(stamp, std::round(x), std::round(y), options.radius_px);
    max_sigma_ = options.max_sigma_px();
  }

  GaussianFit run() {
    if (!start()) return fit_;
    bool fine = false;
    fit_.termination = Termination::max_iterations;
    while (fit_.iterations < options_.max_iterations) {
      ++fit_.iterations;
      evaluate(fine);
      if (!hessian_.factor()) {
        fit_.termination = Termination::singular;
        return fit_;
      }
      GaussianParameters step = hessian_.solve(gradient_);
      double squared = 0;
      for (std::size_t i = 0; i < kGaussianParameters; ++i) squared += step[i] * gradient_[i];
      if (!std::isfinite(squared)) {
        fit_.termination = Termination::nonfinite;
        return fit_;
      }
      const bool whole = apply(step);
      const double moved = std::hypot(step[kX], step[kY]);
      if (!fine && whole && moved < kCoarseStep && options_.gain_e_per_adu > 0) {
        fine = true;
      } else if (whole && (fine || options_.gain_e_per_adu <= 0) && (squared < kFineStep || moved < kTinyStep)) {
        fit_.termination = Termination::converged;
        break;
      }
    }
    finish();
    return fit_;
  }

 private:
  bool start() {
    double peak = 0;
    for (int j = window_.y_begin; j < window_.y_end; ++j) {
      for (int i = window_.x_begin; i < window_.x_end; ++i) {
        const std::size_t k = stamp_.index(i, j);
        const bool counts = stamp_.variance[k] > 0;
        fit_.n_pix += counts ? 1 : 0;
        fit_.n_masked += counts ? 0 : 1;
        const bool central = std::abs(stamp_.x0 + i - start_x_) < 1.5 && std::abs(stamp_.y0 + j - start_y_) < 1.5;
        if (central && stamp_.variance[k] != 0) peak = std::max(peak, stamp_.value[k]);
      }
    }
    if (fit_.n_pix <= kGaussianParameters) {
      fit_.termination = Termination::too_few_pixels;
      return false;
    }
    const double sigma = options_.start_sigma_px();
    fit_.value = {start_x_, start_y_, peak * 2 * std::numbers::pi * (sigma * sigma + kPixelVariance), sigma, sigma, 0};
    return true;
  }

  /// Sums of the normal equations at the present parameters. \p fine: the model's own light counts in the variance.
  void evaluate(bool fine) {
    const GaussianParameters& p = fit_.value;
    const int nx = window_.x_end - window_.x_begin, ny = window_.y_end - window_.y_begin;
    gx_.set(p[kX], p[kSigmaX], stamp_.x0 + window_.x_begin, nx);
    gy_.set(p[kY], p[kSigmaY], stamp_.y0 + window_.y_begin, ny);
    hessian_.a = {};
    gradient_ = {};
    fit_.chi2 = residual_ = model_ = 0;
    const double per_gain = fine ? 1 / options_.gain_e_per_adu : 0.0;
    for (int j = 0; j < ny; ++j) {
      for (int i = 0; i < nx; ++i) {
        const std::size_t k = stamp_.index(window_.x_begin + i, window_.y_begin + j);
        if (!(stamp_.variance[k] > 0)) continue;
        const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
        const double unit = gx_.g[a] * gy_.g[b], light = p[kFlux] * unit;
        const double w = 1 / (stamp_.variance[k] + std::max(light, 0.0) * per_gain);
        const double r = stamp_.value[k] - light - p[kLevel];
        const GaussianParameters column = {
            p[kFlux] * gx_.by_centre[a] * gy_.g[b], p[kFlux] * gx_.g[a] * gy_.by_centre[b], unit,
            p[kFlux] * gx_.by_sigma[a] * gy_.g[b],  p[kFlux] * gx_.g[a] * gy_.by_sigma[b],  1};
        for (std::size_t m = 0; m < kGaussianParameters; ++m) {
          gradient_[m] += w * r * column[m];
          for (std::size_t n = 0; n <= m; ++n) hessian_.a[m][n] += w * column[m] * column[n];
        }
        fit_.chi2 += w * r * r;
        residual_ += std::abs(r);
        model_ += std::abs(light);
      }
    }
  }

  /// Takes the step within its bounds. \return true where nothing was cut short
  bool apply(const GaussianParameters& step) {
    GaussianParameters& p = fit_.value;
    const double reach = options_.max_step_px();
    bool whole = true;
    const auto limited = [&whole](double d, double limit) {
      if (std::abs(d) > limit) whole = false;
      return std::clamp(d, -limit, limit);
    };
    p[kX] += limited(step[kX], reach);
    p[kY] += limited(step[kY], reach);
    p[kFlux] += step[kFlux];
    p[kLevel] += step[kLevel];
    for (const std::size_t s : {std::size_t{kSigmaX}, std::size_t{kSigmaY}}) {
      p[s] = std::clamp(p[s] + limited(step[s], 0.4 * p[s] + 0.02), kMinSigma, max_sigma_);
    }
    const double far = options_.farthest_px();
    p[kX] = std::clamp(p[kX], start_x_ - far, start_x_ + far);
    p[kY] = std::clamp(p[kY], start_y_ - far, start_y_ + far);
    return whole;
  }

  /// Covariance and chi2 at the solution, and the gates that it must pass.
  void finish() {
    evaluate(options_.gain_e_per_adu > 0);
    fit_.residual_fraction = residual_ / model_;
    if (!hessian_.factor()) {
      fit_.termination = Termination::singular;
      return;
    }
    fit_.covariance = hessian_.inverse();
    const Termination verdict = judge_gaussian(fit_, start_x_, start_y_, options_);
    if (verdict != Termination::converged) fit_.termination = verdict;
  }

  const Stamp& stamp_;
  const GaussianFitOptions& options_;
  double start_x_, start_y_;
  StampWindow window_;
  double max_sigma_;
  Profile gx_, gy_;
  NormalMatrix<kGaussianParameters> hessian_;
  GaussianParameters gradient_{};
  double residual_ = 0, model_ = 0;
  GaussianFit fit_;
};

}  // namespace

Termination judge_gaussian(const GaussianFit& fit, double start_x, double start_y, const GaussianFitOptions& options) {
  const GaussianParameters& p = fit.value;
  const double max_sigma = options.max_sigma_px();
  const auto at_bound = [max_sigma](double sigma) { return sigma <= 1.001 * kMinSigma || sigma >= 0.999 * max_sigma; };
  if (!std::ranges::all_of(p, [](double v) { return std::isfinite(v); })) return Termination::nonfinite;
  if (!(p[kFlux] > 0)) return Termination::nonpositive_flux;
  if (std::hypot(p[kX] - start_x, p[kY] - start_y) > options.move_limit_px) return Termination::moved_from_seed;
  return at_bound(p[kSigmaX]) || at_bound(p[kSigmaY]) ? Termination::at_bound : Termination::converged;
}

GaussianFit fit_gaussian(const Stamp& stamp, double x, double y, const GaussianFitOptions& options) {
  return Fitter(stamp, x, y, options).run();
}

}  // namespace starflow
