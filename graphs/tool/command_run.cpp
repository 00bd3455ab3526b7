// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "console.hpp"
#include "exit_code.hpp"
#include "host.hpp"
#include "overrides_of.hpp"
#include "progress.hpp"
#include "signals.hpp"
#include "summary.hpp"

#include <starflow/graph/runner.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <utility>

namespace starflow::tool {

namespace {

void warn_of_plugins(const graph::Registry& registry) {
  for (const graph::PluginRecord& p : registry.plugins()) {
    if (!p.refusal.empty()) print_error("warning: the plugin {} was refused: {}\n", p.file, p.refusal);
    if (!p.warning.empty()) print_error("warning: the plugin {}: {}\n", p.file, p.warning);
  }
}

void warn_of_unread(const graph::GraphSpec& spec) {
  for (const graph::Diagnostic& d : spec.unread()) print_error("{}", to_string(d, "warning"));
}

/// The names are those that the command line allows.
LogLevel least_level(const RunArguments& a) {
  if (a.log_level == "debug") return LogLevel::debug;
  if (a.log_level == "error") return LogLevel::error;
  if (a.log_level == "warning" || (a.log_level.empty() && a.quiet)) return LogLevel::warning;
  return LogLevel::info;
}

int exit_code(const graph::RunReport& report) {
  const RunSummary& s = report.summary;
  const auto ok = s.outcomes[static_cast<int>(Outcome::ok)];
  if (s.complete) return ok == s.frames ? ExitCode::all_ok : ExitCode::some_failed;
  return report.aborted ? ExitCode::aborted : ExitCode::interrupted;
}

/// What an earlier run came to, which left nothing to do.
int tell_complete(const RunArguments& arguments, const RunSummary& summary) {
  if (!arguments.quiet)
    print_error("already complete: {}, {}; nothing was run\n", counted(summary.frames, "frame"),
                counted(summary.stars, "star"));
  return ExitCode::all_ok;
}

}  // namespace

int command_run(const RunArguments& arguments) {
  SignalWatch watch;
  const graph::Registry registry = load_registry(arguments.plugin_dirs);
  graph::GraphSpec spec = load_graph(arguments.graph, registry, overrides_of(arguments));
  if (!arguments.quiet) {
    warn_of_plugins(registry);
    warn_of_unread(spec);
  }
  const StageTimes stages(spec);
  Progress progress(arguments.quiet, least_level(arguments));
  FailureLines failures(progress);
  graph::RunOptions options;
  options.force = arguments.force;
  options.on_log = [&progress](LogLevel level, std::string_view text) { progress.log(level, text); };
  options.on_progress = [&progress](const RunSummary& so_far) { progress.update(so_far); };
  options.on_result = [&failures](const graph::FrameResult& result) { failures.add(result); };
  options.trace = arguments.trace;
  options.resume = arguments.resume;
  options.shard = arguments.shard;
  graph::GraphRunner runner(std::move(spec), std::move(options));
  progress.set_total(runner.total(), runner.continued());

  const double begin = progress.seconds();
  const graph::RunReport report = [&] {
    const SignalWatch::Run signals(watch, runner);
    return runner.run();
  }();
  const double seconds = progress.seconds();
  progress.finish();
  failures.finish();
  if (report.already_complete) return tell_complete(arguments, report.summary);
  const bool kept = arguments.resume || arguments.shard;
  for (const auto& [node, text] : report.reports) print_report(node, text, kept);
  if (!arguments.quiet) print_counts(report.summary, report.continued, seconds);
  if (!report.summary.complete) print_error("not complete: {}\n", printable(report.summary.reason));
  if (arguments.node_times) print_node_times(report);
  if (arguments.stage_times) fmt::print("{}\n", stages.json(report, seconds - begin));
  return watch.aborted() ? ExitCode::interrupted : exit_code(report);
}

int command_measure(const MeasureArguments& a) {
  RunArguments run;
  run.graph = (std::filesystem::path(share_folder()) / "graphs" / "batch.json").string();
  run.inputs = a.images;
  run.output = a.output;
  run.more = {{"parameters.method", std::vector{a.method}, "--method"}, {"parameters.fwhm", a.fwhm, "--fwhm"}};
  run.force = a.force;
  run.quiet = a.quiet;
  run.plugin_dirs = a.plugin_dirs;
  return command_run(run);
}

int command_validate(const RunArguments& arguments) {
  const graph::Registry registry = load_registry(arguments.plugin_dirs);
  const graph::GraphSpec spec = load_graph(arguments.graph, registry, overrides_of(arguments));
  graph::check_nodes(spec);
  warn_of_unread(spec);
  fmt::print("{}: ok, {}, configuration {}\n", arguments.graph, counted(spec.nodes.size(), "node"), spec.config_hash);
  return ExitCode::all_ok;
}

}  // namespace starflow::tool
