// SPDX-License-Identifier: MIT
#include "pull_bias.hpp"

#include "small_matrix.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <numbers>
#include <vector>

namespace starflow::test {
namespace {

/// The stretch is the vector (cos, sin)(2 theta) ln(a / b), the width the geometric mean of the axes, as in the fits:
/// which parameters stand beside a quantity does not change its mean pull, only what it is.
enum Parameter : std::size_t { kX, kY, kFlux, kBackground, kFwhm, kStretch, kShear, kBeta, kParameters };
using Values = std::array<double, kParameters>;
using Pixels = std::vector<double>;

/// The pixels of a star as a function of its parameters.
class PixelModel {
 public:
  PixelModel(const Preset& preset, const StarScene& scene, const PixelBox& box)
      : box_(box),
        profile_(preset.profile),
        size_(static_cast<std::size_t>(box.width()) * static_cast<std::size_t>(box.height())),
        sky_variance_(scene.background_e + scene.read_noise_e * scene.read_noise_e),
        equal_weights_(preset.kind == Kind::least_squares) {
    const StarShape& s = scene.shape;
    const double stretch = std::log(s.width_u / s.width_v),
                 fwhm_of_1 = 1 / star_shape(s.profile, 1, 0, 0, s.beta).width_u;
    const double fwhm = std::sqrt(s.width_u * s.width_v) * fwhm_of_1;
    truth_ = {scene.x,
              scene.y,
              scene.flux_e,
              scene.background_e,
              fwhm,
              stretch * std::cos(2 * s.theta_rad),
              stretch * std::sin(2 * s.theta_rad),
              s.beta};
    constexpr double kStep = 0.02;
    step_ = {kStep * fwhm, kStep * fwhm, kStep * scene.flux_e, 1, kStep * fwhm, kStep, kStep, kStep * s.beta};
    for (const Parameter k : {kX, kY, kFlux, kBackground, kFwhm}) free_.push_back(k);
    if (preset.widths == FreeWidths::two || preset.widths == FreeWidths::three) free_.push_back(kStretch);
    if (preset.widths == FreeWidths::three) free_.push_back(kShear);
    if (preset.options.free_beta) free_.push_back(kBeta);
  }

  [[nodiscard]] std::size_t size() const { return size_; }         ///< pixels
  [[nodiscard]] std::size_t free() const { return free_.size(); }  ///< parameters
  [[nodiscard]] const Values& truth() const { return truth_; }
  [[nodiscard]] double step(std::size_t a) const { return step_[free_[a]]; }
  [[nodiscard]] Values moved(Values values, std::size_t a, double steps) const {
    values[free_[a]] += steps * step(a);
    return values;
  }

  /// The star's light, e-.
  [[nodiscard]] Pixels light(const Values& v) const {
    const double stretch = std::hypot(v[kStretch], v[kShear]);
    const double theta_deg = 0.5 * std::atan2(v[kShear], v[kStretch]) * 180 / std::numbers::pi;
    Pixels out(size_);
    pixel_light(star_shape(profile_, v[kFwhm], 1 - std::exp(-stretch), theta_deg, v[kBeta]), v[kX], v[kY], box_, out);
    for (double& pixel : out) pixel *= v[kFlux];
    return out;
  }
  [[nodiscard]] double variance(double light) const { return sky_variance_ + light; }
  [[nodiscard]] double weight(double light) const { return equal_weights_ ? 1 : 1 / variance(light); }

  /// Derivatives of all pixels by each free parameter.
  [[nodiscard]] std::vector<Pixels> gradient(const Values& v) const {
    std::vector<Pixels> out;
    for (std::size_t a = 0; a < free(); ++a) {
      out.push_back(difference(light(moved(v, a, 1)), light(moved(v, a, -1)), 2 * step(a)));
      if (free_[a] == kBackground) out.back().assign(size_, 1);
    }
    return out;
  }
  /// Second derivatives by the free parameters \p a and \p b.
  [[nodiscard]] Pixels curvature(std::size_t a, std::size_t b) const {
    const auto slope = [&](double by) {
      const Values v = moved(truth_, b, by);
      return difference(light(moved(v, a, 1)), light(moved(v, a, -1)), 2 * step(a));
    };
    if (a != b) return difference(slope(1), slope(-1), 2 * step(b));
    const Pixels above = light(moved(truth_, a, 1)), at = light(truth_), below = light(moved(truth_, a, -1));
    return difference(difference(above, at, step(a)), difference(at, below, step(a)), step(a));
  }

 private:
  [[nodiscard]] static Pixels difference(Pixels above, const Pixels& below, double apart) {
    for (std::size_t i = 0; i < above.size(); ++i) above[i] = (above[i] - below[i]) / apart;
    return above;
  }

  PixelBox box_;
  Profile profile_;
  std::size_t size_;
  double sky_variance_;
  bool equal_weights_;
  Values truth_{}, step_{};
  std::vector<std::size_t> free_;
};

struct Covariance {
  SmallMatrix bread, sandwich;  ///< H^-1 and C
};

/// As the engine reports it where the parameters have come out as \p values.
Covariance covariance(const PixelModel& model, const Values& values) {
  const std::vector<Pixels> slope = model.gradient(values);
  const Pixels light = model.light(values);
  SmallMatrix normal{model.free(), {}}, spread = normal;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const double w = model.weight(light[i]), v = model.variance(light[i]);
    for (std::size_t a = 0; a < model.free(); ++a) {
      for (std::size_t b = 0; b < model.free(); ++b) {
        normal[a][b] += w * slope[a][i] * slope[b][i];
        spread[a][b] += w * v * w * slope[a][i] * slope[b][i];
      }
    }
  }
  const SmallMatrix bread = inverse(normal);
  return {bread, bread * spread * bread};
}

/// The mean error of each free parameter.
Values second_order_bias(const PixelModel& model, const Covariance& covariance) {
  const std::size_t n = model.free();
  const SmallMatrix &bread = covariance.bread, &c = covariance.sandwich;
  const std::vector<Pixels> slope = model.gradient(model.truth());
  const Pixels light = model.light(model.truth());
  Values drift{};
  Pixels bend(model.size(), 0);  // tr(C Hess_i)
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) {
      const Pixels second = model.curvature(a, b);
      for (std::size_t i = 0; i < model.size(); ++i) {
        const double wv = model.weight(light[i]) * model.variance(light[i]);
        double excess = 0;
        for (std::size_t k = 0; k < n; ++k) excess += (bread[b][k] * wv - c[b][k]) * slope[k][i];
        drift[a] += second[i] * excess;
        bend[i] += c[a][b] * second[i];
      }
    }
  }
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t i = 0; i < model.size(); ++i) drift[a] -= 0.5 * model.weight(light[i]) * slope[a][i] * bend[i];
  }
  Values bias{};
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) bias[a] += bread[a][b] * drift[b];
  }
  return bias;
}

}  // namespace

MeanPulls second_order_pulls(const Preset& preset, const StarScene& scene, const PixelBox& box) {
  const PixelModel model(preset, scene, box);
  const std::size_t n = model.free();
  const Covariance at_truth = covariance(model, model.truth());
  const SmallMatrix& c = at_truth.sandwich;
  const Values bias = second_order_bias(model, at_truth);
  Values sigma{}, pull{};
  for (std::size_t a = 0; a < n; ++a) {
    sigma[a] = std::sqrt(c[a][a]);
    pull[a] = bias[a] / sigma[a];
  }
  for (std::size_t b = 0; b < n; ++b) {
    const SmallMatrix above = covariance(model, model.moved(model.truth(), b, 1)).sandwich;
    const SmallMatrix below = covariance(model, model.moved(model.truth(), b, -1)).sandwich;
    for (std::size_t a = 0; a < n; ++a) {
      const double slope = (std::sqrt(above[a][a]) - std::sqrt(below[a][a])) / (2 * model.step(b));
      pull[a] -= slope * c[a][b] / c[a][a];
    }
  }
  return {pull[kFlux], pull[kBackground], pull[kFwhm]};
}

std::string to_string(const MeanPulls& pulls) {
  std::array<char, 100> line{};
  std::snprintf(line.data(), line.size(), "expected mean pull flux %+.4f bg %+.4f fwhm %+.4f", pulls.flux,
                pulls.background, pulls.fwhm);
  return line.data();
}

}  // namespace starflow::test
