// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The graph of TBB nodes that envelopes travel through, with the threads that move them.

#include "frame_context.hpp"
#include "turnstile.hpp"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <tuple>
#include <vector>

namespace starflow::graph {

/// Threads that the process may run on: the CPUs of its affinity mask, at least 1.
[[nodiscard]] int usable_cpus();

/// Every envelope passes every node once; a node is entered when all that it waits for have been passed. Bodies never
/// throw; serial nodes and the end see the frames in order. One thread of our own works in the arena beside TBB's, so
/// that frames move on where the host leaves TBB no worker, and so that the machine is filled where it leaves the usual
/// one less than there are CPUs.
class Flow {
 public:
  using Body = std::function<void(std::size_t node, FrameContext&)>;
  using End = std::function<void(FrameContext&)>;

  /// \param threads        bodies at once; 0 = usable_cpus(). No more than the host allows TBB.
  /// \param max_in_flight  frames that may be inside at once
  Flow(const Layout& layout, int threads, std::size_t max_in_flight, Body body, End end);
  ~Flow();  ///< no frame may be inside
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  /// Sends a frame on its way and returns.
  void launch(FrameContext& frame);
  [[nodiscard]] int threads() const noexcept { return threads_; }

 private:
  using Token = FrameContext*;
  using Stage = oneapi::tbb::flow::multifunction_node<Token, std::tuple<Token>>;

  void build(std::size_t max_in_flight);
  void pass(std::size_t node, FrameContext& frame, Stage::output_ports_type& out);

  const Layout& layout_;
  const Body body_;
  const End end_;
  const int threads_;
  oneapi::tbb::task_arena arena_;
  std::unique_ptr<oneapi::tbb::flow::graph> graph_;
  std::unique_ptr<oneapi::tbb::flow::broadcast_node<Token>> head_;
  std::vector<std::unique_ptr<Stage>> stages_;          // of each Node; null for the source and sinks
  std::vector<std::unique_ptr<Turnstile>> turnstiles_;  // of each serial Node
  std::unique_ptr<Stage> tail_;
  Turnstile exit_;
  std::thread worker_;
};

}  // namespace starflow::graph
