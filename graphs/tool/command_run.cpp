// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "exit_code.hpp"
#include "host.hpp"
#include "progress.hpp"
#include "signals.hpp"

#include <starflow/graph/runner.hpp>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <utility>

namespace starflow::tool {
namespace {

constexpr std::size_t kErrorsShown = 10;

/// \throws graph::ConfigError for a --set without "=".
graph::Overrides overrides(const RunArguments& a) {
  graph::Overrides o;
  for (const std::string& text : a.set) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      graph::Diagnostic d;
      d.file = "--set " + text;
      d.text = "not of the form PATH=VALUE; PATH is parameters.NAME, nodes.ID.options.NAME or run.NAME";
      throw graph::ConfigError({d});
    }
    o.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  // A path that reads as a number or as true stays a text: it goes in as JSON.
  const auto text = [](const auto& value) {
    return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  if (!a.inputs.empty()) o.emplace_back("parameters.input", text(a.inputs));
  if (!a.output.empty()) o.emplace_back("parameters.output", text(a.output));
  if (a.threads >= 0) o.emplace_back("run.threads", std::to_string(a.threads));
  return o;
}

/// The frames that did not come out whole, the first few in words.
class FailureList {
 public:
  void add(const graph::FrameResult& r) {
    if (r.errors.empty()) return;
    if (++count_ > kErrorsShown) return;
    for (const NodeError& e : r.errors) {
      const bool named = e.text.find(r.info.source) != std::string::npos;
      lines_.push_back(fmt::format("{}{} ({}: {})", named ? "" : r.info.source + ": ", e.text, e.node, e.code));
    }
  }
  void print() const {
    for (const std::string& line : lines_) fmt::print(stderr, "failed: {}\n", line);
    if (count_ > kErrorsShown) fmt::print(stderr, "... and {} more, in the frame records\n", count_ - kErrorsShown);
  }

 private:
  std::size_t count_ = 0;
  std::vector<std::string> lines_;
};

std::string short_text(const nlohmann::ordered_json& v) {
  if (v.is_number_float()) return fmt::format("{:.4g}", v.get<double>());
  return v.is_string() ? v.get<std::string>() : v.dump();
}

/// A sink's report for people: a line for each value, a row for each object of a list.
void print_report(const std::string& node, const std::string& text) {
  fmt::print(stderr, "{}:\n", node);
  const auto report = nlohmann::ordered_json::parse(text);
  for (const auto& [name, value] : report.items()) {
    if (!value.is_array()) {
      fmt::print(stderr, "  {:<24} {}\n", name, short_text(value));
      continue;
    }
    fmt::print(stderr, "  {}\n", name);
    for (const auto& row : value) {
      std::string line;
      for (const auto& [key, cell] : row.items()) line += fmt::format("  {} {}", key, short_text(cell));
      fmt::print(stderr, "  {}\n", line);
    }
  }
}

std::string outcome_text(const RunSummary& s) {
  std::string text;
  for (std::size_t i = 0; i < std::size(s.outcomes); ++i) {
    if (s.outcomes[i] > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", s.outcomes[i], kOutcomeNames[i]);
  }
  return text.empty() ? "none" : text;
}

int exit_code(const graph::RunReport& report, bool was_interrupted) {
  if (was_interrupted) return ExitCode::interrupted;
  if (report.aborted) return ExitCode::aborted;
  const auto ok = report.summary.outcomes[static_cast<int>(Outcome::ok)];
  return ok == report.summary.frames ? ExitCode::all_ok : ExitCode::some_failed;
}

}  // namespace

int command_run(const RunArguments& arguments) {
  const graph::Registry registry = load_registry(arguments.plugin_dirs);
  graph::GraphSpec spec = load_graph(arguments.graph, registry, overrides(arguments));
  Progress progress(arguments.quiet);
  FailureList failures;
  graph::RunOptions options;
  options.force = arguments.force;
  options.on_log = [&progress](LogLevel level, std::string_view text) { progress.log(level, text); };
  options.on_progress = [&progress](const RunSummary& so_far) { progress.update(so_far); };
  options.on_result = [&failures](const graph::FrameResult& result) { failures.add(result); };
  graph::GraphRunner runner(std::move(spec), std::move(options));
  progress.set_total(runner.total());

  SignalWatch watch(runner);
  const graph::RunReport report = runner.run();
  const double seconds = progress.seconds();
  progress.finish();
  failures.print();
  for (const auto& [node, text] : report.reports) print_report(node, text);
  const RunSummary& s = report.summary;
  if (!arguments.quiet) {
    fmt::print(stderr, "{} frames: {}; {} stars; {:.2f} s, {:.1f} frames/s\n", s.frames, outcome_text(s), s.stars,
               seconds, static_cast<double>(s.frames) / seconds);
  }
  if (!s.complete) fmt::print(stderr, "not complete: {}\n", s.reason);
  return exit_code(report, watch.interrupted());
}

int command_measure(const MeasureArguments& a) {
  RunArguments run;
  run.graph = (std::filesystem::path(share_folder()) / "graphs" / "batch.json").string();
  run.inputs = a.images;
  run.output = a.output;
  run.set = {"parameters.method=" + a.method, "parameters.fwhm=" + a.fwhm};
  run.force = a.force;
  run.quiet = a.quiet;
  run.plugin_dirs = a.plugin_dirs;
  return command_run(run);
}

int command_validate(const RunArguments& arguments) {
  const graph::Registry registry = load_registry(arguments.plugin_dirs);
  const graph::GraphSpec spec = load_graph(arguments.graph, registry, overrides(arguments));
  fmt::print("{}: ok, {} nodes, configuration {}\n", arguments.graph, spec.nodes.size(), spec.config_hash);
  return ExitCode::all_ok;
}

}  // namespace starflow::tool
