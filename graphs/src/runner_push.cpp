// SPDX-License-Identifier: MIT
#include "run.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace starflow::graph {

bool Run::submit(Frame frame) {
  if (!pushed_) throw std::logic_error("the graph has a source of its own: submit() needs source.push");
  refuse_callback("submit");
  const Admission::Visit visit(gate);
  move_by(Mover::threads);
  Pushed pushed = packed(std::move(frame));
  if (spec.run.when_full != WhenFull::block) return offer(std::move(pushed));
  if (!gate.admit(pushed.bytes)) return false;
  launch_pushed(std::move(pushed));
  return true;
}

FrameResult Run::process(Frame frame) {
  if (!pushed_) throw std::logic_error("the graph has a source of its own: process() needs source.push");
  refuse_callback("process");
  const Admission::Visit visit(gate);
  move_by(Mover::caller);
  const std::lock_guard one_at_a_time(one_body_);
  Pushed pushed = packed(std::move(frame));
  FrameResult result{*pushed.info, Outcome::rejected, {}, {}, {}};
  if (!gate.admit(pushed.bytes)) {
    result.errors.push_back({layout.nodes[layout.source].id, "rejected", "the run has ended"});
    return result;
  }
  FrameContext& context = unpacked(std::move(pushed));
  wanted_ = &result;
  delivering_.store(std::this_thread::get_id());
  admit(context);
  visit_all(context);
  deliver(context);
  if (std::exchange(wanted_, nullptr) != nullptr) result.outcome = Outcome::failed;  // the run's reason says why
  return result;
}

Run::Pushed Run::packed(Frame frame) const {
  Pushed pushed;
  pushed.info = frame.share_info();
  pushed.bytes = frame.bytes();
  if (pushed.bytes > gate.max_bytes()) pushed.refused = std::exchange(pushed.bytes, 0);
  pushed.message = Message::of(std::make_shared<const Frame>(std::move(frame)));
  return pushed;
}

/// The envelope of a frame whose credit is taken.
FrameContext& Run::unpacked(Pushed pushed) {
  FrameContext* context = nullptr;
  try {
    context = &pool_.acquire();
  } catch (...) {
    gate.leave(pushed.bytes);
    throw;
  }
  context->info = std::move(pushed.info);
  context->bytes = pushed.bytes;
  context->send(layout.source, 0, std::move(pushed.message));
  if (pushed.refused > 0) refuse_size(layout.source, *context, pushed.refused);
  return *context;
}

void Run::launch_pushed(Pushed pushed) {
  const std::uint64_t number = pushed.number;
  FrameContext& context = unpacked(std::move(pushed));
  if (spec.run.when_full != WhenFull::block) {  // the queue's lock is held then
    const auto later = std::ranges::upper_bound(unadmitted_, number, {}, &Unadmitted::number);
    context.before.assign(std::make_move_iterator(unadmitted_.begin()), std::make_move_iterator(later));
    unadmitted_.erase(unadmitted_.begin(), later);
  }
  launch(context);
}

/// Lets the frame in, or in a queue, or leaves out the frame that the policy says.
bool Run::offer(Pushed pushed) {
  const std::lock_guard lock(queue_mutex_);
  if (gate.turn_away()) return false;
  pushed.number = ++submitted_;
  if (queue_.empty() && gate.try_admit(pushed.bytes)) {
    launch_pushed(std::move(pushed));
    return true;
  }
  pushed.since = NodeClock::Clock::now();
  pushed.visit = std::make_unique<Admission::Visit>(gate);
  queue_.push_back(std::move(pushed));
  const bool drop_oldest = spec.run.when_full == WhenFull::drop_oldest;
  const std::size_t room = drop_oldest ? std::max<std::size_t>(spec.run.queue, 1) : spec.run.queue;
  if (queue_.size() <= room) return true;
  if (drop_oldest) {
    leave_out(queue_.front(), Outcome::dropped);
    queue_.pop_front();
    return true;
  }
  leave_out(queue_.back(), spec.run.when_full == WhenFull::fail ? Outcome::rejected : Outcome::dropped);
  queue_.pop_back();
  return false;
}

/// The next frames of the queue, after one has left the graph. Whoever delivers calls it: a graph that is full has a
/// frame inside, so the queue is never left alone.
void Run::let_in() {
  if (spec.run.when_full == WhenFull::block) return;
  const std::lock_guard lock(queue_mutex_);
  const std::chrono::duration<double, std::milli> most(spec.run.max_age_ms);
  while (!queue_.empty()) {
    Pushed& next = queue_.front();
    const bool too_old = spec.run.max_age_ms > 0 && NodeClock::Clock::now() - next.since > most;
    if (too_old || gate.closed()) {
      leave_out(next, Outcome::dropped);
    } else if (gate.try_admit(next.bytes)) {
      launch_pushed(std::move(next));
    } else if (!gate.closed()) {
      return;
    } else {
      continue;
    }
    queue_.pop_front();
  }
}

/// The frame's outcome is told before the next frame that was submitted after it. Its pixels are let go at once.
void Run::leave_out(Pushed& pushed, Outcome outcome) {
  pushed.message = {};
  const auto later = std::ranges::upper_bound(unadmitted_, pushed.number, {}, &Unadmitted::number);
  unadmitted_.insert(later, {std::move(pushed.info), outcome, pushed.number});
}

}  // namespace starflow::graph
