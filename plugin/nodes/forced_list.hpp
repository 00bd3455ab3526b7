// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the nodes share that measure at given positions instead of those that detection finds.

#include "position_file.hpp"

#include <starflow/core/background.hpp>
#include <starflow/core/parallel.hpp>
#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/options.hpp>

#include <vector>

namespace starflow {

struct ForcedOptions {
  double fwhm_px = 0;  ///< of the stars; 0 = measured from the frame
  BackgroundOptions background;
};

/// `fwhm` and `background.*`
[[nodiscard]] std::vector<OptionSpec> forced_options();
/// \throws OptionError as read_background()
[[nodiscard]] ForcedOptions read_forced(const Options& options);

/// Every position as a candidate, flagged forced_position, with the light of its pixel above the background; 0 where
/// the frame has none.
[[nodiscard]] DetectionList forced_detections(const Frame& frame,
                                              const Positions& positions,
                                              const ForcedOptions& options,
                                              ParallelFor parallel);

}  // namespace starflow
