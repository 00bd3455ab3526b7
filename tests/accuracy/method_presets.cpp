// SPDX-License-Identifier: MIT
#include "method_presets.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace starflow::test {
namespace {

constexpr double kEllipticity = 0.2, kTheta = 30;

Preset centroid(std::string_view name, Method method, Kind kind) {
  Preset p;
  p.name = name;
  p.kind = kind;
  p.options.method = method;
  return p;
}

Preset gaussian(std::string_view name, Outline outline, FreeWidths widths) {
  Preset p;
  p.name = name;
  p.options.method = Method::gaussian;
  p.options.outline = outline;
  p.widths = widths;
  return p;
}

Preset least_squares(Preset p) {
  p.kind = Kind::least_squares;
  p.options.estimator = Estimator::least_squares;
  return p;
}

Preset moffat(std::string_view name, Outline outline, FreeWidths widths) {
  Preset p = gaussian(name, outline, widths);
  p.options.method = Method::moffat;
  p.profile = Profile::moffat;
  return p;
}

Preset free_beta(Preset p, double true_beta) {
  p.options.free_beta = true;
  p.beta = true_beta;
  return p;
}

Preset tilted(Preset p) {
  p.ellipticity = kEllipticity;
  p.theta_deg = kTheta;
  return p;
}

}  // namespace

std::span<const Preset> method_presets() {
  static const std::array presets = {
      centroid("windowed", Method::windowed, Kind::stated),
      centroid("adaptive", Method::adaptive, Kind::adaptive),
      centroid("moments", Method::moments, Kind::stated),
      centroid("quadratic", Method::quadratic, Kind::stated),
      gaussian("gaussian", Outline::axis_aligned, FreeWidths::two),
      gaussian("gaussian_circular", Outline::circular, FreeWidths::one),
      tilted(gaussian("gaussian_rotated", Outline::rotated, FreeWidths::three)),
      least_squares(gaussian("gaussian_ls", Outline::axis_aligned, FreeWidths::two)),
      moffat("moffat", Outline::circular, FreeWidths::one),
      tilted(moffat("moffat_rotated", Outline::rotated, FreeWidths::three)),
      free_beta(moffat("moffat_free", Outline::circular, FreeWidths::one), 3),
  };
  return presets;
}

const Preset& method_preset(std::string_view name) { return *std::ranges::find(method_presets(), name, &Preset::name); }

int stamp_radius_px(const MeasureOptions& options, double fwhm_px) {
  constexpr int kLeast = 3;
  return std::max(kLeast, static_cast<int>(std::ceil(options.stamp_radius * fwhm_px)));
}

double flux_for_snr(const StarShape& shape, double fwhm_px, double snr, double background_e, double read_noise_e) {
  const int reach = static_cast<int>(std::ceil(4 * fwhm_px));
  const FreeWidths widths = shape.separable()                ? FreeWidths::two
                            : shape.width_u == shape.width_v ? FreeWidths::one
                                                             : FreeWidths::three;
  const auto snr_of = [&](double flux_e) {
    const StarScene scene{shape, 0.25, 0.25, flux_e, background_e, read_noise_e};
    return flux_e / cramer_rao(scene, {-reach, reach + 1, -reach, reach + 1}, widths).flux;
  };
  // Shot noise alone makes the flux at least snr^2; between the two limits the slope of log snr(log flux) is 1/2..1.
  double low = 0.5 * snr * snr,
         high = snr * snr + 100 * snr * fwhm_px * std::sqrt(background_e + read_noise_e * read_noise_e);
  while (high / low > 1 + 1e-6) {
    const double middle = std::sqrt(low * high);
    (snr_of(middle) < snr ? low : high) = middle;
  }
  return low;
}

}  // namespace starflow::test
