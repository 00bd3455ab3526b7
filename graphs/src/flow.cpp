// SPDX-License-Identifier: MIT
#include "flow.hpp"

#include <oneapi/tbb/global_control.h>

#include <sched.h>

#include <algorithm>
#include <utility>

namespace starflow::graph {
namespace {

namespace flow = oneapi::tbb::flow;

// Asking for more workers than the host allows makes TBB print a warning and gives none.
int allowed_threads(int wanted) {
  using oneapi::tbb::global_control;
  const auto limit = global_control::active_value(global_control::max_allowed_parallelism);
  const int most = static_cast<int>(std::clamp<std::size_t>(limit, 1, 1024));
  return std::clamp(wanted > 0 ? wanted : usable_cpus(), 1, most);
}

}  // namespace

int usable_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return std::max(1, CPU_COUNT(&mask));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));  // more than CPU_SETSIZE CPUs
}

Flow::Flow(const Layout& layout, int threads, std::size_t max_in_flight, Body body, End end)
    : layout_(layout),
      body_(std::move(body)),
      end_(std::move(end)),
      threads_(allowed_threads(threads)),
      // One slot is kept for our worker. With one slot in all it shares that with TBB.
      arena_(threads_, threads_ > 1 ? 1 : 0),
      exit_(max_in_flight) {
  arena_.initialize();
  arena_.execute([&] {
    graph_ = std::make_unique<flow::graph>();
    build(max_in_flight);
  });
  graph_->reserve_wait();
  worker_ = std::thread([this] { arena_.execute([this] { graph_->wait_for_all(); }); });
}

Flow::~Flow() {
  graph_->release_wait();
  worker_.join();
  arena_.execute([&] {
    graph_->wait_for_all();
    stages_.clear();
    tail_.reset();
    head_.reset();
    graph_.reset();
  });
}

void Flow::launch(FrameContext& frame) {
  // try_put() from a thread outside of the arena is never run where the host allows TBB one thread.
  arena_.enqueue([this, token = &frame] { head_->try_put(token); });
}

void Flow::build(std::size_t max_in_flight) {
  const std::size_t n = layout_.nodes.size();
  stages_.resize(n);
  turnstiles_.resize(n);
  head_ = std::make_unique<flow::broadcast_node<Token>>(*graph_);
  tail_ = std::make_unique<Stage>(*graph_, flow::unlimited, [this](Token frame, Stage::output_ports_type&) {
    if (frame->arrive_at_end()) exit_.pass(*frame, end_);
  });
  const auto connect = [this](std::size_t from, Stage& to) {
    if (from == layout_.source) {
      flow::make_edge(*head_, to);
    } else {
      flow::make_edge(flow::output_port<0>(*stages_[from]), to);
    }
  };
  for (std::size_t i = 0; i < n; ++i) {
    if (layout_.nodes[i].type->make.index() != 1) continue;
    if (layout_.nodes[i].type->serial) turnstiles_[i] = std::make_unique<Turnstile>(max_in_flight);
    stages_[i] =
        std::make_unique<Stage>(*graph_, flow::unlimited, [this, i](Token frame, Stage::output_ports_type& out) {
          if (frame->arrive(i)) pass(i, *frame, out);
        });
    for (const std::size_t from : layout_.nodes[i].upstream) connect(from, *stages_[i]);
  }
  for (const std::size_t from : layout_.last) connect(from, *tail_);
}

void Flow::pass(std::size_t node, FrameContext& frame, Stage::output_ports_type& out) {
  const auto one = [&](FrameContext& next) {
    body_(node, next);
    std::get<0>(out).try_put(&next);  // the frame is no longer ours
  };
  if (turnstiles_[node]) {
    turnstiles_[node]->pass(frame, one);
  } else {
    one(frame);
  }
}

}  // namespace starflow::graph
