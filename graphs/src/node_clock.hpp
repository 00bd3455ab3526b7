// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How long the bodies of one node took.

#include <atomic>
#include <chrono>
#include <cstdint>

namespace starflow::graph {

/// Sums wall time over the threads that run a node. The values reach RunReport::times and no record.
class NodeClock {
  using Clock = std::chrono::steady_clock;

 public:
  /// Measures its own life.
  class Visit {
   public:
    explicit Visit(NodeClock& clock, std::uint64_t calls = 1) noexcept : clock_(clock), calls_(calls) {}
    ~Visit() {
      const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin_);
      clock_.nanoseconds_.fetch_add(spent.count(), std::memory_order_relaxed);
      clock_.calls_.fetch_add(calls_, std::memory_order_relaxed);
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    NodeClock& clock_;
    const std::uint64_t calls_;
    const Clock::time_point begin_ = Clock::now();
  };

  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_.load(std::memory_order_relaxed); }
  [[nodiscard]] double seconds() const noexcept {
    return 1e-9 * static_cast<double>(nanoseconds_.load(std::memory_order_relaxed));
  }

 private:
  std::atomic<std::int64_t> nanoseconds_{0};
  std::atomic<std::uint64_t> calls_{0};
};

}  // namespace starflow::graph
