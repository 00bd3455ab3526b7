// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The parts of a run: runner.cpp starts and ends it, runner_push.cpp takes frames of a host, runner_nodes.cpp runs the
/// bodies, runner_end.cpp delivers outcomes.

#include "admission.hpp"
#include "failure.hpp"
#include "flow.hpp"
#include "fp_guard.hpp"
#include "frame_context.hpp"
#include "instances.hpp"
#include "node_clock.hpp"
#include "stop.hpp"
#include "trace.hpp"
#include "watchdog.hpp"

#include <starflow/graph/runner.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace starflow::graph {

class Run {
 public:
  Run(GraphSpec the_spec, RunOptions the_options);
  ~Run();  ///< abort and wait
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // runner.cpp
  RunReport run();
  RunReport finish();
  void log(LogLevel level, std::string_view text) noexcept;
  void log(std::size_t node, LogLevel level, std::string_view text) noexcept;

  // runner_push.cpp
  bool submit(Frame frame);
  FrameResult process(Frame frame);

  // runner_change.cpp
  std::string reconfigure(const Overrides& changes);

  // runner_nodes.cpp
  bool read(FrameContext& frame);  ///< the next frame of the source; false at its end
  void flush() noexcept;           ///< what nodes with a memory held back
  void visit(std::size_t node, FrameContext& frame) noexcept;
  void visit_all(FrameContext& frame) noexcept;  ///< every node, one after the other, in the calling thread
  /// Bodies run one at a time: they need no loop on several threads.
  [[nodiscard]] bool one_thread() const noexcept { return !flow_ || flow_->threads() == 1; }

  // runner_end.cpp
  void deliver(FrameContext& frame) noexcept;
  RunReport close(bool source_ended);

  [[nodiscard]] std::uint64_t total() const;
  [[nodiscard]] std::uint64_t continued() const { return continued_; }

  const GraphSpec spec;
  const RunOptions options;
  const Layout layout;
  Admission gate;
  Stop stop;

 private:
  /// A frame that a host submitted, until it is on its way.
  struct Pushed {
    std::shared_ptr<const FrameInfo> info;
    Message message;
    std::size_t bytes = 0;
    std::size_t refused = 0;   // bytes of a frame that is too large
    std::uint64_t number = 0;  // of its submit()
    NodeClock::Clock::time_point since{};
    std::unique_ptr<Admission::Visit> visit{};
  };

  /// Who moves frames: threads of our own, or the thread that calls process(). Never both.
  enum class Mover : std::uint8_t { none, threads, caller };
  void move_by(Mover mover);
  void begin_outputs();

  bool pull();
  void admit(FrameContext& frame);
  void launch(FrameContext& frame);
  [[nodiscard]] Pushed packed(Frame frame) const;
  [[nodiscard]] FrameContext& unpacked(Pushed pushed);
  void launch_pushed(Pushed pushed);
  bool offer(Pushed pushed);
  void let_in();
  void leave_out(Pushed& pushed, Outcome outcome);
  void tell_of(const std::vector<Unadmitted>& frames);
  [[nodiscard]] std::shared_ptr<const Configuration> configuration() const;
  void run_body(std::size_t node, FrameContext& frame);
  template <class Call>
  void keep_modes(std::size_t node, Call&& call);
  template <class Call>
  bool draw(std::size_t from, FrameContext& frame, Call&& call);
  bool flush_one(std::size_t node);
  void fail(std::size_t node, FrameContext& frame, Failure failure) noexcept;
  void refuse_size(std::size_t from, FrameContext& frame, std::size_t bytes);
  void guard_source(const FrameContext& frame);
  void refuse_callback(const char* what) const;

  void conclude(FrameContext& frame) noexcept;
  void deliver_outcome(FrameContext& frame);
  [[nodiscard]] Outcome judge(const FrameContext& frame) const;
  [[nodiscard]] bool served(std::size_t sink, const FrameContext& frame) const;
  [[nodiscard]] bool any_served(const FrameContext& frame) const;
  void write_sinks(FrameContext& frame, Outcome outcome);
  [[nodiscard]] FrameResult result_of(const FrameContext& frame, Outcome outcome) const;
  void hand_back(const FrameContext& frame, Outcome outcome);
  void count(const FrameContext& frame, Outcome outcome);
  void keep_account(bool at_end);
  void finish_journal();
  [[nodiscard]] RunSummary summary_now(bool source_ended) const;
  [[nodiscard]] std::vector<NodeTime> times() const;

  std::mutex log_mutex_;
  std::vector<NodeClock> clocks_;  // of each node
  Instances instances_;
  bool pushed_;  // the source is source.push
  FramePool pool_;
  std::atomic<std::uint64_t> next_seq_{0};

  std::mutex change_mutex_;
  GraphSpec current_;  // `spec` with the options as they are now; of who holds change_mutex_
  mutable std::mutex configuration_mutex_;
  std::shared_ptr<const Configuration> configuration_;

  std::mutex queue_mutex_;
  std::deque<Pushed> queue_;            // outside of a full graph
  std::vector<Unadmitted> unadmitted_;  // and not told yet, by number
  std::uint64_t submitted_ = 0;

  Trace trace_;
  Watchdog watchdog_;
  std::mutex one_body_;            // held by a body where the run has one thread, and by process()
  FrameResult* wanted_ = nullptr;  // of the frame that process() was given
  std::optional<std::pair<std::uint64_t, std::string>>
      last_failed_;  // frame id and source of the frame before, if failed

  std::uint64_t continued_ = 0;     // frames that an earlier run had done
  RunSummary summary_;              // of the frames delivered so far; written by whoever delivers
  std::vector<bool> broken_sinks_;  // threw from write()
  std::atomic<std::thread::id> delivering_{};

  enum class Phase : std::uint8_t { ready, running, closed };
  std::mutex phase_mutex_;
  std::condition_variable phase_changed_;
  Phase phase_ = Phase::ready;
  std::optional<RunReport> report_;

  std::mutex mover_mutex_;
  Mover mover_ = Mover::none;
  std::unique_ptr<Flow> flow_;  // of Mover::threads. Last: its threads use everything above
};

/// Calls code of \p node that may be a plugin's, which may change the floating-point modes of this thread.
template <class Call>
void Run::keep_modes(std::size_t node, Call&& call) {
  const FpGuard modes;
  const auto put_back = [&] {
    if (modes.restore()) log(node, LogLevel::debug, "changed the floating-point state; it was put back");
  };
  try {
    call();
  } catch (...) {
    put_back();
    throw;
  }
  put_back();
}

/// "frame 7 (night/a.fits)"
[[nodiscard]] std::string name_of(const FrameInfo& info);

}  // namespace starflow::graph
