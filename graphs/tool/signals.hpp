// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Ctrl-C: the first drains, the second aborts, the third ends the process at once.

#include <starflow/graph/runner.hpp>

#include <atomic>
#include <mutex>
#include <thread>

namespace starflow::tool {

/// Lets a write to a closed pipe or beyond a limit fail with an error instead of ending the process.
void ignore_write_signals();

/// While it lives, SIGINT and SIGTERM end the process at once, with exit code 130, but for the time of a Run. Make it
/// before any other thread: these inherit that the signals are blocked.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// A run was told to abort.
  [[nodiscard]] bool aborted() const noexcept { return count_ > 1; }

  /// While it lives, signals act on a runner.
  class Run {
   public:
    Run(SignalWatch& watch, graph::GraphRunner& runner) : watch_(watch) { watch_.set(&runner); }
    ~Run() { watch_.set(nullptr); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

   private:
    SignalWatch& watch_;
  };

 private:
  void set(graph::GraphRunner* runner);
  void watch(const std::stop_token& stop);
  void act();

  std::mutex mutex_;
  graph::GraphRunner* runner_ = nullptr;
  std::atomic<int> count_ = 0;  // of signals
  std::jthread thread_;
};

}  // namespace starflow::tool
