// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A simulated sky: stars, background and detector, and what is true about them.

#include "random.hpp"

#include <starflow/core/crlb.hpp>
#include <starflow/core/star_profile.hpp>
#include <starflow/sdk/messages.hpp>

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <limits>
#include <vector>

namespace starflow {

struct SkyOptions {
  int width = 0, height = 0;  ///< px
  int stars = 0;              ///< a frame
  double fwhm_px = 3;
  Profile profile = Profile::gaussian;
  double beta = 3;
  double ellipticity = 0, theta_deg = 0;
  double snr_min = 10, snr_max = 1000;            ///< of the flux, drawn log-uniform
  double background_adu = 0;                      ///< sky light at the middle of the frame
  double gradient_x_adu = 0, gradient_y_adu = 0;  ///< from edge to edge
  double pedestal_adu = 0;                        ///< electronic offset: no shot noise
  double gain_e_per_adu = 1, read_noise_e = 0;
  double saturation_adu = std::numeric_limits<double>::infinity();
  bool floating = false;      ///< f32 instead of u16
  int hot_pixels = 0;         ///< the same in every frame
  double min_separation = 0;  ///< FWHM
  std::uint64_t seed = 1;
};

/// Draws frames. Frame n depends on the options and n alone. Immutable.
class SkyModel {
 public:
  /// \throws OptionError for options that contradict each other.
  explicit SkyModel(const SkyOptions& options);

  struct Picture {
    cv::Mat image;
    Truth truth;  ///< without its FrameInfo
  };
  /// \throws FrameError("sky.crowded", ...) where the stars find no place at the separation asked for
  [[nodiscard]] Picture draw(std::uint64_t frame) const;

 private:
  struct HotPixel {
    int x, y;
    double level_e;
  };
  [[nodiscard]] double sky_e(double x, double y) const;
  [[nodiscard]] StarBounds bounds(double x, double y, double flux_e) const;
  [[nodiscard]] double flux_of(double snr) const;
  void tabulate_flux();
  void place(Random& random, Truth& truth) const;
  void judge(Truth& truth, const cv::Mat& image) const;
  [[nodiscard]] std::vector<double> expected(const Truth& truth) const;
  [[nodiscard]] cv::Mat expose(Random& random, const std::vector<double>& expected_e) const;

  SkyOptions options_;
  StarShape shape_;
  std::vector<HotPixel> hot_;
  std::vector<double> log_snr_, log_flux_;  // of a star at the middle of the frame
};

}  // namespace starflow
