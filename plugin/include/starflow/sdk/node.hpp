// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How a stage becomes a node of a graph: ports, options, and one of three classes to derive from. No TBB and no JSON
/// header is needed to write one.

#include <starflow/core/parallel.hpp>
#include <starflow/sdk/frame.hpp>
#include <starflow/sdk/message.hpp>
#include <starflow/sdk/method.hpp>
#include <starflow/sdk/options.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace starflow {

/// Fails one frame; the others go on. `code` is for programs ("fits.truncated"), the text for people: what, and what to
/// do.
class __attribute__((visibility("default"))) FrameError : public std::runtime_error {
 public:
  FrameError(std::string code, const std::string& what) : std::runtime_error(what), code_(std::move(code)) {}
  [[nodiscard]] const std::string& code() const noexcept { return code_; }

 private:
  std::string code_;
};

/// Ends the run: nothing that follows could succeed (a disk that is full).
class __attribute__((visibility("default"))) RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct PortSpec {
  std::string name;
  std::string_view type;  ///< message_type<T>
  std::string doc;
  bool optional = false;  ///< inputs only: the node also works without it
};

enum class Outcome : std::uint8_t { ok, partial, failed, cancelled, dropped, rejected };
inline constexpr std::string_view kOutcomeNames[] = {"ok", "partial", "failed", "cancelled", "dropped", "rejected"};

struct NodeError {
  std::string node, code, text;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Before the first frame. Everything here is called by one thread.
class StartContext {
 public:
  virtual ~StartContext() = default;
  [[nodiscard]] virtual bool force() const = 0;  ///< existing outputs may be replaced
  /// Announces a file that will be read. Never fails.
  virtual void claim_input(const std::string& path) = 0;
  /// Announces a file that will be written. \throws OptionError(option, ...) where another node writes or reads the
  /// same file, or where it exists and force() is false. Sources start first, so that inputs are known by then.
  virtual void claim_output(const std::string& option, const std::string& path) = 0;
  [[nodiscard]] virtual std::string_view version() const = 0;      ///< of starflow
  [[nodiscard]] virtual std::string_view config_hash() const = 0;  ///< 16 hex digits; paths and `run` left out
  /// Of a sink of a run that is continued: what its checkpoint() gave so far, in order. Empty = the run begins.
  [[nodiscard]] virtual const std::vector<std::string>& checkpoints() const {
    static const std::vector<std::string> none;
    return none;
  }
  virtual void log(LogLevel level, std::string_view text) = 0;
};

/// Makes frames. Called by one thread at a time, in order.
class Source {
 public:
  /// One call of next(), or of Node::flush(): fill `info` first, so that a failure can name its frame.
  class Context {
   public:
    virtual ~Context() = default;
    FrameInfo info;
    [[nodiscard]] virtual std::stop_token stop() const = 0;
    virtual void send(std::size_t port, Message message) = 0;
    template <class T>
    void out(std::size_t port, T value) {
      send(port, Message::of(std::make_shared<const T>(std::move(value))));
    }
    virtual void log(LogLevel level, std::string_view text) = 0;
  };

  virtual ~Source() = default;
  virtual void start(StartContext&) {}
  /// Chooses the frames that next() gives: of those it would give, counted from 0, the number \p first and then each
  /// \p step -th. The frames themselves stay the same, their ids too. Called at most once, after start().
  /// \return false where the source can't choose; it gives every frame then. \throws OptionError likewise, saying why
  virtual bool select(std::uint64_t /*first*/, std::uint64_t /*step*/) { return false; }
  /// Moves on to the next frame and sends it. Throwing makes a failed frame of it; the run goes on with the next call.
  /// \return false at the end (nothing was sent).
  virtual bool next(Context&) = 0;
  /// Frames that next() gives in all, for the progress line; 0 = unknown.
  [[nodiscard]] virtual std::uint64_t total() const { return 0; }
};

/// Turns messages of one frame into others. process() of one object runs on several threads at once unless the type is
/// serial; it is not called for frames whose required inputs failed.
class Node {
 public:
  class Context {
   public:
    virtual ~Context() = default;
    [[nodiscard]] virtual const FrameInfo& info() const = 0;
    [[nodiscard]] virtual const Message& input(std::size_t port) const = 0;  ///< empty where optional and absent
    virtual void send(std::size_t port, Message message) = 0;
    [[nodiscard]] virtual std::stop_token stop()
        const = 0;  ///< asked to end soon: throw FrameError("cancelled", ...) or finish
    [[nodiscard]] virtual ParallelFor parallel() = 0;
    /// Of the options that this frame is measured with; empty = those that StartContext named.
    [[nodiscard]] virtual std::string_view config_hash() const { return {}; }
    virtual void log(LogLevel level, std::string_view text) = 0;
    /// Of an input, for messages; empty where nobody knows.
    [[nodiscard]] virtual std::string_view input_name(std::size_t /*port*/) const { return {}; }

    /// The value of a required input. \throws std::logic_error where the message is of another type, or absent
    template <class T>
    [[nodiscard]] const T& in(std::size_t port) const {
      const Message& message = input(port);
      if (const T* value = message.as<T>()) return *value;
      throw std::logic_error("input " + std::to_string(port) + " (" + std::string(input_name(port)) + ") was read as " +
                             std::string(message_type<T>) + ", but " +
                             (message ? "holds " + std::string(message.type()) : "is empty"));
    }
    template <class T>
    void out(std::size_t port, T value) {
      send(port, Message::of(std::make_shared<const T>(std::move(value))));
    }
  };

  virtual ~Node() = default;
  virtual void start(StartContext&) {}
  virtual void process(Context&) = 0;
  /// After the last frame, of a serial type: sends what the node held back, as a source sends a frame. It goes to the
  /// nodes and sinks behind this one, which see it as a frame that came last, with an outcome of its own. Called until
  /// it returns false, also where the run was drained, but not after an abort. Throwing makes a failed frame of it, and
  /// is the end.
  /// \return false at the end (nothing was sent)
  virtual bool flush(Source::Context&) { return false; }
};

/// What a run came to; the numbers of outcomes are indexed by Outcome.
struct RunSummary {
  std::uint64_t frames = 0;
  std::uint64_t outcomes[6] = {};
  std::uint64_t stars = 0;
  bool complete = false;  ///< every frame of the source has its outcome: neither interrupted nor aborted
  std::string reason;     ///< why not, where not complete
};

/// Takes what leaves the graph. Called for every frame exactly once, failed ones too, in order, by one thread at a
/// time.
class Sink {
 public:
  class Context {
   public:
    virtual ~Context() = default;
    [[nodiscard]] virtual const FrameInfo& info() const = 0;
    [[nodiscard]] virtual Outcome outcome() const = 0;
    [[nodiscard]] virtual const std::vector<NodeError>& errors() const = 0;
    [[nodiscard]] virtual const Message& input(std::size_t port) const = 0;  ///< empty where it was not produced
    /// Of the options that this frame was measured with; empty = those that StartContext named.
    [[nodiscard]] virtual std::string_view config_hash() const { return {}; }
    virtual void log(LogLevel level, std::string_view text) = 0;
  };

  virtual ~Sink() = default;
  /// The files of a sink that keeps account of what it wrote, so that its run can be continued after the process died,
  /// or be one shard of many. Asked for such runs alone, before start().
  /// \return the names, the main one first; none where nothing is ever taken back. \throws OptionError, saying why
  [[nodiscard]] virtual std::vector<std::string> files() const {
    throw OptionError("", "keeps no account of what it has written, so the run can't be continued or divided");
  }
  /// Opens what write() writes to. Where StartContext::checkpoints() is not empty, everything is to be as it was when
  /// the last of them was given: what was written after it is taken back.
  virtual void start(StartContext&) {}
  /// Throwing RunError aborts the run; any other exception does too.
  virtual void write(Context&) = 0;
  /// Between two frames, of a sink that has files(): makes what was written so far survive a loss of power.
  /// \return text (UTF-8) by which start() finds back to here, with what was given before. \throws RunError
  virtual std::string checkpoint() { return {}; }
  /// After the last frame. The place to put a finished file under its final name where summary.complete.
  virtual void close(const RunSummary& summary) = 0;
  /// One JSON object about the whole run, for the run record; empty = none. Called after close().
  [[nodiscard]] virtual std::string report() const { return {}; }
};

/// The shards of one run, whose outputs of one sink are put together.
struct MergeJob {
  std::vector<std::vector<std::string>> shards;  ///< of each the Sink::files(); frame k is in shard k % shards.size()
  std::string output;                            ///< name of the main file to make
  bool replace = false;                          ///< a file of that name may be replaced
  RunSummary summary;                            ///< of the whole run
  std::string config_hash, version;
};

/// Makes the file, and those beside it, that the sink would have written had nothing been divided; under their names
/// when they are complete. \return the names, as Sink::files(). \throws RunError naming the file that is not as it
/// should be; OptionError where the output can't be made
using MergeFunction = std::vector<std::string> (*)(const MergeJob&);

/// Makes the node; the alternative says its kind.
using Factory = std::variant<std::unique_ptr<Source> (*)(const Options&),
                             std::unique_ptr<Node> (*)(const Options&),
                             std::unique_ptr<Sink> (*)(const Options&)>;

struct NodeType {
  std::string name;  ///< "detect"; a third party's begins with its plugin's name: "trail.filter"
  std::string doc;
  std::vector<PortSpec> inputs{}, outputs{};
  std::vector<OptionSpec> options{};
  Factory make{};
  bool takes_methods = false;     ///< its option "method" names the methods of plugins too
  bool serial = false;            ///< one frame at a time, in order (for nodes with a memory)
  MergeFunction merge = nullptr;  ///< of sinks; null = what shards wrote can't be put together
};

/// A factory for T, which has a constructor from `const Options&` and derives from Source, Node or Sink. The
/// constructor reads the options and throws OptionError where they contradict each other; files are opened in start(),
/// which a check of the graph does not call.
template <class T>
Factory factory_of() {
  if constexpr (std::is_base_of_v<Source, T>) {
    return +[](const Options& o) -> std::unique_ptr<Source> { return std::make_unique<T>(o); };
  } else if constexpr (std::is_base_of_v<Sink, T>) {
    return +[](const Options& o) -> std::unique_ptr<Sink> { return std::make_unique<T>(o); };
  } else {
    return +[](const Options& o) -> std::unique_ptr<Node> { return std::make_unique<T>(o); };
  }
}

/// Where a plugin hands its types over.
class Registrar {
 public:
  virtual ~Registrar() = default;
  /// \throws std::invalid_argument for a name that is taken (naming both owners) or a type that contradicts itself.
  virtual void add(NodeType type) = 0;
  /// Adds a method to every type that takes methods. \throws as for a node type
  virtual void add(MethodType method) = 0;
};

}  // namespace starflow
