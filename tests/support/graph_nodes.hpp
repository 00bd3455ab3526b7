// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Graphs made of functions: nodes whose bodies a test writes in place, and the spec that a runner takes.

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/runner.hpp>
#include <starflow/sdk/node.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace starflow::test {

/// What test nodes exchange.
struct Number {
  std::uint64_t frame = 0, value = 0;
};

using SourceBody = std::function<bool(Source::Context&)>;
using NodeBody = std::function<void(Node::Context&)>;
struct SinkBody {
  std::function<void(Sink::Context&)> write;
  std::function<void(const RunSummary&)> close;
  std::function<std::string()> report;
  std::function<void(StartContext&)> start;
};

/// A thorough mix of two numbers (the finaliser of SplitMix64), for values and for decisions without a generator.
[[nodiscard]] inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a * 0x9E3779B97F4A7C15U + b + 0x632BE59BD9B4E019U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

/// Between 0 and \p most_us, by \p key: now busy, now asleep.
inline void delay(std::uint64_t key, std::uint64_t most_us) {
  const std::chrono::microseconds time{mix(key, 77) % (most_us + 1)};
  if (key % 4 == 0) {
    std::this_thread::sleep_for(time);
  } else {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
  }
}

}  // namespace starflow::test

namespace starflow {
template <>
inline constexpr std::string_view message_type<test::Number> = "test.number/1";
}  // namespace starflow

namespace starflow::test {

// The option "body" holds the address of the function, which the graph owns.
template <class T>
T& body_of(const Options& options) {
  return *reinterpret_cast<T*>(options.integer("body"));
}

class FunctionSource final : public Source {
 public:
  explicit FunctionSource(const Options& o) : body_(body_of<SourceBody>(o)) {}
  bool next(Context& c) override { return body_(c); }

 private:
  SourceBody& body_;
};

class FunctionNode final : public Node {
 public:
  explicit FunctionNode(const Options& o) : body_(body_of<NodeBody>(o)) {}
  void process(Context& c) override { body_(c); }

 private:
  NodeBody& body_;
};

struct MemoryBody {
  NodeBody process;
  SourceBody flush;
};

class MemoryNode final : public Node {
 public:
  explicit MemoryNode(const Options& o) : body_(body_of<MemoryBody>(o)) {}
  void process(Context& c) override { body_.process(c); }
  bool flush(Source::Context& c) override { return body_.flush(c); }

 private:
  MemoryBody& body_;
};

class FunctionSink final : public Sink {
 public:
  explicit FunctionSink(const Options& o) : body_(body_of<SinkBody>(o)) {}
  void start(StartContext& c) override {
    if (body_.start) body_.start(c);
  }
  void write(Context& c) override {
    if (body_.write) body_.write(c);
  }
  void close(const RunSummary& s) override {
    if (body_.close) body_.close(s);
  }
  [[nodiscard]] std::string report() const override { return body_.report ? body_.report() : std::string(); }

 private:
  SinkBody& body_;
};

/// Builds a spec in which every node has one output "out". Must outlive the runners of its spec.
class FunctionGraph {
 public:
  graph::RunSpec run;

  /// An input: the index of an earlier node; optional where said so.
  struct In {
    std::size_t node;
    bool optional = false;
    In(std::size_t n, bool o = false) : node(n), optional(o) {}
  };

  std::size_t source(SourceBody body, std::string_view out = message_type<Number>) {
    return add("source", {}, out, keep(sources_, std::move(body)), factory_of<FunctionSource>(), false);
  }
  /// A source of \p frames numbers with frame ids 0, 1, 2, ... and values mix(frame, 0).
  std::size_t numbers(std::uint64_t frames) {
    return source([frames, next = std::uint64_t{0}](Source::Context& c) mutable {
      if (next == frames) return false;
      c.info.frame_id = next;
      c.out(0, Number{next, mix(next, 0)});
      ++next;
      return true;
    });
  }
  /// source.push, sending frames.
  std::size_t push() {
    struct Taker final : Registrar {
      NodeType type;
      void add(NodeType t) override { type = std::move(t); }
      void add(MethodType) override {}
    } taker;
    graph::register_builtin(taker);
    types_.push_back(std::move(taker.type));
    return place("source", {}, std::make_shared<graph::ResolvedOptions>());
  }
  std::size_t node(const std::string& id,
                   std::vector<In> in,
                   NodeBody body,
                   bool serial = false,
                   std::string_view out = message_type<Number>) {
    return add(id, in, out, keep(nodes_, std::move(body)), factory_of<FunctionNode>(), serial);
  }
  /// A node that holds something back.
  std::size_t memory(
      const std::string& id, std::vector<In> in, NodeBody process, SourceBody flush, bool serial = true) {
    const auto body = keep(memories_, MemoryBody{std::move(process), std::move(flush)});
    return add(id, in, message_type<Number>, body, factory_of<MemoryNode>(), serial);
  }
  std::size_t sink(const std::string& id, std::vector<In> in, SinkBody body) {
    return add(id, in, "", keep(sinks_, std::move(body)), factory_of<FunctionSink>(), false);
  }
  std::size_t sink(const std::string& id, std::vector<In> in, std::function<void(Sink::Context&)> write) {
    return sink(id, std::move(in), SinkBody{std::move(write), {}, {}, {}});
  }

  [[nodiscard]] graph::GraphSpec spec() const {
    graph::GraphSpec s;
    s.file = "test.json";
    s.run = run;
    s.nodes = specs_;
    s.config_hash = "0123456789abcdef";
    return s;
  }
  [[nodiscard]] graph::RunReport go(graph::RunOptions options = {}) const {
    return graph::GraphRunner(spec(), std::move(options)).run();
  }

 private:
  template <class T>
  static std::int64_t keep(std::deque<T>& all, T body) {
    all.push_back(std::move(body));
    return reinterpret_cast<std::int64_t>(&all.back());
  }

  std::size_t add(const std::string& id,
                  const std::vector<In>& in,
                  std::string_view out,
                  std::int64_t body,
                  Factory make,
                  bool serial) {
    NodeType& type = types_.emplace_back();
    type.name = "test." + id;
    for (std::size_t p = 0; p < in.size(); ++p) {
      const bool open = in[p].node == graph::kUnconnected;
      const std::string_view sent =
          open ? message_type<Number> : std::string_view(specs_.at(in[p].node).type->outputs.at(0).type);
      type.inputs.push_back({"in" + std::to_string(p), sent, "", in[p].optional});
    }
    if (!out.empty()) type.outputs.push_back({"out", out, ""});
    type.make = make;
    type.serial = serial;
    auto options = std::make_shared<graph::ResolvedOptions>();
    options->values["body"].value = body;
    return place(id, in, std::move(options));
  }

  std::size_t place(const std::string& id, const std::vector<In>& in, std::shared_ptr<graph::ResolvedOptions> options) {
    graph::NodeSpec spec;
    spec.id = id;
    spec.type = &types_.back();
    for (const In& i : in) spec.inputs.push_back({i.node, 0});
    spec.options = std::move(options);
    spec.place.file = "test.json";
    spec.place.path = "nodes[" + std::to_string(specs_.size()) + "]";
    specs_.push_back(std::move(spec));
    return specs_.size() - 1;
  }

  std::deque<NodeType> types_;
  std::deque<SourceBody> sources_;
  std::deque<NodeBody> nodes_;
  std::deque<MemoryBody> memories_;
  std::deque<SinkBody> sinks_;
  std::vector<graph::NodeSpec> specs_;
};

/// Sends on what the first input brought, mixed with \p salt.
[[nodiscard]] inline NodeBody mixing(std::uint64_t salt) {
  return [salt](Node::Context& c) {
    const auto& n = c.in<Number>(0);
    c.out(0, Number{n.frame, mix(n.value, salt)});
  };
}

[[nodiscard]] inline std::uint64_t outcomes(const RunSummary& s, Outcome o) {
  return s.outcomes[static_cast<std::size_t>(o)];
}

}  // namespace starflow::test
