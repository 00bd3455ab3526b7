// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The envelope that travels through the graph for one frame, and the layout that all envelopes of a graph share.

#include <starflow/graph/graph_spec.hpp>
#include <starflow/sdk/node.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace starflow::graph {

/// Which output port of which node is read by whom. An output port is a slot, numbered through all nodes.
struct Layout {
  struct Node {
    std::string id;
    const NodeType* type = nullptr;
    std::size_t first_slot = 0;
    std::vector<std::size_t> inputs;    ///< slot of each input port, or kUnconnected
    std::vector<std::size_t> upstream;  ///< distinct nodes that it waits for; empty for the source
    std::vector<bool> behind;           ///< of each earlier node: its messages can have come from it
  };
  struct Slot {
    std::uint32_t readers = 0;  ///< input ports and kept results
    std::string needed_by;      ///< id of a node that can't do without; empty = none
    bool counts_stars = false;  ///< a list of stars that no node turns into another list
  };
  std::vector<Node> nodes;
  std::vector<Slot> slots;
  std::vector<std::size_t> kept;        ///< slots of RunOptions::keep
  std::vector<std::string> kept_names;  ///< "node.port" of each
  std::size_t source = 0;               ///< index of the source
  std::vector<std::size_t> last;        ///< nodes that no other node waits for: the frame is done when these are

  /// \throws ConfigError where the spec is not a graph with one source, or \p keep names a port that is not there.
  Layout(const GraphSpec& spec, const std::vector<std::string>& keep);

  /// What \p from sends comes to \p to, maybe by way of others.
  [[nodiscard]] bool reaches(std::size_t from, std::size_t to) const {
    return from < nodes[to].behind.size() && nodes[to].behind[from];
  }
};

/// What frames are measured with: the nodes as their options were when the frame came in.
struct Configuration {
  std::vector<std::shared_ptr<Node>> nodes;  ///< null for sources and sinks
  std::string hash;
};

/// A frame that was turned away by an admission policy.
struct Unadmitted {
  std::shared_ptr<const FrameInfo> info;
  Outcome outcome = Outcome::dropped;
  std::uint64_t number = 0;  ///< of its submit()
};

/// One frame on its way. Pooled: reset() makes it as new without giving memory back. Each node writes only its own
/// slots and its own failure; the countdowns order those writes before the reads of whoever comes next.
class FrameContext {
 public:
  explicit FrameContext(const Layout& layout);

  /// Drops all messages and forgets the frame.
  void reset();

  /// One of the nodes that \p node waits for has passed the frame on. \return true for the last of them
  bool arrive(std::size_t node) noexcept { return waiting_[node].fetch_sub(1, std::memory_order_acq_rel) == 1; }
  /// As arrive(), for the end of the graph.
  bool arrive_at_end() noexcept { return waiting_.back().fetch_sub(1, std::memory_order_acq_rel) == 1; }

  [[nodiscard]] const Message& message(std::size_t slot) const noexcept;  ///< empty for kUnconnected
  /// \throws std::logic_error for a port that is not there or a message that is not of the port's type.
  void send(std::size_t node, std::size_t port, Message message);
  /// A reader of \p slot is done; the last one frees the message.
  void release(std::size_t slot) noexcept;
  /// Every required input of \p node is there.
  [[nodiscard]] bool ready(std::size_t node) const noexcept;

  /// Node \p node failed: what it sent is taken back.
  void fail(std::size_t node, std::string code, std::string text) noexcept;
  [[nodiscard]] bool failed(std::size_t node) const noexcept { return failed_[node] != 0; }
  [[nodiscard]] bool any_failed() const noexcept { return std::ranges::find(failed_, 1) != failed_.end(); }
  /// For a node that came to its end: fails it where it sent nothing that a later node can't do without, else counts
  /// the stars that it sent.
  void check_sent(std::size_t node);
  /// Moves the failures to `errors`, in the order of the nodes.
  void collect_errors();

  std::uint64_t seq = 0;                  ///< dense, given at admission
  std::size_t bytes = 0;                  ///< charged at the gate
  std::shared_ptr<const FrameInfo> info;  ///< never null once admitted
  std::atomic<bool> withheld{false};      ///< a node was not run, or gave up, because the run was aborted
  std::atomic<std::uint64_t> stars{0};
  std::vector<NodeError> errors;
  std::shared_ptr<const Configuration> configuration;
  std::vector<Unadmitted> before;      ///< that came before this frame
  std::optional<std::size_t> tail_of;  ///< the node that held this back until the end; else it is a frame

  using Clock = std::chrono::steady_clock;
  Clock::time_point read_begin{}, read_end{};  ///< of the source's call; not of a frame that a host submitted
  /// \p node has passed the frame on; of the source: the frame came in.
  void passed(std::size_t node, Clock::time_point when) noexcept { passed_[node] = when; }
  /// When the last of those that \p node waits for passed the frame on; the clock's zero where it waits for nobody.
  [[nodiscard]] Clock::time_point ready_since(std::size_t node) const noexcept;

 private:
  const Layout& layout_;
  std::vector<Message> messages_;                    // of each slot
  std::vector<std::atomic<std::uint32_t>> readers_;  // left, of each slot
  std::vector<std::atomic<std::uint32_t>> waiting_;  // left, of each node and of the end
  std::vector<NodeError> failures_;
  std::vector<unsigned char> failed_;
  std::vector<Clock::time_point> passed_;
};

/// Envelopes that are not under way.
class FramePool {
 public:
  explicit FramePool(const Layout& layout) : layout_(layout) {}
  [[nodiscard]] FrameContext& acquire();
  void recycle(FrameContext& frame);  ///< drops its messages

 private:
  const Layout& layout_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<FrameContext>> all_;
  std::vector<FrameContext*> free_;
};

}  // namespace starflow::graph
