// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The fast way of pixels from the frame into lanes.

#include "star_block.hpp"

namespace starflow {

/// Fills the lanes of \p block whose square lies inside a frame without mask and variance, and has a pitch of 1, from
/// StarBlock::source. StarBlock::clean says which lanes hold nothing but finite pixels below saturation; the values of
/// the others are rubbish. The variances are not touched.
void read_plain(StarBlock& block);

}  // namespace starflow
