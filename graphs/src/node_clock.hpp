// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How long the bodies of one node took, how long frames waited for them, and how many failed.

#include "duration_histogram.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace starflow::graph {

/// Sums wall time over the threads that run a node. The values reach RunReport::times and no record.
class NodeClock {
 public:
  using Clock = std::chrono::steady_clock;

  /// A body that ran from \p begin to \p end.
  void ran(Clock::time_point begin, Clock::time_point end) noexcept {
    const std::uint64_t spent = between(begin, end);
    nanoseconds_.fetch_add(spent, std::memory_order_relaxed);
    calls_.fetch_add(1, std::memory_order_relaxed);
    body_.add(spent);
  }
  /// A sink's close(): counts for the sum alone.
  void closed(Clock::time_point begin, Clock::time_point end) noexcept {
    nanoseconds_.fetch_add(between(begin, end), std::memory_order_relaxed);
  }
  /// \param since  the clock's zero where the node waits for nobody
  void waited(Clock::time_point since, Clock::time_point until) noexcept {
    if (since != Clock::time_point{}) wait_.add(between(since, until));
  }
  void failed() noexcept { errors_.fetch_add(1, std::memory_order_relaxed); }

  void report(NodeTime& time) const noexcept {
    time.calls = calls_.load(std::memory_order_relaxed);
    time.seconds = 1e-9 * static_cast<double>(nanoseconds_.load(std::memory_order_relaxed));
    time.errors = errors_.load(std::memory_order_relaxed);
    time.body = body_.percentiles();
    time.wait = wait_.percentiles();
  }

 private:
  static std::uint64_t between(Clock::time_point begin, Clock::time_point end) noexcept {
    const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
    return spent > 0 ? static_cast<std::uint64_t>(spent) : 0;
  }

  std::atomic<std::uint64_t> nanoseconds_{0}, calls_{0}, errors_{0};
  DurationHistogram body_, wait_;
};

}  // namespace starflow::graph
