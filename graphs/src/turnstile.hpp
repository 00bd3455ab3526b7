// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Puts frames back into order: one at a time, by the runner's own dense number.

#include "frame_context.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace starflow::graph {

/// Frames arrive in any order from any thread and leave as 0, 1, 2, ... A thread that finds nobody at work takes every
/// frame whose turn it is; the others leave theirs and go on. Never blocks for longer than an exchange of pointers.
/// No more than `max_in_flight` consecutive numbers may be under way, so that a ring of that size holds them.
class Turnstile {
 public:
  explicit Turnstile(std::size_t max_in_flight) : ring_(std::bit_ceil(max_in_flight), nullptr) {}

  /// \p each must not throw; a frame may be reused as soon as its call is over.
  template <class Each>
  void pass(FrameContext& frame, Each&& each) {
    {
      const std::lock_guard lock(mutex_);
      ring_[frame.seq % ring_.size()] = &frame;
      if (busy_) return;
      busy_ = true;
    }
    while (FrameContext* next = take()) each(*next);
  }

 private:
  FrameContext* take() {
    const std::lock_guard lock(mutex_);
    FrameContext* next = std::exchange(ring_[next_ % ring_.size()], nullptr);
    if (next == nullptr) {
      busy_ = false;
    } else {
      ++next_;
    }
    return next;
  }

  std::mutex mutex_;
  std::vector<FrameContext*> ring_;
  std::uint64_t next_ = 0;
  bool busy_ = false;
};

}  // namespace starflow::graph
