// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Durations as counts in steps that grow with them, written by any thread.

#include <starflow/graph/runner.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace starflow::graph {

class DurationHistogram {
 public:
  void add(std::uint64_t nanoseconds) noexcept {
    counts_[step_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
    std::uint64_t most = most_.load(std::memory_order_relaxed);
    while (nanoseconds > most && !most_.compare_exchange_weak(most, nanoseconds, std::memory_order_relaxed)) {
    }
  }

  /// The end of the step that the quantile lies in, no more than the longest.
  [[nodiscard]] Percentiles percentiles() const noexcept {
    std::uint64_t all = 0;
    for (const auto& c : counts_) all += c.load(std::memory_order_relaxed);
    const double most = 1e-9 * static_cast<double>(most_.load(std::memory_order_relaxed));
    const auto quantile = [&](double part) {
      const auto rank = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(all)));
      std::uint64_t sum = 0;
      for (std::size_t s = 0; s < counts_.size(); ++s) {
        sum += counts_[s].load(std::memory_order_relaxed);
        if (sum >= rank && sum > 0) return std::min(most, 1e-9 * static_cast<double>(end_of(s)));
      }
      return 0.0;
    };
    return {quantile(0.5), quantile(0.95), quantile(0.99), most};
  }

 private:
  static constexpr std::size_t kPerOctave = 8;  // a step is at most 1/8 of what it holds

  /// Below 8 ns each has a step of its own; then eight a power of two.
  static std::size_t step_of(std::uint64_t ns) noexcept {
    if (ns < kPerOctave) return static_cast<std::size_t>(ns);
    const auto shift = static_cast<std::size_t>(std::bit_width(ns)) - 4;
    return shift * kPerOctave + static_cast<std::size_t>(ns >> shift);
  }
  static std::uint64_t end_of(std::size_t step) noexcept {
    if (step < 2 * kPerOctave) return step;
    const std::size_t shift = step / kPerOctave - 1;
    return ((step % kPerOctave + kPerOctave + 1) << shift) - 1;
  }

  std::array<std::atomic<std::uint32_t>, 62 * kPerOctave> counts_{};
  std::atomic<std::uint64_t> most_{0};
};

}  // namespace starflow::graph
