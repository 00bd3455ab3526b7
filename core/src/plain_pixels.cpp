// SPDX-License-Identifier: MIT
#include "plain_pixels.hpp"

#include <algorithm>

// Compiled once for each instruction set; the best that the CPU has is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plain_pixels.cpp"
#include <hwy/foreach_target.h>
// after foreach_target
#include <hwy/highway.h>
// after highway
#include "plain_pixels-inl.hpp"

#if HWY_ONCE
namespace starflow {

HWY_EXPORT(read_block);

namespace {

bool within(const StarBlock& block, const StarBlock::Source& s) {
  const int side = static_cast<int>(block.side());
  const FrameView& f = s.frame;
  return block.pitch == 1 && side >= 4 && !f.mask && !f.variance && f.mosaic == Mosaic::none && s.first_x >= 0 &&
         s.first_y >= 0 && s.first_x + side <= f.width && s.first_y + side <= f.height;
}

}  // namespace

void read_plain(StarBlock& block) {
  std::size_t any = block.lanes;
  bool all = true;
  for (std::size_t lane = 0; lane < block.lanes; ++lane) {
    block.clean[lane] = within(block, block.source[lane]) &&
                        (any == block.lanes || block.source[lane].frame.type == block.source[any].frame.type);
    if (block.clean[lane] && any == block.lanes) any = lane;
    all = all && block.clean[lane];
  }
  if (any == block.lanes) return;
  if (all) return HWY_DYNAMIC_DISPATCH(read_block)(block);
  // Lanes that can't be read this way take another's place, and are read again by the caller.
  const auto kept = block.source;
  for (std::size_t lane = 0; lane < block.lanes; ++lane) {
    if (!block.clean[lane]) block.source[lane] = kept[any];
  }
  HWY_DYNAMIC_DISPATCH(read_block)(block);
  block.source = kept;
}

}  // namespace starflow
#endif  // HWY_ONCE
