// SPDX-License-Identifier: MIT
#include <starflow/graph/runner.hpp>

#include "run.hpp"

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/diagnostic.hpp>

#include <stdexcept>
#include <utility>

namespace starflow::graph {
namespace {

constexpr std::size_t kMostInFlight = 65536;

const GraphSpec& checked(const GraphSpec& spec) {
  Diagnostic d;
  d.file = spec.file;
  d.path = "run.max_in_flight";
  d.text = "is " + std::to_string(spec.run.max_in_flight) + "; allowed are 1 to " + std::to_string(kMostInFlight);
  if (spec.run.max_in_flight < 1 || spec.run.max_in_flight > kMostInFlight) throw ConfigError({d});
  return spec;
}

/// The nodes that \p instances owns, which outlive every frame.
std::shared_ptr<const Configuration> first_configuration(const GraphSpec& spec, const Instances& instances) {
  auto first = std::make_shared<Configuration>();
  for (const auto& node : instances.nodes) first->nodes.emplace_back(std::shared_ptr<void>(), node.get());
  first->hash = spec.config_hash;
  return first;
}

/// Where an earlier run ended early and this one goes on; a trace of that one is of no use then.
bool continues(const Instances& instances) { return instances.journal && instances.journal->continues(); }

std::string trace_name(const RunOptions& options, const Instances& instances) {
  return instances.journal && instances.journal->complete() ? std::string() : options.trace;
}

}  // namespace

const Message& FrameResult::output(std::string_view node, std::string_view port) const {
  static const Message nothing;
  for (const auto& [name, message] : outputs) {
    if (name.size() == node.size() + 1 + port.size() && name.starts_with(node) && name[node.size()] == '.' &&
        name.ends_with(port)) {
      return message;
    }
  }
  return nothing;
}

std::string name_of(const FrameInfo& info) {
  return "frame " + std::to_string(info.frame_id) + (info.source.empty() ? "" : " (" + info.source + ")");
}

Run::Run(GraphSpec the_spec, RunOptions the_options)
    : spec(std::move(the_spec)),
      options(std::move(the_options)),
      layout(checked(spec), options.keep),
      gate(spec.run.max_in_flight, spec.run.max_bytes_in_flight),
      stop(gate),
      clocks_(spec.nodes.size()),
      instances_(start_nodes(spec,
                             {options.force, options.trace, options.resume, options.shard},
                             [this](LogLevel level, std::string_view text) { log(level, text); })),
      pushed_(layout.nodes[layout.source].type->name == kPushSource),
      pool_(layout),
      current_(spec),
      configuration_(first_configuration(spec, instances_)),
      trace_(trace_name(options, instances_), options.force || continues(instances_)),
      watchdog_(
          spec.run.stall_ms,
          [this] { return gate.figures().frames; },
          [this](std::string_view text) { log(LogLevel::warning, text); }),
      broken_sinks_(spec.nodes.size(), false) {
  if (!instances_.journal) return;
  summary_ = instances_.journal->so_far();
  continued_ = summary_.frames;
}

std::uint64_t Run::total() const {
  const std::uint64_t left = instances_.sources[layout.source]->total();
  return left == 0 && continued_ == 0 ? 0 : continued_ + left;
}

Run::~Run() {
  {
    const std::lock_guard lock(phase_mutex_);
    if (phase_ == Phase::closed) return;
  }
  stop.abort({});
  std::unique_lock lock(phase_mutex_);
  phase_changed_.wait(lock, [&] { return phase_ != Phase::running; });
  if (phase_ == Phase::closed) return;
  lock.unlock();
  gate.finish();
  flow_.reset();
  try {
    close(false);
  } catch (...) {  // a destructor has nobody to tell; sinks are closed one by one inside
    log(LogLevel::error, "closing the run: " + current_failure().text);
  }
}

RunReport Run::run() {
  if (pushed_) throw std::logic_error("the graph is fed by source.push: use submit() and finish() instead of run()");
  {
    const std::lock_guard lock(phase_mutex_);
    if (phase_ != Phase::ready) throw std::logic_error("a GraphRunner runs once; make another one");
    phase_ = Phase::running;
  }
  bool ended = instances_.journal && instances_.journal->complete();
  try {
    if (!ended) {
      move_by(Mover::threads);
      ended = pull();
    }
  } catch (...) {
    stop.abort("reading the source: " + current_failure().text);
  }
  gate.finish();
  flow_.reset();
  flush();
  return close(ended);
}

// Reads and admits until the source ends or the gate closes. \return the source ended
bool Run::pull() {
  while (gate.reserve()) {  // before reading, so that a full graph also stops the reading
    FrameContext* frame = nullptr;
    bool more = false;
    try {
      frame = &pool_.acquire();
      more = read(*frame);
    } catch (...) {
      gate.unreserve();
      throw;
    }
    if (!more) {
      pool_.recycle(*frame);
      gate.unreserve();
      return true;
    }
    gate.admit_reserved(frame->bytes);
    launch(*frame);
  }
  return false;
}

RunReport Run::finish() {
  if (!pushed_) throw std::logic_error("the graph has a source of its own: use run() instead of finish()");
  refuse_callback("finish");
  {
    std::unique_lock lock(phase_mutex_);
    phase_changed_.wait(lock, [&] { return phase_ != Phase::running; });
    if (phase_ == Phase::closed) return *report_;
    phase_ = Phase::running;
  }
  gate.finish();
  flow_.reset();
  flush();
  return close(!stop.drained());
}

/// Before the first frame: outputs that are written anew have no journal of an earlier run any more.
void Run::begin_outputs() {
  if (instances_.journal) return instances_.journal->begin();
  for (const std::string& output : instances_.outputs) forget_journal(output + std::string(kJournalEnding));
}

void Run::move_by(Mover mover) {
  std::unique_lock lock(mover_mutex_);
  if (mover_ == mover) return;
  if (mover_ != Mover::none) {
    throw std::logic_error("a runner is fed by submit() or by process(), not by both; make another one");
  }
  begin_outputs();
  if (mover == Mover::threads) {
    flow_ = std::make_unique<Flow>(
        layout, spec.run.threads, spec.run.max_in_flight,
        [this](std::size_t node, FrameContext& frame) { visit(node, frame); },
        [this](FrameContext& frame) { deliver(frame); });
  }
  mover_ = mover;
  const int threads = flow_ ? flow_->threads() : 1;
  lock.unlock();
  if (mover == Mover::threads && spec.run.threads > threads) {
    log(LogLevel::info,
        "run.threads is " + std::to_string(spec.run.threads) + ", but this process may use " + std::to_string(threads));
  }
}

/// Numbers a frame whose credit is taken, and settles what it is measured with.
void Run::admit(FrameContext& frame) {
  frame.seq = next_seq_.fetch_add(1);
  frame.configuration = configuration();
  const std::size_t from = frame.tail_of.value_or(layout.source);
  frame.passed(from, NodeClock::Clock::now());
  if (trace_.on()) {
    if (frame.read_end > Trace::Clock::time_point{}) trace_.ran(from, frame, frame.read_begin, frame.read_end);
    const Admission::Figures inside = gate.figures();
    trace_.inside(inside.frames, inside.bytes);
  }
}

void Run::launch(FrameContext& frame) {
  admit(frame);
  flow_->launch(frame);
}

// Whoever delivers an outcome holds the credit that it would wait for.
void Run::refuse_callback(const char* what) const {
  if (delivering_.load() != std::this_thread::get_id()) return;
  throw std::logic_error(
      std::string(what) +
      "() was called from a callback, a node or a sink of the same runner, where it could wait for itself; "
      "hand the frame to another thread");
}

void Run::log(LogLevel level, std::string_view text) noexcept {
  if (!options.on_log) return;
  try {
    const std::lock_guard lock(log_mutex_);
    options.on_log(level, text);
  } catch (...) {
    const Failure failure = current_failure();
    stop.abort_because([&] { return "the log callback threw: " + failure.text; });
  }
}

void Run::log(std::size_t node, LogLevel level, std::string_view text) noexcept {
  if (!options.on_log) return;
  std::string line;
  try {
    line.append(layout.nodes[node].id).append(": ").append(text);
  } catch (...) {
    line.clear();  // short of memory: at least the level is told
  }
  log(level, line);
}

GraphRunner::GraphRunner(GraphSpec spec, RunOptions options)
    : run_(std::make_unique<Run>(std::move(spec), std::move(options))) {}
GraphRunner::~GraphRunner() = default;

RunReport GraphRunner::run() { return run_->run(); }
bool GraphRunner::submit(Frame frame) { return run_->submit(std::move(frame)); }
FrameResult GraphRunner::process(Frame frame) { return run_->process(std::move(frame)); }
RunReport GraphRunner::finish() { return run_->finish(); }
std::string GraphRunner::reconfigure(const Overrides& changes) { return run_->reconfigure(changes); }
void GraphRunner::drain() noexcept { run_->stop.drain(); }
void GraphRunner::abort() noexcept { run_->stop.abort({}); }

std::uint64_t GraphRunner::total() const { return run_->total(); }
std::uint64_t GraphRunner::continued() const { return run_->continued(); }

}  // namespace starflow::graph
