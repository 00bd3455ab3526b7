// SPDX-License-Identifier: MIT
#include "run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace starflow::graph {
namespace {

constexpr std::uint64_t kFramesBeforeJudging = 20;

class SinkContext final : public Sink::Context {
 public:
  SinkContext(Run& run, std::size_t sink, const FrameContext& frame, Outcome outcome)
      : run_(run), sink_(sink), frame_(frame), outcome_(outcome) {}

  [[nodiscard]] const FrameInfo& info() const override { return *frame_.info; }
  [[nodiscard]] Outcome outcome() const override { return outcome_; }
  [[nodiscard]] const std::vector<NodeError>& errors() const override { return frame_.errors; }
  [[nodiscard]] const Message& input(std::size_t port) const override {
    const auto& inputs = run_.layout.nodes[sink_].inputs;
    if (port >= inputs.size())
      throw std::logic_error("read input port " + std::to_string(port) + ", which is not there");
    return frame_.message(inputs[port]);
  }
  [[nodiscard]] std::string_view config_hash() const override {
    return frame_.configuration ? std::string_view(frame_.configuration->hash) : std::string_view();
  }
  void log(LogLevel level, std::string_view text) override { run_.log(sink_, level, text); }

 private:
  Run& run_;
  std::size_t sink_;
  const FrameContext& frame_;
  Outcome outcome_;
};

}  // namespace

// Called for one frame at a time, in order.
void Run::conclude(FrameContext& frame) noexcept {
  delivering_.store(std::this_thread::get_id());
  oneapi::tbb::this_task_arena::isolate([&] {
    try {
      deliver_outcome(frame);
    } catch (...) {
      const Failure failure = current_failure();
      stop.abort_because([&] { return "delivering " + name_of(*frame.info) + ": " + failure.text; });
    }
  });
  delivering_.store({});
}

void Run::deliver(FrameContext& frame) noexcept {
  conclude(frame);
  const std::size_t bytes = frame.bytes;
  pool_.recycle(frame);  // frees what it held before the credit is given to another
  watchdog_.delivered();
  gate.leave(bytes);
  if (trace_.on()) {
    const Admission::Figures inside = gate.figures();
    trace_.inside(inside.frames, inside.bytes);
  }
  try {
    let_in();
  } catch (...) {
    const Failure failure = current_failure();
    stop.abort_because([&] { return "letting in a frame that waited: " + failure.text; });
  }
}

/// Frames that never came in: as a frame of which nothing was measured.
void Run::tell_of(const std::vector<Unadmitted>& frames) {
  for (const Unadmitted& one : frames) {
    FrameContext& frame = pool_.acquire();
    frame.info = one.info;
    if (one.outcome == Outcome::rejected) {
      frame.errors.push_back({layout.nodes[layout.source].id, "rejected", "the graph was full"});
    }
    write_sinks(frame, one.outcome);
    hand_back(frame, one.outcome);
    count(frame, one.outcome);
    pool_.recycle(frame);
  }
}

void Run::deliver_outcome(FrameContext& frame) {
  tell_of(frame.before);
  if (frame.tail_of && !frame.any_failed() && !frame.withheld && !any_served(frame)) {
    frame.fail(*frame.tail_of, "no_taker",
               "held back what came to no sink: nodes behind it also need what only a frame brings");
  }
  frame.collect_errors();
  const Outcome outcome = judge(frame);
  write_sinks(frame, outcome);
  hand_back(frame, outcome);
  count(frame, outcome);
  keep_account(false);
  if (!options.on_progress) return;
  try {
    options.on_progress(summary_);
  } catch (...) {
    stop.abort("the progress callback threw: " + current_failure().text);
  }
}

Outcome Run::judge(const FrameContext& frame) const {
  // A failure that would have come without the abort, too, is told as one.
  const bool withheld = frame.withheld.load(std::memory_order_relaxed);
  const bool failed = std::any_of(frame.errors.begin(), frame.errors.end(), [&](const NodeError& e) {
    return !withheld || (e.code != "cancelled" && e.code != "no_output");
  });
  if (!failed) return withheld ? Outcome::cancelled : Outcome::ok;
  for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
    if (frame.failed(i) && spec.nodes[i].on_error == OnError::fail_frame) return Outcome::failed;
  }
  return any_served(frame) ? Outcome::partial : Outcome::failed;
}

bool Run::any_served(const FrameContext& frame) const {
  bool any_sink = false, any = false;
  for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
    if (!instances_.sinks[i]) continue;
    any_sink = true;
    any = any || served(i, frame);
  }
  if (any_sink) return any;
  // What the host keeps is all that leaves such a graph.
  return std::any_of(layout.kept.begin(), layout.kept.end(),
                     [&](std::size_t slot) { return static_cast<bool>(frame.message(slot)); });
}

// The sink has all that it requires, and something at all.
bool Run::served(std::size_t sink, const FrameContext& frame) const {
  const auto& inputs = layout.nodes[sink].inputs;
  return frame.ready(sink) && std::any_of(inputs.begin(), inputs.end(),
                                          [&](std::size_t slot) { return static_cast<bool>(frame.message(slot)); });
}

void Run::write_sinks(FrameContext& frame, Outcome outcome) {
  for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
    if (!instances_.sinks[i] || broken_sinks_[i]) continue;
    if (frame.tail_of && !layout.reaches(*frame.tail_of, i)) continue;
    const auto begin = NodeClock::Clock::now();
    if (frame.configuration) clocks_[i].waited(frame.ready_since(i), begin);
    try {
      SinkContext context(*this, i, frame, outcome);
      const Watchdog::Body body(watchdog_,
                                [&] { return "sink '" + layout.nodes[i].id + "' has had " + name_of(*frame.info); });
      keep_modes(i, [&] { instances_.sinks[i]->write(context); });
    } catch (...) {
      clocks_[i].failed();
      broken_sinks_[i] = true;
      stop.abort("sink '" + layout.nodes[i].id + "', " + name_of(*frame.info) + ": " + current_failure().text);
    }
    const auto end = NodeClock::Clock::now();
    clocks_[i].ran(begin, end);
    trace_.ran(i, frame, begin, end);
  }
}

FrameResult Run::result_of(const FrameContext& frame, Outcome outcome) const {
  FrameResult result{*frame.info, outcome, frame.errors, frame.configuration ? frame.configuration->hash : "", {}};
  for (std::size_t k = 0; k < layout.kept.size(); ++k) {
    if (const Message& message = frame.message(layout.kept[k]))
      result.outputs.emplace_back(layout.kept_names[k], message);
  }
  return result;
}

void Run::hand_back(const FrameContext& frame, Outcome outcome) {
  if (!options.on_result && wanted_ == nullptr) return;
  FrameResult result = result_of(frame, outcome);
  try {
    if (options.on_result) options.on_result(result);
  } catch (...) {
    stop.abort("the result callback threw at " + name_of(*frame.info) + ": " + current_failure().text);
  }
  if (wanted_ != nullptr) *std::exchange(wanted_, nullptr) = std::move(result);
}

void Run::count(const FrameContext& frame, Outcome outcome) {
  ++summary_.frames;
  ++summary_.outcomes[static_cast<std::size_t>(outcome)];
  summary_.stars += frame.stars.load(std::memory_order_relaxed);  // sinks got them whatever else failed
  const std::uint64_t failed = summary_.outcomes[static_cast<std::size_t>(Outcome::failed)];
  const double most = spec.run.max_failed_fraction * static_cast<double>(summary_.frames);
  if (stop.aborted() || summary_.frames < kFramesBeforeJudging || static_cast<double>(failed) <= most) return;
  stop.abort(fmt::format("{} of {} frames failed, more than the fraction run.max_failed_fraction = {} allows", failed,
                         summary_.frames, spec.run.max_failed_fraction));
}

/// Of a frame that was given up by an abort nothing is kept, so that it is measured when the run is continued; whoever
/// gave it up had seen the abort.
void Run::keep_account(bool at_end) {
  Journal* journal = instances_.journal.get();
  if (journal == nullptr || stop.aborted()) return;
  if (at_end ? summary_.frames == journal->so_far().frames : !journal->due(summary_)) return;
  std::vector<std::string> given;
  try {
    for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
      if (instances_.sinks[i]) keep_modes(i, [&] { given.push_back(instances_.sinks[i]->checkpoint()); });
    }
    journal->add(summary_, given);
  } catch (...) {
    stop.abort(current_failure().text);
  }
}

void Run::finish_journal() {
  if (!instances_.journal || instances_.journal->complete() || !summary_now(true).complete) return;
  try {
    instances_.journal->finish(summary_now(true));
  } catch (...) {
    stop.abort(current_failure().text);
  }
}

RunSummary Run::summary_now(bool source_ended) const {
  RunSummary now = summary_;
  const auto rejected = gate.figures().rejected;
  now.outcomes[static_cast<std::size_t>(Outcome::rejected)] += rejected;
  now.frames += rejected;
  now.complete = source_ended && !stop.aborted();
  if (!now.complete) now.reason = stop.reason();
  return now;
}

std::vector<NodeTime> Run::times() const {
  std::vector<NodeTime> list;
  for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
    NodeTime& time = list.emplace_back();
    time.id = layout.nodes[i].id;
    time.type = layout.nodes[i].type->name;
    clocks_[i].report(time);
  }
  return list;
}

// After the last frame, when the threads of the flow are gone.
RunReport Run::close(bool source_ended) {
  RunReport report;
  report.already_complete = instances_.journal && instances_.journal->complete();
  report.continued = continued_;
  tell_of(unadmitted_);
  unadmitted_.clear();
  keep_account(true);
  for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
    if (!instances_.sinks[i]) continue;
    const auto begin = NodeClock::Clock::now();
    try {
      keep_modes(i, [&] { instances_.sinks[i]->close(summary_now(source_ended)); });
    } catch (...) {
      stop.abort("closing sink '" + layout.nodes[i].id + "': " + current_failure().text);
    }
    clocks_[i].closed(begin, NodeClock::Clock::now());
  }
  if (source_ended) finish_journal();
  try {
    trace_.write(layout);
  } catch (...) {
    stop.abort("the trace: " + current_failure().text);
  }
  for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
    if (!instances_.sinks[i]) continue;
    try {
      if (std::string text = instances_.sinks[i]->report(); !text.empty()) {
        report.reports.emplace_back(layout.nodes[i].id, std::move(text));
      }
    } catch (...) {
      stop.abort("the report of sink '" + layout.nodes[i].id + "': " + current_failure().text);
    }
  }
  const Admission::Figures figures = gate.figures();
  report.summary = summary_now(source_ended);
  report.aborted = stop.aborted();
  report.peak_in_flight = figures.peak_frames;
  report.peak_bytes = figures.peak_bytes;
  report.times = times();
  const std::lock_guard lock(phase_mutex_);
  report_ = report;
  phase_ = Phase::closed;
  phase_changed_.notify_all();
  return report;
}

}  // namespace starflow::graph
