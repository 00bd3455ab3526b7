// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The options that every node has that looks at a frame for the first time: background mesh and width of the stars.

#include <starflow/core/background.hpp>
#include <starflow/sdk/options.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace starflow {

inline constexpr double kMinFwhmPx = 0.5, kMaxFwhmPx = 50;

/// `background.tile_px`, `background.filter_tiles`
inline std::vector<OptionSpec> background_options() {
  OptionSpec tile{.name = "background.tile_px",
                  .form = Accepts::integer,
                  .fallback = std::int64_t{64},
                  .doc =
                      "Side of a tile of the background mesh; where the sky is uneven, tiles of 32 px and more are "
                      "divided.",
                  .unit = "px",
                  .minimum = 8,
                  .maximum = 1024};
  OptionSpec filter{.name = "background.filter_tiles",
                    .form = Accepts::integer,
                    .fallback = std::int64_t{3},
                    .doc = "Side of the median filter over the mesh; odd.",
                    .unit = "tiles",
                    .minimum = 1,
                    .maximum = 9};
  return {std::move(tile), std::move(filter)};
}

/// \throws OptionError for an even filter.
inline BackgroundOptions read_background(const Options& o) {
  const auto filter = static_cast<int>(o.integer("background.filter_tiles"));
  if (filter % 2 == 0)
    throw OptionError("background.filter_tiles", std::to_string(filter) + " is even; allowed: 1, 3, 5, 7, 9");
  return {static_cast<int>(o.integer("background.tile_px")), filter};
}

/// `fwhm`: a number or "auto". \p automatic says what "auto" means to this node.
inline OptionSpec fwhm_option(const std::string& automatic) {
  return {.name = "fwhm",
          .form = Accepts::number | Accepts::text,
          .fallback = std::string("auto"),
          .doc = "Full width at half maximum of the stars, or \"auto\": " + automatic + ".",
          .unit = "px",
          .minimum = kMinFwhmPx,
          .maximum = kMaxFwhmPx,
          .choices = {"auto"}};
}

/// \return 0 for "auto"
inline double read_fwhm(const Options& o) { return o.is_text("fwhm") ? 0.0 : o.number("fwhm"); }

}  // namespace starflow
