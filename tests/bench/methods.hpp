// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The presets of configs/methods as options of measure(), and measure() on a Field.

#include <starflow/core/measure.hpp>

#include <string>
#include <vector>

#include "cases.hpp"

namespace starflow::bench {

inline constexpr Detector kDetector{1, kReadNoiseE, 65535};

struct Preset {
  std::string name;
  Profile truth = Profile::gaussian;  ///< of the stars that it is judged on: its own family
  MeasureOptions options;
};

[[nodiscard]] std::vector<Preset> presets();
[[nodiscard]] const Preset& preset(const std::string& name);

/// measure() and the memory that it keeps.
struct Session {
  DetectWorkspace search;
  MeasureWorkspace workspace;
  StarTable stars;

  void run(const Field& field, PixelType type, const Detections& detections, const MeasureOptions& options);
};

/// The options for stamps of exactly \p side px.
[[nodiscard]] MeasureOptions with_stamp(MeasureOptions options, const Field& field);

}  // namespace starflow::bench
