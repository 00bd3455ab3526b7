// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A parallel loop on two threads that live as long as it does, and that allocates nothing once made.

#include <starflow/core/parallel.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

namespace starflow::test {

/// Call it as a ParallelFor. The caller's thread works too; which of the two takes a range is left to chance. One loop
/// at a time.
class TwoThreads {
 public:
  TwoThreads() : helper_([this] { serve(); }) {}
  ~TwoThreads() {
    {
      const std::lock_guard lock(mutex_);
      quit_ = true;
    }
    changed_.notify_all();
    helper_.join();
  }
  TwoThreads(const TwoThreads&) = delete;
  TwoThreads& operator=(const TwoThreads&) = delete;

  void operator()(std::size_t n, std::size_t grain, RangeBody body) {
    next_ = 0;
    {
      const std::lock_guard lock(mutex_);
      n_ = n;
      grain_ = grain;
      body_ = &body;
      busy_ = true;
    }
    changed_.notify_all();
    work(n, grain, body, own_ranges_);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
  }

  /// Ranges that the caller's thread and the other one took, so far.
  [[nodiscard]] std::size_t own_ranges() const { return own_ranges_; }
  [[nodiscard]] std::size_t other_ranges() const { return other_ranges_; }

 private:
  void work(std::size_t n, std::size_t grain, RangeBody body, std::atomic<std::size_t>& taken) {
    for (std::size_t begin = next_.fetch_add(grain); begin < n; begin = next_.fetch_add(grain)) {
      body(begin, begin + grain < n ? begin + grain : n);
      ++taken;
    }
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return quit_ || busy_; });
      if (quit_) return;
      const std::size_t n = n_, grain = grain_;
      const RangeBody body = *body_;
      lock.unlock();
      work(n, grain, body, other_ranges_);
      lock.lock();
      busy_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<std::size_t> next_ = 0, own_ranges_ = 0, other_ranges_ = 0;
  std::size_t n_ = 0, grain_ = 1;
  const RangeBody* body_ = nullptr;
  bool busy_ = false, quit_ = false;
  std::thread helper_;
};

}  // namespace starflow::test
