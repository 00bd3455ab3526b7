// SPDX-License-Identifier: MIT
#include "parallel_loop.hpp"
#include "run.hpp"

#include <stdexcept>
#include <utility>

namespace starflow::graph {
namespace {

const Message& input_of(const Layout::Node& node, std::size_t port, const FrameContext& frame) {
  if (port >= node.inputs.size()) {
    throw std::logic_error("read input port " + std::to_string(port) + ", but type " + node.type->name + " has " +
                           std::to_string(node.inputs.size()));
  }
  return frame.message(node.inputs[port]);
}

class NodeContext final : public Node::Context {
 public:
  NodeContext(Run& run, std::size_t node, FrameContext& frame)
      : run_(run), node_(node), frame_(frame), loop_(run.stop.token(), run.one_thread()) {}

  [[nodiscard]] const FrameInfo& info() const override { return *frame_.info; }
  [[nodiscard]] const Message& input(std::size_t port) const override {
    return input_of(run_.layout.nodes[node_], port, frame_);
  }
  [[nodiscard]] std::string_view input_name(std::size_t port) const override {
    return run_.layout.nodes[node_].type->inputs[port].name;
  }
  void send(std::size_t port, Message message) override { frame_.send(node_, port, std::move(message)); }
  [[nodiscard]] std::stop_token stop() const override { return run_.stop.token(); }
  [[nodiscard]] ParallelFor parallel() override { return loop_; }
  [[nodiscard]] std::string_view config_hash() const override { return frame_.configuration->hash; }
  void log(LogLevel level, std::string_view text) override { run_.log(node_, level, text); }

 private:
  Run& run_;
  std::size_t node_;
  FrameContext& frame_;
  ParallelLoop loop_;
};

class SourceContext final : public Source::Context {
 public:
  SourceContext(Run& run, std::size_t node, FrameContext& frame) : run_(run), node_(node), frame_(frame) {}

  [[nodiscard]] std::stop_token stop() const override { return run_.stop.token(); }
  void send(std::size_t port, Message message) override {
    std::size_t size = 0;
    std::shared_ptr<const FrameInfo> of_frame;
    if (const auto* sent_frame = message.as<Frame>()) {
      size = sent_frame->bytes();
      of_frame = sent_frame->share_info();
    }
    frame_.send(node_, port, std::move(message));
    bytes += size;
    if (of_frame) frame_info = std::move(of_frame);
    sent = true;
  }
  void log(LogLevel level, std::string_view text) override { run_.log(node_, level, text); }

  std::size_t bytes = 0;
  std::shared_ptr<const FrameInfo> frame_info;  // of the frame that was sent, which knows its size
  bool sent = false;

 private:
  Run& run_;
  std::size_t node_;
  FrameContext& frame_;
};

}  // namespace

/// Fills \p frame by what \p call, which is next() or flush() of the node \p from, sends. \return false at the end
template <class Call>
bool Run::draw(std::size_t from, FrameContext& frame, Call&& call) {
  SourceContext context(*this, from, frame);
  Failure failure;
  bool more = true;
  const auto begin = NodeClock::Clock::now();
  try {
    keep_modes(from, [&] { more = call(context); });
  } catch (...) {
    failure = current_failure();
  }
  const auto end = NodeClock::Clock::now();
  if (more || from == layout.source) clocks_[from].ran(begin, end);
  if (!more) {
    if (context.sent) log(from, LogLevel::warning, "sent a message with the end of its frames; it is not used");
    return false;
  }
  if (context.frame_info) {
    frame.info = std::move(context.frame_info);
  } else {
    frame.info = std::make_shared<const FrameInfo>(std::move(context.info));
  }
  frame.read_begin = begin;
  frame.read_end = end;
  if (failure.code.empty()) {
    frame.check_sent(from);
    if (context.bytes > gate.max_bytes()) refuse_size(from, frame, context.bytes);
  } else {
    fail(from, frame, std::move(failure));
  }
  if (!frame.failed(from)) frame.bytes = context.bytes;
  return true;
}

bool Run::read(FrameContext& frame) {
  const std::size_t source = layout.source;
  const bool more = draw(source, frame, [&](Source::Context& context) {
    const Watchdog::Body body(watchdog_, [&] { return "source '" + layout.nodes[source].id + "'"; });
    return instances_.sources[source]->next(context);
  });
  if (!more) return false;
  if (frame.failed(source)) {
    guard_source(frame);
  } else {
    last_failed_.reset();
  }
  return true;
}

void Run::refuse_size(std::size_t from, FrameContext& frame, std::size_t bytes) {
  fail(from, frame,
       {"too_large", "holds " + std::to_string(bytes) + " bytes, more than run.max_bytes_in_flight = " +
                         std::to_string(gate.max_bytes()) + " allows"});
}

// A source that throws before it moves on would fail the same frame for ever.
void Run::guard_source(const FrameContext& frame) {
  std::pair<std::uint64_t, std::string> now{frame.info->frame_id, frame.info->source};
  if (last_failed_ == now) {
    stop.abort("source '" + layout.nodes[layout.source].id + "' failed twice in a row on " + name_of(*frame.info) +
               " and does not move on");
  }
  last_failed_ = std::move(now);
}

void Run::visit_all(FrameContext& frame) noexcept {
  for (std::size_t i = 0; i < layout.nodes.size(); ++i) {  // in the order of the flow
    if (layout.nodes[i].type->make.index() != 1) continue;
    if (!frame.tail_of || layout.reaches(*frame.tail_of, i)) visit(i, frame);
  }
}

/// In the calling thread: when the last frame has left, nobody else is at work.
void Run::flush() noexcept {
  for (std::size_t i = 0; i < layout.nodes.size(); ++i) {
    if (layout.nodes[i].type->make.index() != 1 || !layout.nodes[i].type->serial) continue;
    try {
      while (!stop.aborted() && flush_one(i)) {
      }
    } catch (...) {
      const Failure failure = current_failure();
      stop.abort_because([&] { return "flushing node '" + layout.nodes[i].id + "': " + failure.text; });
    }
  }
}

/// Takes the next message that \p node held back to the sinks behind it. \return whether there may be more
bool Run::flush_one(std::size_t node) {
  FrameContext& frame = pool_.acquire();
  frame.tail_of = node;
  const bool more = draw(node, frame, [&](Source::Context& context) {
    const Watchdog::Body body(watchdog_, [&] { return "flush of node '" + layout.nodes[node].id + "'"; });
    return instances_.nodes[node]->flush(context);
  });
  if (!more) {
    pool_.recycle(frame);
    return false;
  }
  const bool failed = frame.failed(node);
  admit(frame);
  visit_all(frame);
  conclude(frame);
  pool_.recycle(frame);
  return !failed;
}

void Run::visit(std::size_t node, FrameContext& frame) noexcept {
  if (frame.ready(node)) {
    if (stop.aborted()) {
      frame.withheld.store(true, std::memory_order_relaxed);
    } else {
      // An arena of one thread still lets TBB's worker in beside ours now and then.
      std::unique_lock alone(one_body_, std::defer_lock);
      if (flow_ && flow_->threads() == 1) alone.lock();
      const auto begin = NodeClock::Clock::now();
      clocks_[node].waited(frame.ready_since(node), begin);
      // A body that waits (for a loop of its own or of OpenCV) must not be given another body meanwhile.
      oneapi::tbb::this_task_arena::isolate([&] { run_body(node, frame); });
      const auto end = NodeClock::Clock::now();
      clocks_[node].ran(begin, end);
      trace_.ran(node, frame, begin, end);
    }
  }
  for (const std::size_t slot : layout.nodes[node].inputs) frame.release(slot);
  frame.passed(node, NodeClock::Clock::now());
}

void Run::run_body(std::size_t node, FrameContext& frame) {
  try {
    NodeContext context(*this, node, frame);
    const Watchdog::Body body(watchdog_,
                              [&] { return "node '" + layout.nodes[node].id + "' has had " + name_of(*frame.info); });
    keep_modes(node, [&] { frame.configuration->nodes[node]->process(context); });
    frame.check_sent(node);
  } catch (...) {
    fail(node, frame, current_failure());
    return;
  }
  // A body that ended early because it was asked to is not at fault.
  if (frame.failed(node) && stop.aborted()) frame.withheld.store(true, std::memory_order_relaxed);
}

void Run::fail(std::size_t node, FrameContext& frame, Failure failure) noexcept {
  clocks_[node].failed();
  const bool given_up = failure.code == "cancelled" && stop.aborted();
  failure.ends_run = failure.ends_run || (spec.nodes[node].on_error == OnError::abort && !given_up);
  if (failure.ends_run) {
    stop.abort_because(
        [&] { return "node '" + layout.nodes[node].id + "', " + name_of(*frame.info) + ": " + failure.text; });
  }
  if (failure.code == "cancelled" && stop.aborted()) frame.withheld.store(true, std::memory_order_relaxed);
  frame.fail(node, std::move(failure.code), std::move(failure.text));
}

}  // namespace starflow::graph
