// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The simulated stars that every estimator is given: one frame, one star in each of its cells, the same starts.

#include <starflow/core/background.hpp>
#include <starflow/core/crlb.hpp>
#include <starflow/core/detect.hpp>
#include <starflow/core/frame_view.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace starflow::bench {

inline constexpr double kSkyE = 100, kReadNoiseE = 5;            ///< e- a pixel; the gain is 1
inline constexpr double kFaintestE = 1000, kBrightestE = 20000;  ///< central height of the profile, log-uniform
inline constexpr double kMoffatBeta = 2.5;
inline constexpr std::size_t kStars = 2000;

/// Width of the stars that a stamp of \p side px is meant for, as the sigma of a Gaussian, px.
[[nodiscard]] double sigma_of_stamp(int side);

/// A frame in both pixel types.
struct Picture {
  int width = 0, height = 0;
  std::vector<float> f32;
  std::vector<std::uint16_t> u16;

  [[nodiscard]] FrameView view(PixelType type) const;
};

/// Draws \p stars on a flat sky, each within \p reach px of its pixel. Noise is normal with the variance of the light
/// plus the read noise, which Poisson light of 100 e- a pixel and more is as far as an estimator can tell.
[[nodiscard]] Picture draw(std::span<const StarScene> stars, int width, int height, int reach, std::uint64_t seed);

/// A star of the given profile: widths about \p sigma that differ by up to 10 %, any orientation for a Moffat.
[[nodiscard]] StarScene random_star(
    Profile profile, double sigma, double faintest_e, double brightest_e, std::mt19937_64& bits);

/// What an estimator begins with.
struct Start {
  int x = 0, y = 0;     ///< px: the brightest of the central 5x5 pixels of the cell, the centre of the stamp
  double height_e = 0;  ///< that pixel above `level_e`
  double level_e = 0;   ///< median of the stamp's border
  double sigma_px = 0;  ///< 1.2 times the true one
};

/// One set of stars, in raster order.
struct Field {
  int side = 0;     ///< of the stamps, px
  int cell = 0;     ///< one star in each square of this side, px
  int columns = 0;  ///< cells
  int margin = 0;   ///< px about all cells: what is read around a star stays in the frame
  double sigma = 0;
  Picture picture;
  Background background;  ///< of a frame of the same sky without stars
  std::vector<StarScene> truth;
  std::vector<StarBounds> bound;  ///< of the stamp's own pixels
  std::vector<Start> start;
  std::vector<double> stamps;  ///< e-, sky included; side * side a star
  Detections detections;       ///< the starts, as a detector hands them over

  [[nodiscard]] const double* stamp(std::size_t star) const {
    return stamps.data() + star * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  }
  [[nodiscard]] double fwhm_px() const;
};

/// kStars stars of \p profile for stamps of \p side px; the same every time.
[[nodiscard]] Field make_field(Profile profile, int side);

/// The stars [first, first + n) of a field's detections.
[[nodiscard]] Detections some_of(const Detections& all, std::size_t first, std::size_t n);

}  // namespace starflow::bench
