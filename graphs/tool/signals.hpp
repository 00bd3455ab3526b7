// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Ctrl-C: the first drains, the second aborts, the third ends the process at once.

#include <starflow/graph/runner.hpp>

#include <atomic>
#include <thread>

namespace starflow::tool {

/// Takes SIGINT, SIGTERM and SIGPIPE away from their defaults. Call it before any thread is made, so that all inherit
/// it.
void block_signals();

/// While it lives, signals act on a runner.
class SignalWatch {
 public:
  explicit SignalWatch(graph::GraphRunner& runner);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  [[nodiscard]] bool interrupted() const noexcept { return count_ > 0; }

 private:
  void watch(const std::stop_token& stop);

  graph::GraphRunner& runner_;
  std::atomic<int> count_ = 0;
  std::jthread thread_;
};

}  // namespace starflow::tool
