// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Frames of close pairs and triples with the noise of sky and light, and how far off each star is measured by its own
/// error bars and by the joint bound.

#include <starflow/core/crlb.hpp>
#include <starflow/core/measure.hpp>
#include <starflow/core/star_profile.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "scene.hpp"

namespace starflow::test {

/// A group of stars, repeated.
struct Crowd {
  Profile profile = Profile::gaussian;
  double fwhm = 3, ellipticity = 0, theta_deg = 0, beta = 2.5;
  double separation = 1.5;                  ///< of the second star from the first, of the third from the second, FWHM
  std::vector<double> brightness = {1, 1};  ///< of each star, in units of `snr`
  double snr = 100;                         ///< flux of a star of brightness 1 over its error, alone
  double start_error = 0.15;                ///< most that the list is off along either axis, FWHM
  double saturation = 1e12;
  std::size_t count = 1000;
  std::uint64_t seed = 1;
};

/// Drawn stars and the list of them; ADU and electrons are the same.
class CrowdFrame {
 public:
  static constexpr double kSky = 100, kReadNoise = 5, kVariance = kSky + kReadNoise * kReadNoise;

  explicit CrowdFrame(const Crowd& c) : crowd_(c), pitch_(static_cast<int>(std::ceil(12 * c.fwhm)) + 4) {
    columns_ = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(c.count))));
    const int rows = (static_cast<int>(c.count) + columns_ - 1) / columns_;
    scene_ = Scene<float>(columns_ * pitch_, rows * pitch_, 0);
    shape_ = star_shape(c.profile, c.fwhm, c.ellipticity, c.theta_deg, c.beta);
    for (std::size_t k = 0; k < c.count; ++k) draw(k);
    add_light();
  }

  [[nodiscard]] const Detections& list() const { return list_; }
  [[nodiscard]] FrameView view() const { return scene_.view(); }
  [[nodiscard]] Detector detector() const { return {1, kReadNoise, crowd_.saturation}; }
  [[nodiscard]] const std::vector<StarScene>& stars() const { return stars_; }  ///< in the order of the list
  [[nodiscard]] std::size_t members() const { return crowd_.brightness.size(); }
  [[nodiscard]] double flux_of(double brightness) const {
    const double sigma = 0.42466 * crowd_.fwhm, snr = brightness * crowd_.snr;
    const double area = 4 * std::numbers::pi * (sigma * sigma + 1.0 / 12) * kVariance;
    return 0.5 * (snr * snr + std::sqrt(std::pow(snr, 4) + 4 * snr * snr * area));
  }

  /// Measured with \p options, by the list's order.
  [[nodiscard]] StarTable measured(const MeasureOptions& options) const { return measured(options, list_, serial_for); }
  [[nodiscard]] StarTable measured(MeasureOptions options, const Detections& list, ParallelFor parallel) const {
    MeasureWorkspace workspace;
    StarTable table, sorted;
    options.fwhm_px = crowd_.fwhm;
    options.noise = NoiseFrom::model;
    const Background sky = estimate_background(view(), {}, parallel);
    measure(view(), sky, detector(), list, options, parallel, workspace, table);
    std::vector<std::uint32_t> rows(table.size());
    for (std::size_t k = 0; k < rows.size(); ++k)
      rows[static_cast<std::size_t>(table.id[k])] = static_cast<std::uint32_t>(k);
    append_rows(table, rows, sorted);
    return sorted;
  }

  /// The joint bound of the stars of group \p k with everything free that \p widths says.
  [[nodiscard]] std::vector<StarBounds> bounds(std::size_t k, FreeWidths widths, double stamp_radius) const {
    const std::size_t n = members();
    const std::span<const StarScene> group(&stars_[k * n], n);
    const int reach = std::max(3, static_cast<int>(std::ceil(stamp_radius * crowd_.fwhm)));
    PixelBox box{1 << 20, 0, 1 << 20, 0};
    for (const StarScene& s : group) {
      const int x = static_cast<int>(std::lround(s.x)), y = static_cast<int>(std::lround(s.y));
      box = {std::min(box.x_begin, x - reach), std::max(box.x_end, x + reach + 1), std::min(box.y_begin, y - reach),
             std::max(box.y_end, y + reach + 1)};
    }
    std::vector<StarBounds> out(n);
    cramer_rao(group, box, widths, false, out);
    return out;
  }

 private:
  void draw(std::size_t k) {
    double x = (static_cast<int>(k) % columns_ + 0.5) * pitch_ + uniform() - 0.5;
    double y = (static_cast<int>(k) / columns_ + 0.5) * pitch_ + uniform() - 0.5;
    double angle = 2 * std::numbers::pi * uniform();
    const double apart = crowd_.separation * crowd_.fwhm;
    const double middle = 0.5 * apart * static_cast<double>(members() - 1);
    x -= middle * std::cos(angle);
    y -= middle * std::sin(angle);
    for (const double brightness : crowd_.brightness) {
      const double flux = flux_of(brightness);
      stars_.push_back({shape_, x, y, flux, kSky, kReadNoise});
      const std::size_t i = list_.size();
      list_.resize(i + 1);
      list_.x[i] = x + crowd_.start_error * crowd_.fwhm * (2 * uniform() - 1);
      list_.y[i] = y + crowd_.start_error * crowd_.fwhm * (2 * uniform() - 1);
      list_.id[i] = static_cast<std::int64_t>(i);
      list_.flags[i] = flag::forced_position;
      list_.flux[i] = flux;
      const double peak = flux / (2 * std::numbers::pi * 0.18034 * crowd_.fwhm * crowd_.fwhm);
      list_.peak[i] = std::min(peak, crowd_.saturation);
      x += apart * std::cos(angle);
      y += apart * std::sin(angle);
    }
    list_.fwhm_px = crowd_.fwhm;
  }

  void add_light() {
    std::vector<double> mean(scene_.pixels.size(), kSky), light;
    const int reach = pitch_ / 2;
    for (const StarScene& s : stars_) {
      const int x = static_cast<int>(std::lround(s.x)), y = static_cast<int>(std::lround(s.y));
      const PixelBox box{std::max(0, x - reach), std::min(scene_.width, x + reach + 1), std::max(0, y - reach),
                         std::min(scene_.height, y + reach + 1)};
      light.resize(static_cast<std::size_t>(box.width() * box.height()));
      pixel_light(shape_, s.x, s.y, box, light);
      std::size_t k = 0;
      for (int j = box.y_begin; j < box.y_end; ++j) {
        for (int i = box.x_begin; i < box.x_end; ++i)
          mean[static_cast<std::size_t>(j) * static_cast<std::size_t>(scene_.width) + static_cast<std::size_t>(i)] +=
              s.flux_e * light[k++];
      }
    }
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double noise = std::sqrt(mean[i] + kReadNoise * kReadNoise);
      scene_.pixels[i] = static_cast<float>(std::min(mean[i] + noise * normal(), crowd_.saturation));
    }
  }

  [[nodiscard]] double uniform() { return (static_cast<double>(bits_() >> 11) + 0.5) * 0x1p-53; }
  [[nodiscard]] double normal() {
    return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
  }

  const Crowd crowd_;
  const int pitch_;
  int columns_ = 1;
  StarShape shape_;
  Scene<float> scene_{1, 1, 0};
  Detections list_;
  std::vector<StarScene> stars_;
  std::mt19937_64 bits_{crowd_.seed};
};

/// How a member of all groups was measured.
struct CrowdScore {
  double mean_pull = 0, mean_flux_pull = 0;  ///< of positions along the pair, towards the first star; of fluxes
  double pull = 0, flux_pull = 0;            ///< rms
  double rms = 0, bound = 0;                 ///< of positions, px
  double bias = 0;                           ///< mean error along the line of the group, px
  std::size_t measured = 0, failed = 0;
  double flux_ratio = 0;  ///< mean, measured over true
};

/// \param member  0 = the first of each group
inline CrowdScore score(
    const CrowdFrame& frame, const StarTable& t, std::size_t member, FreeWidths widths, double stamp_radius = 1.75) {
  const std::size_t n = frame.members(), other = member == 0 ? 1 : member - 1;
  CrowdScore s;
  double bounds = 0;
  for (std::size_t k = 0; k * n < t.size(); ++k) {
    const std::size_t i = k * n + member;
    const StarScene &own = frame.stars()[i], &next = frame.stars()[k * n + other];
    if (t.termination[i] != Termination::converged || t.method_used[i] != t.method[i]) {
      ++s.failed;
      continue;
    }
    ++s.measured;
    const double dx = t.x[i] - own.x, dy = t.y[i] - own.y;
    const double length = std::hypot(next.x - own.x, next.y - own.y);
    const double along = (dx * (next.x - own.x) + dy * (next.y - own.y)) / length;
    s.bias += along;
    s.mean_pull += along / std::hypot(t.x_err[i], t.y_err[i]) * std::numbers::sqrt2;
    s.pull += 0.5 * (std::pow(dx / t.x_err[i], 2) + std::pow(dy / t.y_err[i], 2));
    const double df = (t.flux[i] - own.flux_e) / t.flux_err[i];
    s.mean_flux_pull += df;
    s.flux_pull += df * df;
    s.flux_ratio += t.flux[i] / own.flux_e;
    s.rms += 0.5 * (dx * dx + dy * dy);
    if (k % 20 == 0) {
      const StarBounds b = frame.bounds(k, widths, stamp_radius)[member];
      s.bound += 0.5 * (b.x * b.x + b.y * b.y);
      ++bounds;
    }
  }
  const auto m = static_cast<double>(s.measured);
  s.bias /= m;
  s.mean_pull /= m;
  s.mean_flux_pull /= m;
  s.flux_ratio /= m;
  s.pull = std::sqrt(s.pull / m);
  s.flux_pull = std::sqrt(s.flux_pull / m);
  s.rms = std::sqrt(s.rms / m);
  s.bound = std::sqrt(s.bound / bounds);
  return s;
}

}  // namespace starflow::test
