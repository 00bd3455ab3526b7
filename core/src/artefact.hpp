// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Tells peaks that no optics can make from stars: hot pixels and cosmic rays.

#include <starflow/core/background.hpp>
#include <starflow/core/detector.hpp>
#include <starflow/core/flags.hpp>
#include <starflow/core/frame_view.hpp>

namespace starflow {

/// Compares a peak with the sharpest star there can be: one of the frame's FWHM in the middle of a pixel. A bare limit
/// on sharpness would take undersampled stars; here what is expected is the light of such a star in its pixels.
class ArtefactTest {
 public:
  /// \param fwhm_px  of the stars
  ArtefactTest(const FrameView& frame, const Background& background, const Detector& detector, double fwhm_px);

  /// \param x, y  the brightest pixel of a candidate, inside of the frame
  /// \return flag::hot_pixel where it stands alone, flag::cosmic_ray where it falls off too steeply to two sides, or 0
  [[nodiscard]] Flags judge(int x, int y) const;

  /// Part of a peak below which the mean of two pixels beside it lies where the peak is an artefact, before noise.
  [[nodiscard]] float steep() const noexcept;

  /// Whether a star of S/N \p least lies under the artefact at (x, y), by the pixels within a FWHM of the star but not
  /// beside the artefact. Of stars narrower than 2 px too few such pixels are left: false.
  /// \param star_x, star_y  where it would be, px
  [[nodiscard]] bool hides_star(int x, int y, double star_x, double star_y, double least) const;

 private:
  /// A pixel, its colour's sky about it, and what it shows.
  struct Peak {
    int x = 0, y = 0;
    MeshSurface::Tangent sky;         // ADU
    double height = 0, variance = 0;  // ADU above the sky, ADU^2 of the sky
  };
  /// Mean of the two pixels beside the peak, of its colour, along one axis less what the sharpest star would have
  /// there, in sigma.
  [[nodiscard]] double excess(const Peak& peak, int dx, int dy) const;
  /// ADU above the background; NaN where there is no valid pixel. Near \p peak of its sky's plane.
  [[nodiscard]] double signal(const Peak& peak, int dx, int dy) const;
  [[nodiscard]] double signal(int x, int y) const;

  const FrameView& frame_;
  const Background& background_;
  const Detector& detector_;
  double sigma_;   // of the stars, px
  int apart_;      // px to the pixels beside: 2 on a mosaic, to those of the same colour
  double beside_;  // light in the pixel beside, in parts of the central one's
};

}  // namespace starflow
