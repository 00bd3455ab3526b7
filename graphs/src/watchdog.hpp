// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Notices that nothing leaves a graph, and says which frame is in which node since when.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace starflow::graph {

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;
  /// Frames inside of the graph now.
  using Inside = std::function<std::size_t()>;
  using Report = std::function<void(std::string_view)>;

  /// \param stall_ms  0 = off: no thread, and body() and delivered() do nothing
  /// \param report    called by the watchdog's thread, once a stall
  Watchdog(double stall_ms, Inside inside, Report report);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Stands for a body that runs.
  class Body {
   public:
    /// \param what  makes "node 'stars', frame 7"; called where the watchdog is on
    template <class What>
    Body(Watchdog& dog, What&& what) : dog_(dog), number_(dog.on() ? dog.enter(what()) : 0) {}
    ~Body() {
      if (dog_.on()) dog_.leave(number_);
    }
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

   private:
    Watchdog& dog_;
    std::uint64_t number_;
  };

  /// A frame has its outcome.
  void delivered() noexcept;
  [[nodiscard]] bool on() const noexcept { return stall_.count() > 0; }

 private:
  struct Running {
    std::uint64_t number;
    std::string what;
    Clock::time_point since;
  };

  std::uint64_t enter(std::string what);
  void leave(std::uint64_t number) noexcept;
  void watch(const std::stop_token& stop);
  [[nodiscard]] std::string text(Clock::time_point now, std::size_t inside) const;

  const std::chrono::duration<double, std::milli> stall_;
  const Inside inside_;
  const Report report_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Running> running_;
  std::uint64_t next_ = 0;
  Clock::time_point last_ = Clock::now();  // of an outcome, or of the time when nothing was inside
  bool told_ = false;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace starflow::graph
