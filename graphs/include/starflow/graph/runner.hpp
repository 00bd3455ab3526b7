// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Runs a graph: frames in, exactly one outcome for each, in order.

#include <starflow/graph/graph_spec.hpp>
#include <starflow/sdk/node.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::graph {

/// Makes every node of \p spec from its options and starts none: no input is opened, no output claimed.
/// \throws ConfigError with the options that contradict each other, of all nodes
void check_nodes(const GraphSpec& spec);

/// What became of one frame.
struct FrameResult {
  FrameInfo info;
  Outcome outcome = Outcome::ok;
  std::vector<NodeError> errors;
  std::string config_hash{};  ///< of the configuration it was measured with; empty where it never came in
  /// What an output port produced; empty where it did not, or where RunOptions::keep does not name it.
  [[nodiscard]] const Message& output(std::string_view node, std::string_view port) const;
  std::vector<std::pair<std::string, Message>> outputs;  ///< "node.port" and its message
};

/// One part of a run that is divided: of the frames of the full input the number `index`, then each `count` -th.
struct Shard {
  std::uint64_t index = 0, count = 1;
};
inline constexpr std::uint64_t kMostShards = 1000000;

/// What the host wants and wants to hear. The callbacks come one at a time; an exception of one aborts the run, and so
/// does a call of submit(), process() or finish() from on_result or on_progress, which could wait for themselves.
struct RunOptions {
  bool force = false;             ///< replace existing outputs
  std::vector<std::string> keep;  ///< "node.port" whose messages results carry to the callback
  /// After the sinks, for each frame that was admitted, in order, from a worker; must not block.
  std::function<void(const FrameResult&)> on_result;
  std::function<void(LogLevel, std::string_view)> on_log;  ///< from any thread
  std::function<void(const RunSummary&)> on_progress;      ///< after each frame, with the counts so far
  /// File that events are written to when the run ends, in the form of Chrome's trace viewer and ui.perfetto.dev; empty
  /// = none. An output as those of sinks: it replaces nothing without `force`, and where it can't be written the run
  /// ends as aborted.
  std::string trace{};
  /// Goes on where an earlier run of the same graph and input ended, however it did. Keeps a journal beside the first
  /// output, from which that can be told; `force` begins anew. Where nodes do not allow it nothing runs.
  bool resume = false;
  std::optional<Shard> shard{};  ///< a part of the frames, with a journal by which the parts are put together
};

/// Of durations, s; from a histogram whose steps are 1/8 of a power of two, so that each is at most 1/8 too large.
struct Percentiles {
  double p50 = 0, p95 = 0, p99 = 0, max = 0;
};

/// What one node of the graph took.
struct NodeTime {
  std::string id, type;
  std::uint64_t calls = 0;  ///< of its body: one a frame, and one for the end of a source
  double seconds = 0;       ///< of the wall, a sink's close() too; with several threads those of all nodes overlap
  std::uint64_t errors = 0;
  Percentiles body{}, wait{};  ///< of its body, and from the end of what it waited for to its begin
};

struct RunReport {
  RunSummary summary;
  bool already_complete = false;  ///< an earlier run had done it all; `summary` is that one's
  std::uint64_t continued = 0;    ///< frames that an earlier run had done
  bool aborted = false;           ///< by a RunError, too many failed frames, or abort()
  std::size_t peak_in_flight = 0;
  std::size_t peak_bytes = 0;
  std::vector<std::pair<std::string, std::string>> reports;  ///< node id and the JSON object of its sink
  std::vector<NodeTime> times;                               ///< of every node, in the order of GraphSpec::nodes
};

class Run;

/// One graph, run once. The registry of the spec must outlive it. No more threads work than the host allows TBB; one of
/// them is the runner's own, so that frames move on where the host needs all of TBB's.
class GraphRunner {
 public:
  /// Builds the nodes and starts them (outputs are claimed here). \throws ConfigError: nothing has run then.
  GraphRunner(GraphSpec spec, RunOptions options);
  ~GraphRunner();  ///< abort() and wait
  GraphRunner(const GraphRunner&) = delete;
  GraphRunner& operator=(const GraphRunner&) = delete;

  /// Pulls every frame of the graph's source through the graph and returns when the last has its outcome, or after
  /// drain() or abort() by another thread. The source is called by the thread that calls this.
  /// \throws std::logic_error when called twice, or where the source is `source.push`.
  RunReport run();

  /// Frames in all as the source knows them; 0 = unknown.
  [[nodiscard]] std::uint64_t total() const;
  /// Frames that an earlier run had done.
  [[nodiscard]] std::uint64_t continued() const;

  /// Hands a frame to a graph whose source is `source.push`. While the limits of frames or bytes are met it blocks, or
  /// does what the graph's admission policy says; a frame larger than the limit of bytes fails with the code too_large.
  /// Frames of one thread keep their order. A frame that a policy drops or
  /// rejects is told to the sinks and to on_result, in its place before the next frame that is measured.
  /// \return false where the frame was not taken: a policy dropped or rejected it at once, or drain(), abort() or
  ///         finish() came before. Then its outcome is `rejected`; it is counted, and its pixels are let go before this
  ///         returns, but neither sinks nor on_result hear of it.
  /// \throws std::logic_error where the source is another, after a process(), or from a callback of this runner.
  bool submit(Frame frame);
  /// Takes a frame of a graph whose source is `source.push` through all of it in the calling thread, which is the only
  /// one that works: none is started. Calls from several threads take turns. Sinks and on_result hear of the frame
  /// before this returns. No policy applies, since nothing waits; a frame that is too large fails as with submit().
  /// \return what became of it; `rejected` after drain(), abort() or finish(), of which neither sinks nor on_result
  /// hear \throws std::logic_error where the source is another, after a submit(), or from a callback of this runner.
  FrameResult process(Frame frame);
  /// Ends a pushed graph: waits for everything that was submitted, closes the sinks. Again: the same report.
  RunReport finish();

  /// Changes options that are marked live, for the frames that are admitted from now on: nodes.ID.options.NAME, all of
  /// \p changes or none. Safe from any thread. Records of a frame say the hash of the configuration it was measured
  /// with. \return that hash from now on. \throws ConfigError with every problem, as when a graph is read
  std::string reconfigure(const Overrides& changes);

  /// Stops taking frames; what was admitted finishes. Returns at once; safe from any thread and from a signal's thread.
  void drain() noexcept;
  /// As drain(), and what has not run yet is cancelled: bodies see it through their stop token, and parallel loops
  /// start no further range. Returns at once.
  void abort() noexcept;

 private:
  std::unique_ptr<Run> run_;
};

}  // namespace starflow::graph
