// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What measure() does to every star of one frame, worked out from its options.

#include "annulus.hpp"
#include "centroid_lanes.hpp"
#include "dao_shape.hpp"
#include "fit.hpp"
#include "star_groups.hpp"

#include <starflow/core/measure.hpp>

namespace starflow {

/// Lengths in block pixels where no unit is said.
struct MeasurePlan {
  MeasurePlan(const Detections& detections,
              const Detector& detector,
              const MeasureOptions& options,
              Mosaic colours = Mosaic::none);

  /// The plan for stars whose shape is held at StarBlock::shape.
  [[nodiscard]] MeasurePlan with_lane_shapes() const;

  /// Window of the centroid or start of its width, 1 sigma; where it does not come from each star.
  [[nodiscard]] double window_sigma() const;

  MeasureOptions options;
  double fwhm_px;        ///< of the stars
  int pitch = 1;         ///< px of a block pixel
  int block_radius;      ///< of what is read
  double fwhm;           ///< of the stars
  bool fits;             ///< the method fits a model
  FitRules fit;          ///< fit.radius is the stamp's for every method
  FitRules patient_fit;  ///< the same without an end to its patience
  FitRules width_fit;    ///< the same with the width free that may be held
  FitRules round_fit;    ///< the same of a circle, for what tells no axes
  FitRules turned_fit;   ///< the same of an ellipse at any angle
  FitRules winged_fit;   ///< the same of a Moffat of any beta
  CentroidRules centroid;
  bool cuts_window = false;  ///< a given window is wider than what is read
  CentroidRules fallback;    ///< where a fit fails
  DaoShape dao;
  Ring ring;  ///< px
  bool needs_ring;
  Neighbours neighbours;  ///< as asked, or `mask` where that needs a fit of the star's own shape to a grey frame
  GroupRules near;        ///< which stars matter to each other
  FitRules group_fit;     ///< of stars that are fitted together
  int group_radius = 1;   ///< of the block that holds a group
  bool mosaic;            ///< pixels have colours
  bool balances;          ///< and a star an amplitude in each phase
  NoiseFrom noise;        ///< as asked, or `map` where that needs a gain that is not known

 private:
  void set_groups(const MeasureOptions& options);
};

}  // namespace starflow
