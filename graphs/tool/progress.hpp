// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How far a run is: one line that is rewritten on a terminal, a line now and then elsewhere.

#include <starflow/sdk/node.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace starflow::tool {

/// Writes to standard error. Thread-safe.
class Progress {
 public:
  /// \param quiet  nothing but what say() and log() bring
  /// \param least  of log()
  Progress(bool quiet, LogLevel least);

  /// \param frames  in all; 0 = unknown \param done  of them by an earlier run
  void set_total(std::uint64_t frames, std::uint64_t done) {
    total_ = frames;
    done_ = done;
  }
  void update(const RunSummary& so_far);
  void log(LogLevel level, std::string_view text);
  void say(std::string_view text);  ///< a line of its own, also when quiet
  void finish();                    ///< removes the rewritten line
  [[nodiscard]] double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::string line(const RunSummary& so_far) const;

  std::mutex mutex_;
  const LogLevel least_;
  bool quiet_, terminal_, shown_ = false;
  std::uint64_t total_ = 0, done_ = 0;
  Clock::time_point start_ = Clock::now(), last_{};
};

}  // namespace starflow::tool
