// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The methods as the accuracy tests try them: options, the truth that suits each, and what it leaves free.

#include <starflow/core/crlb.hpp>
#include <starflow/core/measure.hpp>
#include <starflow/core/star_profile.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace starflow::test {

/// What may be asked of a method.
enum class Kind : std::uint8_t {
  likelihood,     ///< reaches the Cramer-Rao bound
  least_squares,  ///< reaches its own, larger, bound
  adaptive,       ///< comes near the bound
  stated          ///< no model: what it reaches is printed
};

struct Preset {
  std::string_view name;  ///< of configs/methods
  Kind kind = Kind::likelihood;
  MeasureOptions options;
  FreeWidths widths = FreeWidths::two;
  Profile profile = Profile::gaussian;    ///< of the true star, as the next three
  double ellipticity = 0, theta_deg = 0;  ///< degrees
  double beta = 2.5;

  [[nodiscard]] bool fits() const { return kind == Kind::likelihood || kind == Kind::least_squares; }
  [[nodiscard]] StarShape truth(double fwhm_px) const {
    return star_shape(profile, fwhm_px, ellipticity, theta_deg, beta);
  }
};

[[nodiscard]] std::span<const Preset> method_presets();
/// The one of this name, which must be among them.
[[nodiscard]] const Preset& method_preset(std::string_view name);

/// Half side of the stamp that measure() reads for stars of this FWHM, px.
[[nodiscard]] int stamp_radius_px(const MeasureOptions& options, double fwhm_px);

/// The flux (e-) of a star whose Cramer-Rao bound is flux / \p snr, on all pixels within 4 FWHM: the definition of the
/// simulated sky.
[[nodiscard]] double flux_for_snr(
    const StarShape& shape, double fwhm_px, double snr, double background_e, double read_noise_e);

}  // namespace starflow::test
