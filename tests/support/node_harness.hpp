// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Runs one Source, Node or Sink without the runtime: options from a map, messages in, messages out.

#include <starflow/core/parallel.hpp>
#include <starflow/sdk/node.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace starflow::test {

using OptionMap = std::map<std::string, OptionValue>;
using MessageMap = std::map<std::size_t, Message>;  ///< by port

/// The defaults of a node type with some values changed. Ranges and choices are the runtime's business and not checked.
class Options final : public starflow::Options {
 public:
  /// \throws std::invalid_argument for a name that the type does not have, or a required option that is missing.
  explicit Options(const NodeType& type, const OptionMap& given = {}) {
    for (const OptionSpec& spec : type.options) {
      const auto it = given.find(spec.name);
      if (it == given.end() && spec.required)
        throw std::invalid_argument("required option " + spec.name + " is missing");
      values_[spec.name] = it == given.end() ? spec.fallback : it->second;
    }
    for (const auto& [name, value] : given) {
      if (values_.count(name) == 0) throw std::invalid_argument(type.name + " has no option " + name);
    }
  }
  [[nodiscard]] const OptionValue& at(std::string_view name) const override {
    const auto it = values_.find(name);
    if (it == values_.end()) throw std::logic_error("no option " + std::string(name) + " in the spec");
    return it->second;
  }

 private:
  std::map<std::string, OptionValue, std::less<>> values_;
};

/// What a node said through its context.
struct LogLine {
  LogLevel level;
  std::string text;
};

class StartContext final : public starflow::StartContext {
 public:
  bool force_outputs = false;
  std::vector<std::string> inputs, outputs;  ///< claimed, in order
  std::vector<LogLine> logged;
  std::vector<std::string> past;  ///< what the sink gave in the run that is continued

  [[nodiscard]] const std::vector<std::string>& checkpoints() const override { return past; }
  [[nodiscard]] bool force() const override { return force_outputs; }
  void claim_input(const std::string& path) override {
    inputs.push_back(path);
    taken_.insert(key(path));
  }
  void claim_output(const std::string& option, const std::string& path) override {
    if (!taken_.insert(key(path)).second) throw OptionError(option, path + " is read or written by another node");
    if (!force_outputs && std::filesystem::exists(path)) throw OptionError(option, path + " exists");
    outputs.push_back(path);
  }
  [[nodiscard]] std::string_view version() const override { return "0.0.0-test"; }
  [[nodiscard]] std::string_view config_hash() const override { return "0123456789abcdef"; }
  void log(LogLevel level, std::string_view text) override { logged.push_back({level, std::string(text)}); }

 private:
  static std::string key(const std::string& path) { return std::filesystem::weakly_canonical(path).string(); }
  std::set<std::string> taken_;
};

class SourceContext final : public Source::Context {
 public:
  MessageMap sent;
  std::vector<LogLine> logged;
  std::stop_source stopper;

  [[nodiscard]] std::stop_token stop() const override { return stopper.get_token(); }
  void send(std::size_t port, Message message) override { sent[port] = std::move(message); }
  void log(LogLevel level, std::string_view text) override { logged.push_back({level, std::string(text)}); }
};

class NodeContext final : public Node::Context {
 public:
  FrameInfo frame;
  MessageMap inputs, sent;
  std::vector<LogLine> logged;
  std::stop_source stopper;

  NodeContext() = default;
  NodeContext(FrameInfo info, MessageMap in) : frame(std::move(info)), inputs(std::move(in)) {}

  [[nodiscard]] const FrameInfo& info() const override { return frame; }
  [[nodiscard]] const Message& input(std::size_t port) const override {
    const auto it = inputs.find(port);
    return it == inputs.end() ? none_ : it->second;
  }
  void send(std::size_t port, Message message) override { sent[port] = std::move(message); }
  [[nodiscard]] std::stop_token stop() const override { return stopper.get_token(); }
  [[nodiscard]] ParallelFor parallel() override { return ParallelFor(serial_for); }
  void log(LogLevel level, std::string_view text) override { logged.push_back({level, std::string(text)}); }

  /// The value sent from \p port; null where nothing or another type was.
  template <class T>
  [[nodiscard]] const T* out_of(std::size_t port) const {
    const auto it = sent.find(port);
    return it == sent.end() ? nullptr : it->second.as<T>();
  }

 private:
  Message none_;
};

class SinkContext final : public Sink::Context {
 public:
  FrameInfo frame;
  MessageMap inputs;
  Outcome result = Outcome::ok;
  std::vector<NodeError> failures;
  std::vector<LogLine> logged;

  [[nodiscard]] const FrameInfo& info() const override { return frame; }
  [[nodiscard]] Outcome outcome() const override { return result; }
  [[nodiscard]] const std::vector<NodeError>& errors() const override { return failures; }
  [[nodiscard]] const Message& input(std::size_t port) const override {
    const auto it = inputs.find(port);
    return it == inputs.end() ? none_ : it->second;
  }
  void log(LogLevel level, std::string_view text) override { logged.push_back({level, std::string(text)}); }

 private:
  Message none_;
};

/// A message that holds \p value.
template <class T>
[[nodiscard]] Message message(T value) {
  return Message::of(std::make_shared<const T>(std::move(value)));
}

/// A node of \p type; K is Source, Node or Sink. The options are gone afterwards: a node copies what it needs.
/// \throws std::bad_variant_access where the type is of another kind.
template <class K>
[[nodiscard]] std::unique_ptr<K> make(const NodeType& type, const OptionMap& given = {}) {
  return std::get<std::unique_ptr<K> (*)(const starflow::Options&)>(type.make)(Options(type, given));
}

/// One call of Source::next().
struct Produced {
  FrameInfo info;
  MessageMap sent;
  std::string error_code, error_text;  ///< of a FrameError; empty = none
  std::vector<LogLine> logged;

  [[nodiscard]] const Frame* frame(std::size_t port = 0) const {
    const auto it = sent.find(port);
    return it == sent.end() ? nullptr : it->second.as<Frame>();
  }
};

/// Calls \p source until its end, or \p limit times.
inline std::vector<Produced> drain(Source& source, std::size_t limit = 10'000) {
  std::vector<Produced> all;
  while (all.size() < limit) {
    SourceContext context;
    Produced one;
    try {
      if (!source.next(context)) break;
    } catch (const FrameError& e) {
      one.error_code = e.code();
      one.error_text = e.what();
    }
    one.info = context.info;
    one.sent = std::move(context.sent);
    one.logged = std::move(context.logged);
    all.push_back(std::move(one));
  }
  return all;
}

/// Makes, starts and drains a source.
inline std::vector<Produced> run_source(const NodeType& type, const OptionMap& given = {}) {
  const auto source = make<Source>(type, given);
  StartContext start;
  source->start(start);
  return drain(*source);
}

/// Makes, starts and runs a node once. \return what it sent, by port.
inline MessageMap run_node(const NodeType& type, const OptionMap& given, FrameInfo info, MessageMap inputs) {
  const auto node = make<Node>(type, given);
  StartContext start;
  node->start(start);
  NodeContext context(std::move(info), std::move(inputs));
  node->process(context);
  return std::move(context.sent);
}

}  // namespace starflow::test
