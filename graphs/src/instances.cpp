// SPDX-License-Identifier: MIT
#include "instances.hpp"

#include "claims.hpp"
#include "failure.hpp"
#include "open_journal.hpp"

#include <starflow/graph/diagnostic.hpp>
#include <starflow/graph/runner.hpp>
#include <starflow/sdk/options.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <variant>

namespace starflow::graph {

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

void guarded(const NodeSpec& node, std::vector<Diagnostic>& problems, const std::function<void()>& call) {
  try {
    call();
  } catch (const OptionError& e) {
    problems.push_back(at_option(node, e.option(), e.what()));
  } catch (...) {
    problems.push_back(at_option(node, "", "can't start: " + current_failure().text));
  }
}

namespace {

/// What the start of all nodes brings together.
struct Start {
  const GraphSpec& spec;
  Claims claims;
  bool may_replace;
  bool journaled = false;
  InputMarks inputs{};
  std::vector<std::string> outputs{};
  std::vector<Diagnostic> problems{};
};

class NodeStart final : public StartContext {
 public:
  /// \param checkpoints  of the sink that is started, from the run that is continued
  NodeStart(Start& start,
            const NodeSpec& node,
            const LogFunction& log,
            const std::vector<std::string>* checkpoints = nullptr)
      : start_(start), node_(node), log_(log), checkpoints_(checkpoints) {}

  [[nodiscard]] bool force() const override { return start_.may_replace; }
  void claim_input(const std::string& path) override {
    if (start_.journaled) start_.inputs.add(path);
    if (std::string problem = start_.claims.input(node_.id, path); !problem.empty()) {
      start_.problems.push_back(at_option(node_, "", problem));
    }
  }
  void claim_output(const std::string& option, const std::string& path) override {
    if (const std::string problem = start_.claims.output(node_.id, path); !problem.empty())
      throw OptionError(option, problem);
    start_.outputs.push_back(path);
  }
  [[nodiscard]] std::string_view version() const override { return STARFLOW_VERSION; }
  [[nodiscard]] std::string_view config_hash() const override { return start_.spec.config_hash; }
  [[nodiscard]] const std::vector<std::string>& checkpoints() const override {
    return checkpoints_ != nullptr ? *checkpoints_ : StartContext::checkpoints();
  }
  void log(LogLevel level, std::string_view text) override { log_(level, node_.id + ": " + std::string(text)); }

 private:
  Start& start_;
  const NodeSpec& node_;
  const LogFunction& log_;
  const std::vector<std::string>* checkpoints_;
};

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
  std::unique_ptr<Node> made;
  Start start{spec, Claims(false), false};
  NodeStart context(start, node, log);
  guarded(node, start.problems, [&] {
    made = std::get<std::unique_ptr<Node> (*)(const Options&)>(node.type->make)(*node.options);
    if (!made) throw RunError("the factory of type " + node.type->name + " made nothing");
    made->start(context);
  });
  if (!start.problems.empty()) throw ConfigError(std::move(start.problems));
  return made;
}

namespace {

/// Starts those of \p objects that are there. \param journal  of the run whose sinks they are; null = none
template <class Objects>
void start_all(Start& start, const Objects& objects, const LogFunction& log, const Journal* journal = nullptr) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (!objects[i]) continue;
    const NodeSpec& node = start.spec.nodes[i];
    NodeStart context(start, node, log, journal != nullptr ? &journal->checkpoints(number++) : nullptr);
    guarded(node, start.problems, [&] { objects[i]->start(context); });
  }
}

void start_sinks(Start& start, Instances& made, const LogFunction& log) {
  std::vector<std::pair<LogLevel, std::string>> held;  // what sinks say of their files is true if the run begins
  const LogFunction hold = [&](LogLevel level, std::string_view text) { held.emplace_back(level, text); };
  if (made.journal) {
    start.claims.graph_file(made.journal->path());
    start.may_replace = made.journal->replaces();
    // The files of a run that is continued may have their names already; sinks look at that themselves.
    start.claims.replace_existing(start.may_replace || made.journal->continues());
  }
  start_all(start, made.sinks, hold, made.journal.get());
  if (!start.problems.empty()) return;
  for (const auto& [level, text] : held) log(level, text);
}

}  // namespace

Instances start_nodes(const GraphSpec& spec, const StartPlan& plan, const LogFunction& log) {
  const bool journaled = plan.resume || plan.shard;
  Start start{spec, Claims(plan.force), plan.force, journaled};
  Instances made = make_nodes(spec, start.problems);
  for (const std::string& file : spec.files) start.claims.graph_file(file);
  start_all(start, made.sources, log);  // inputs are claimed before outputs
  start_all(start, made.nodes, log);
  if (journaled && start.problems.empty()) open_journal(spec, plan, start.inputs, made, start.problems);
  if (journaled && !made.journal) throw ConfigError(std::move(start.problems));
  if (made.journal && made.journal->complete()) {
    for (auto& sink : made.sinks) sink.reset();
    return made;
  }
  start_sinks(start, made, log);
  if (const std::string problem = plan.trace.empty() ? "" : start.claims.output("", plan.trace); !problem.empty()) {
    Diagnostic d;
    d.file = plan.trace;
    d.text = "the trace: " + problem;
    start.problems.push_back(std::move(d));
  }
  if (!start.problems.empty()) throw ConfigError(std::move(start.problems));
  made.outputs = std::move(start.outputs);
  return made;
}

}  // namespace starflow::graph
