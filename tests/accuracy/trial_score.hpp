// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Measures drawn stars with one method and scores every one of them against the truth.

#include "method_presets.hpp"
#include "pull_bias.hpp"
#include "stamp_trials.hpp"
#include "trial_bounds.hpp"

#include <starflow/core/measure.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace starflow::test {

/// Errors of one quantity. A value or an error bar that is not defined adds nothing.
class Tally {
 public:
  void add(double error, double bound, double error_bar);

  [[nodiscard]] double rms_over_bound() const;
  [[nodiscard]] double rms_pull() const;  ///< errors in units of the reported 1 sigma
  [[nodiscard]] double mean_pull() const;
  [[nodiscard]] double mean_error() const;
  [[nodiscard]] double largest_error() const { return largest_; }

 private:
  friend Tally pooled(const Tally& a, const Tally& b);
  double n_ = 0, n_pull_ = 0, n_scaled_ = 0;
  double largest_ = 0, error_ = 0, scaled2_ = 0, pull_ = 0, pull2_ = 0;
};
[[nodiscard]] Tally pooled(const Tally& a, const Tally& b);

struct TrialScore {
  std::size_t n = 0;
  std::size_t failed = 0;              ///< not converged, no covariance, or measured by another method
  std::size_t failed_far = 0;          ///< of them, with a start farther than half a FWHM off
  std::size_t at_bound = 0;            ///< converged with a width or beta on its bound: no failure
  std::size_t unflagged = 0;           ///< failed, or (fits) 8 bounds off in x or y, and no flag says so
  std::size_t other_stamp = 0;         ///< measured on other pixels than the bound's
  Tally x, y, flux, background, fwhm;  ///< px, ADU, ADU, px
  double flux_adu = 0;                 ///< the true one
};

/// Stars of one truth, the same for all exposures.
class Trial {
 public:
  /// \param field  how many places and where the starts lie; the rest follows from the others
  Trial(const Preset& preset, double fwhm_px, double flux_e, FieldOptions field, std::uint64_t seed);

  /// Draws and measures all stars \p exposures times and adds them to \p score. \p options may differ from the
  /// preset's where the pixels stay the same.
  void run(int exposures, const MeasureOptions& options, TrialScore& score);
  /// The same, once, without noise.
  void run_without_noise(const MeasureOptions& options, TrialScore& score);

  /// What theory expects of the mean pulls of a fit: the mean over the first \p places.
  [[nodiscard]] MeanPulls expected_pulls(std::size_t places) const;

 private:
  [[nodiscard]] StarScene scene(std::size_t place) const;
  [[nodiscard]] PixelBox box(std::size_t place) const;
  void measure_all(const MeasureOptions& options, TrialScore& score);

  Preset preset_;
  double fwhm_px_, flux_e_;
  TrialSky sky_;
  Random random_;
  Background background_;
  StampField field_;
  std::vector<TrialBounds> bounds_;
  std::vector<int> pixels_;
  MeasureWorkspace workspace_;
  StarTable stars_;
};

/// Pixel at the centre of a centred star, above the sky, in units of the sky's noise.
[[nodiscard]] double peak_over_noise(const StarShape& shape, double flux_e);

/// One line. \param fwhm_px  the true one
[[nodiscard]] std::string to_string(const TrialScore& score, double fwhm_px);

}  // namespace starflow::test
