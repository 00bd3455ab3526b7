// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// ParallelFor on the threads of the runner, or of the caller alone.

#include "fp_guard.hpp"

#include <starflow/core/parallel.hpp>
#include <starflow/sdk/node.hpp>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <stop_token>
#include <utility>

namespace starflow::graph {

/// A parallel loop to be called from inside the arena. A thread that waits for its end runs only ranges of this very
/// loop, so nothing else is re-entered on its stack. An exception of the lowest range that threw is passed on, whatever
/// the threads did; ranges above it may be left out. After an abort no further range is started, and the loop ends with
/// FrameError("cancelled"), so that a body need not poll to end soon.
class ParallelLoop {
 public:
  /// \param one_thread  the ranges run one after the other, in the calling thread
  explicit ParallelLoop(std::stop_token stop, bool one_thread = false)
      : stop_(std::move(stop)), one_thread_(one_thread) {}

  void operator()(std::size_t n, std::size_t grain, RangeBody body) const {
    if (grain == 0) grain = 1;
    const std::size_t ranges = n / grain + (n % grain != 0 ? 1 : 0);
    if (ranges <= 1) {  // the modes are the caller's business
      if (n > 0) body(0, n);
      return;
    }
    std::atomic<std::size_t> failed_range{ranges};
    std::atomic<bool> cut_short{false};
    std::mutex mutex;
    std::exception_ptr failure;
    const auto range = [&](std::size_t i) {
      if (i > failed_range.load(std::memory_order_relaxed)) return;
      if (stop_.stop_requested()) {
        cut_short.store(true, std::memory_order_relaxed);
        return;
      }
      const Modes modes;  // a plugin's code may change those of a thread that works for others next
      try {
        const std::size_t begin = i * grain;
        body(begin, n - begin < grain ? n : begin + grain);
      } catch (...) {  // nothing is thrown into TBB: it would cancel the rest in no fixed order
        const std::lock_guard lock(mutex);
        if (i >= failed_range.load(std::memory_order_relaxed)) return;
        failed_range.store(i, std::memory_order_relaxed);
        failure = std::current_exception();
      }
    };
    if (one_thread_) {
      for (std::size_t i = 0; i < ranges && !failure && !cut_short.load(std::memory_order_relaxed); ++i) range(i);
    } else {
      oneapi::tbb::this_task_arena::isolate([&] { oneapi::tbb::parallel_for(std::size_t{0}, ranges, range); });
    }
    if (failure) std::rethrow_exception(failure);
    if (cut_short) throw FrameError("cancelled", "the run was aborted while this frame was under way");
  }

 private:
  struct Modes {
    FpGuard guard;
    ~Modes() { guard.restore(); }
  };

  std::stop_token stop_;
  bool one_thread_;
};

}  // namespace starflow::graph
