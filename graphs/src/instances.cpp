// SPDX-License-Identifier: MIT
#include "instances.hpp"

#include "claims.hpp"
#include "failure.hpp"

#include <starflow/graph/diagnostic.hpp>
#include <starflow/graph/runner.hpp>
#include <starflow/sdk/options.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <variant>

namespace starflow::graph {
namespace {

Diagnostic at_option(const NodeSpec& node, const std::string& option, const std::string& text) {
  const auto found = node.options->values.find(option);
  const bool placed = found != node.options->values.end() && !found->second.place.file.empty();
  Diagnostic d = placed ? found->second.place : node.place;
  if (!placed && !option.empty()) d.path += (d.path.empty() ? "" : ".") + ("options." + option);
  d.text = "node '" + node.id + "': " + text;
  // The place is in the graph, but a parameter may have brought the value there.
  const std::size_t note = placed ? found->second.from.find(" (parameter ") : std::string::npos;
  if (note != std::string::npos) d.text += found->second.from.substr(note);
  return d;
}

class NodeStart final : public StartContext {
 public:
  NodeStart(const GraphSpec& spec,
            const NodeSpec& node,
            bool may_replace,
            Claims& claims,
            const LogFunction& log,
            std::vector<Diagnostic>& problems)
      : spec_(spec), node_(node), force_(may_replace), claims_(claims), log_(log), problems_(problems) {}

  [[nodiscard]] bool force() const override { return force_; }
  void claim_input(const std::string& path) override {
    if (std::string problem = claims_.input(node_.id, path); !problem.empty()) {
      problems_.push_back(at_option(node_, "", problem));
    }
  }
  void claim_output(const std::string& option, const std::string& path) override {
    if (const std::string problem = claims_.output(node_.id, path); !problem.empty())
      throw OptionError(option, problem);
  }
  [[nodiscard]] std::string_view version() const override { return STARFLOW_VERSION; }
  [[nodiscard]] std::string_view config_hash() const override { return spec_.config_hash; }
  void log(LogLevel level, std::string_view text) override { log_(level, node_.id + ": " + std::string(text)); }

 private:
  const GraphSpec& spec_;
  const NodeSpec& node_;
  bool force_;
  Claims& claims_;
  const LogFunction& log_;
  std::vector<Diagnostic>& problems_;
};

// Runs code of the node's type; whatever it throws becomes a problem at its place.
template <class Call>
void guarded(const NodeSpec& node, std::vector<Diagnostic>& problems, Call&& call) {
  try {
    call();
  } catch (const OptionError& e) {
    problems.push_back(at_option(node, e.option(), e.what()));
  } catch (...) {
    problems.push_back(at_option(node, "", "can't start: " + current_failure().text));
  }
}

void make(const NodeSpec& node, std::size_t i, Instances& made) {
  const Options& options = *node.options;
  std::visit(
      [&](auto* factory) {
        auto object = factory(options);
        if (!object) throw RunError("the factory of type " + node.type->name + " made nothing");
        if constexpr (std::is_same_v<decltype(object), std::unique_ptr<Source>>) made.sources[i] = std::move(object);
        if constexpr (std::is_same_v<decltype(object), std::unique_ptr<Node>>) made.nodes[i] = std::move(object);
        if constexpr (std::is_same_v<decltype(object), std::unique_ptr<Sink>>) made.sinks[i] = std::move(object);
      },
      node.type->make);
}

Instances make_nodes(const GraphSpec& spec, std::vector<Diagnostic>& problems) {
  const std::size_t n = spec.nodes.size();
  Instances made;
  made.sources.resize(n);
  made.nodes.resize(n);
  made.sinks.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    guarded(spec.nodes[i], problems, [&] { make(spec.nodes[i], i, made); });
  }
  return made;
}

}  // namespace

void check_node(const NodeSpec& node, std::vector<Diagnostic>& problems) {
  Instances made;
  made.sources.resize(1);
  made.nodes.resize(1);
  made.sinks.resize(1);
  guarded(node, problems, [&] { make(node, 0, made); });
}

void check_nodes(const GraphSpec& spec) {
  std::vector<Diagnostic> problems;
  const Instances made = make_nodes(spec, problems);
  if (!problems.empty()) throw ConfigError(std::move(problems));
}

std::unique_ptr<Node> start_node(const GraphSpec& spec, const NodeSpec& node, const LogFunction& log) {
  std::vector<Diagnostic> problems;
  std::unique_ptr<Node> made;
  Claims claims(false);
  NodeStart context(spec, node, false, claims, log, problems);
  guarded(node, problems, [&] {
    made = std::get<std::unique_ptr<Node> (*)(const Options&)>(node.type->make)(*node.options);
    if (!made) throw RunError("the factory of type " + node.type->name + " made nothing");
    made->start(context);
  });
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return made;
}

Instances start_nodes(const GraphSpec& spec, bool force, const std::string& trace, const LogFunction& log) {
  const std::size_t n = spec.nodes.size();
  std::vector<Diagnostic> problems;
  Instances made = make_nodes(spec, problems);
  Claims claims(force);
  for (const std::string& file : spec.files) claims.graph_file(file);
  const auto start_all = [&](auto& objects, const LogFunction& to) {
    for (std::size_t i = 0; i < n; ++i) {
      if (!objects[i]) continue;
      NodeStart context(spec, spec.nodes[i], force, claims, to, problems);
      guarded(spec.nodes[i], problems, [&] { objects[i]->start(context); });
    }
  };
  start_all(made.sources, log);  // inputs are claimed before outputs
  start_all(made.nodes, log);
  std::vector<std::pair<LogLevel, std::string>> held;  // what sinks say of their files is true if the run begins
  start_all(made.sinks, [&](LogLevel level, std::string_view text) { held.emplace_back(level, text); });
  if (const std::string problem = trace.empty() ? "" : claims.output("", trace); !problem.empty()) {
    Diagnostic d;
    d.file = trace;
    d.text = "the trace: " + problem;
    problems.push_back(std::move(d));
  }
  if (!problems.empty()) throw ConfigError(std::move(problems));
  for (const auto& [level, text] : held) log(level, text);
  return made;
}

}  // namespace starflow::graph
