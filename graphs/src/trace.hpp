// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What ran when and where, as a file for Chrome's trace viewer and ui.perfetto.dev.

#include "frame_context.hpp"

#include <output_file.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace starflow::graph {

class Trace {
 public:
  using Clock = std::chrono::steady_clock;

  /// Opens \p path, which is claimed already; empty = nothing is kept. \throws ConfigError where it can't be written
  Trace(const std::string& path, bool may_replace);
  [[nodiscard]] bool on() const noexcept { return on_; }

  /// The body of \p node for one frame. Never throws: what memory has no room for is lost and counted.
  void ran(std::size_t node, const FrameContext& frame, Clock::time_point begin, Clock::time_point end) noexcept;
  /// What is inside of the graph from now on.
  void inside(std::size_t frames, std::size_t bytes) noexcept;

  /// A slice a body, an arrow from each body of a frame to the next, and counters of frames and bytes. The file gets
  /// its name. \throws RunError where it can't be written
  void write(const Layout& layout);

 private:
  struct Event {
    Clock::time_point begin, end;
    std::uint64_t seq, frame_id;
    std::size_t node;
    std::thread::id thread;
  };
  struct Level {
    Clock::time_point when;
    std::size_t frames, bytes;
  };

  const bool on_;
  OutputFile file_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  std::vector<Event> events_;
  std::vector<Level> levels_;
  std::uint64_t lost_ = 0;
};

}  // namespace starflow::graph
