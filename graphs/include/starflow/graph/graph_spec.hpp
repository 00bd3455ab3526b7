// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A graph as its JSON file describes it, checked against a registry: every option resolved, every edge typed.

#include <starflow/graph/diagnostic.hpp>
#include <starflow/graph/registry.hpp>
#include <starflow/sdk/options.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace starflow::graph {

/// `--set path=value`: path is `parameters.NAME`, `nodes.ID.options.NAME` or `run.NAME`, where NAME has dots for
/// members of nested objects. Of equal paths the last wins; null takes back what a file gave.
struct Override {
  std::string path;
  /// JSON, or a bare text. A list is texts as they are, of which nothing is read as JSON; one alone is a text.
  std::variant<std::string, std::vector<std::string>> value;
  std::string given_as = {};  ///< what the user wrote, for messages: "--output"; empty = "--set"
};
using Overrides = std::vector<Override>;

/// What a full graph does with a frame that a host submits. A source of the graph's own always waits.
enum class WhenFull : std::uint8_t {
  block,        ///< the host waits
  drop_oldest,  ///< it waits in a queue, out of which the oldest is dropped
  drop_newest,  ///< it waits in a queue, or is dropped where that is full
  fail          ///< it waits in a queue, or is rejected where that is full, which counts as a failure
};
inline constexpr std::string_view kWhenFullNames[] = {"block", "drop_oldest", "drop_newest", "fail"};

/// What the failure of a node means.
enum class OnError : std::uint8_t {
  skip_output,  ///< what depends on it is left out; the frame is `partial` where a sink is served still
  fail_frame,   ///< the same, and the frame is `failed`
  abort         ///< the run ends
};
inline constexpr std::string_view kOnErrorNames[] = {"skip_output", "fail_frame", "abort"};

/// The `run` object.
struct RunSpec {
  int threads = 0;  ///< 0 = all that the process may use
  std::size_t max_in_flight = 4;
  std::size_t max_bytes_in_flight = std::size_t{1} << 31;  ///< a larger frame fails
  WhenFull when_full = WhenFull::block;
  std::size_t queue = 1;             ///< frames that wait outside of a full graph, with any policy but `block`
  double max_age_ms = 0;             ///< a frame that waited longer is dropped when its turn comes; 0 = never
  double stall_ms = 0;               ///< no outcome for this long with frames inside: a warning; 0 = never
  double checkpoint_s = 1;           ///< between the checkpoints of a run that keeps a journal
  double max_failed_fraction = 1.0;  ///< judged after 20 frames; more than this aborts
};

/// One end of an edge.
struct PortRef {
  std::size_t node = 0;  ///< index into GraphSpec::nodes
  std::size_t port = 0;  ///< index into its type's outputs
};
inline constexpr std::size_t kUnconnected =
    static_cast<std::size_t>(-1);  ///< as PortRef::node: an optional input left open

/// Where an option's value came from: "default", "preset FILE:LINE:COL", "FILE:LINE:COL", "--set".
struct ResolvedOption {
  /// A value that a later layer replaced.
  struct Earlier {
    OptionValue value;
    std::string from;
  };

  OptionValue value;
  std::string from;
  Diagnostic place;                 ///< file, line, column, path, excerpt; for errors that are found later
  std::vector<Earlier> replaced{};  ///< the first given first
};

class ResolvedOptions final : public Options {
 public:
  std::map<std::string, ResolvedOption, std::less<>> values;
  const Registry* registry = nullptr;  ///< whose methods there are; null = none
  [[nodiscard]] const OptionValue& at(std::string_view name) const override;
  [[nodiscard]] const MethodType* method(std::string_view name) const override;
};

struct NodeSpec {
  std::string id;
  const NodeType* type = nullptr;  ///< owned by the registry, which must outlive the spec
  std::vector<PortRef> inputs;     ///< one for each input port of the type
  std::shared_ptr<ResolvedOptions> options;
  Diagnostic place;  ///< of the node in its file
  OnError on_error = OnError::skip_output;
};

/// A parameter with its value.
struct ParameterSpec {
  std::string name;
  ResolvedOption resolved;
  std::string doc;
};

/// Immutable once made. What its file may hold beside the nodes:
/// - `parameters`: name -> {type, default, minimum, maximum, enum, doc, unit}. A type is `string`, `number`, `integer`,
///   `boolean`, `strings`, or a list of these. Without a default it must be given by --set; the default null means "not
///   given". A text that is `${name}` alone stands for the value in its type; inside a text it is written out.
/// - a node's `preset`: a JSON file whose object holds the options themselves ("$schema" and "doc" may stand beside
///   them), relative to the graph file.
/// - a node's `on_error`, see OnError; its `enabled`: false leaves the node out, and what it would have fed must be
///   optional, or be left out too.
/// - null as an option's value: as if the key were not there.
struct GraphSpec {
  std::string file, name;
  RunSpec run;
  std::shared_ptr<const ResolvedOptions> run_options{};  ///< the same as resolved; null in a spec made by hand
  std::vector<ParameterSpec> parameters{};
  std::vector<NodeSpec> nodes;  ///< in topological order; ties in the order of the file
  std::string config_hash;  ///< 16 hex digits: of everything that can change a measurement; `run` and paths left out
  std::vector<std::string> files{};  ///< the graph's and its presets', which no output may replace; parse(): presets

  /// Reads and checks a graph file with its presets. \throws ConfigError with every problem found, each located.
  [[nodiscard]] static GraphSpec load(const std::string& path,
                                      const Registry& registry,
                                      const Overrides& overrides = {});
  /// The same from text; \p file is the name in messages, and presets are looked for beside it.
  [[nodiscard]] static GraphSpec parse(std::string_view text,
                                       const std::string& file,
                                       const Registry& registry,
                                       const Overrides& overrides = {});

  /// Nodes that send messages of which nobody reads any: what to warn of. A host that keeps some knows better.
  [[nodiscard]] std::vector<Diagnostic> unread() const;
};

}  // namespace starflow::graph
