// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Stars on a colour mosaic made grey: how much light each phase of the 2x2 pixels takes of one star.

#include "star_block.hpp"

#include <starflow/core/star_profile.hpp>

#include <cstddef>

namespace starflow {

/// A grey star as it is thought to be, in block units.
struct GreyStar {
  StarShape shape;
  double x = 0, y = 0;  ///< px from the centre of the central pixel
  double flux = 1;
  double level = 0;  ///< of the grey pixels
};

/// Sets the responses of the star's phases to their linear least-squares amplitudes in the profile of \p star, at its
/// place, over the square of \p radius; their mean is 1, and none is below 0.05. The block's pixels must be those of
/// the present responses; end_block() reads them anew. A phase without a pixel that counts keeps its response, and all
/// do where the light of a colour can't be told. \p star gets the mean amplitude as its flux.
/// \return what the variance of the flux grows by since the amplitudes are not known, block units
[[nodiscard]] double balance_colours(StarBlock& block, std::size_t lane, int radius, GreyStar& star);

/// Shot noise of a grey star: a phase of response r has 1 / r of it for the same grey light. The kernels know one for
/// all phases, so what the others have more is added to the variance of the pixels, by the light of \p star there.
void add_shot_noise(StarBlock& block, std::size_t lane, int radius, const GreyStar& star);

}  // namespace starflow
