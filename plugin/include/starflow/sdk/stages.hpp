// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What our nodes do to a frame, as plain objects: for programs that have a dataflow of their own.

#include <starflow/core/measure.hpp>
#include <starflow/core/parallel.hpp>
#include <starflow/core/star_filter.hpp>
#include <starflow/sdk/messages.hpp>

#include <memory>
#include <string>

namespace starflow {

/// Finds stars, as the node `detect`. Any number of frames at once: each borrows memory that frames before it used.
class DetectStage {
 public:
  /// \param sky_passes  2: the background is measured again without the pixels of the stars that were found, and the
  ///        frame searched again; 1..2
  explicit DetectStage(BackgroundOptions background = {}, DetectOptions options = {}, int sky_passes = 1);
  ~DetectStage();
  DetectStage(DetectStage&&) noexcept;
  DetectStage& operator=(DetectStage&&) noexcept;

  [[nodiscard]] DetectionList operator()(const Frame& frame, ParallelFor parallel) const;

 private:
  struct Memory;
  BackgroundOptions background_;
  DetectOptions options_;
  int sky_passes_;
  std::unique_ptr<Memory> memory_;
};

/// Measures stars, as the node `centroid`. Any number of frames at once: each borrows memory that frames before it
/// used.
class CentroidStage {
 public:
  /// \param plugin_method  name of MeasureOptions::plugin, which must live as long as this; empty = none
  explicit CentroidStage(const MeasureOptions& options = {}, std::string plugin_method = {});
  ~CentroidStage();
  CentroidStage(CentroidStage&&) noexcept;
  CentroidStage& operator=(CentroidStage&&) noexcept;

  /// \throws FrameError "centroid.no_gain" where the noise can't be computed.
  [[nodiscard]] StarList operator()(const Frame& frame, const DetectionList& found, ParallelFor parallel) const;

 private:
  struct Memory;
  MeasureOptions options_;
  std::string plugin_method_;
  std::unique_ptr<Memory> memory_;
};

/// Takes stars out of a table, as the node `filter`.
class FilterStage {
 public:
  /// \param list_rejected  rows that go are listed in StarList::listed
  explicit FilterStage(const FilterRules& rules, bool list_rejected = false) : rules_(rules), list_(list_rejected) {}
  /// \return the stars that stay; the very list where none goes
  [[nodiscard]] std::shared_ptr<const StarList> operator()(std::shared_ptr<const StarList> stars) const;

 private:
  FilterRules rules_;
  bool list_;
};

}  // namespace starflow
