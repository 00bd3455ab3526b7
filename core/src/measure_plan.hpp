// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What measure() does to every star of one frame, worked out from its options.

#include "annulus.hpp"
#include "centroid_lanes.hpp"
#include "dao_shape.hpp"
#include "fit.hpp"

#include <starflow/core/measure.hpp>

namespace starflow {

/// Lengths in block pixels where no unit is said.
struct MeasurePlan {
  MeasurePlan(const Detections& detections, const Detector& detector, const MeasureOptions& options);

  /// Window of the centroid or start of its width, 1 sigma; where it does not come from each star.
  [[nodiscard]] double window_sigma() const;

  MeasureOptions options;
  double fwhm_px;    ///< of the stars
  int pitch = 1;     ///< px of a block pixel
  int block_radius;  ///< of what is read
  double fwhm;       ///< of the stars
  bool fits;         ///< the method fits a model
  FitRules fit;      ///< fit.radius is the stamp's for every method
  CentroidRules centroid;
  CentroidRules fallback;  ///< where a fit fails
  DaoShape dao;
  Ring ring;  ///< px
  bool needs_ring;
  NoiseFrom noise;  ///< as asked, or `map` where that needs a gain that is not known
};

}  // namespace starflow
