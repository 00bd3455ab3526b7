// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How a run ends before its time: drain and abort, the reason, and the token that bodies poll.

#include "admission.hpp"

#include <atomic>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>

namespace starflow::graph {

class Stop {
 public:
  explicit Stop(Admission& gate) : gate_(gate) {}

  void drain() noexcept {
    drained_.store(true);
    gate_.close();
  }
  /// The first reason counts. \param reason  after "aborted: "; empty = just "aborted"
  void abort(std::string reason) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (!aborted_.load()) reason_ = std::move(reason);
      aborted_.store(true);
    }
    gate_.abort();
    source_.request_stop();
  }
  /// As abort(), with a text that is still to be made: without it where memory is short.
  template <class MakeReason>
  void abort_because(MakeReason&& make_reason) noexcept {
    std::string reason;
    try {
      reason = make_reason();
    } catch (...) {
      reason.clear();
    }
    abort(std::move(reason));
  }
  [[nodiscard]] bool drained() const noexcept { return drained_.load(); }
  [[nodiscard]] bool aborted() const noexcept { return aborted_.load(); }
  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }
  /// For the summary; empty where nobody stopped the run.
  [[nodiscard]] std::string reason() const {
    const std::lock_guard lock(mutex_);
    if (aborted_.load()) return reason_.empty() ? "aborted" : "aborted: " + reason_;
    return drained_.load() ? "interrupted" : "";
  }

 private:
  Admission& gate_;
  std::atomic<bool> drained_{false}, aborted_{false};
  mutable std::mutex mutex_;
  std::string reason_;
  std::stop_source source_;
};

}  // namespace starflow::graph
