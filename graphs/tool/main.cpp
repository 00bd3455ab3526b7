// SPDX-License-Identifier: MIT
/// \file
/// The `starflow` command.

#include "commands.hpp"
#include "console.hpp"
#include "exit_code.hpp"
#include "host.hpp"
#include "signals.hpp"
#include "text.hpp"

#include <starflow/core/simd.hpp>
#include <starflow/graph/diagnostic.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace starflow::tool {
namespace {

void add_plugin_dirs(CLI::App& app, std::vector<std::string>& dirs) {
  app.add_option("--plugin-dir", dirs, "Folder with more plugins; may be given several times");
}

/// The option acts where it is read: it holds for the process, whatever the command.
void add_simd(CLI::App& app) {
  const auto pin = [](const std::string& name) {
    if (pin_simd(name)) return;
    throw CLI::ValidationError("--simd", fmt::format("{} is none of this CPU's instruction sets, {}",
                                                     graph::in_quotes(name), fmt::join(simd_names(), ", ")));
  };
  app.add_option_function<std::string>("--simd", pin,
                                       "Instruction set to hold the run to; `starflow inspect simd` lists them");
}

/// \return nothing unless \p text is I/N with I < N
std::optional<graph::Shard> read_shard(const std::string& text) {
  graph::Shard shard;
  const std::size_t slash = text.find('/');
  const auto read = [&](std::size_t begin, std::size_t end, std::uint64_t& value) {
    const char* last = text.data() + end;
    const auto got = std::from_chars(text.data() + begin, last, value);
    return got.ec == std::errc() && got.ptr == last;
  };
  if (slash == std::string::npos || !read(0, slash, shard.index) || !read(slash + 1, text.size(), shard.count) ||
      shard.index >= shard.count || shard.count > graph::kMostShards) {
    return {};
  }
  return shard;
}

void add_shard(CLI::App& app, RunArguments& a) {
  const auto take = [&a](const std::string& text) {
    a.shard = read_shard(text);
    if (!a.shard) {
      throw CLI::ValidationError("--shard", fmt::format("{} is not I/N: part I of N, I from 0 to N-1, N up to {}",
                                                        graph::in_quotes(text), graph::kMostShards));
    }
  };
  app.add_option_function<std::string>("--shard", take,
                                       "I/N: measure frame I of the input and every N-th after it, I from 0; each part "
                                       "needs an output of its own, and `starflow merge` puts them together");
}

void add_merge(CLI::App& app, MergeArguments& a, std::function<int()>& action) {
  CLI::App* merge = app.add_subcommand("merge", "Put the outputs of all shards of a run together");
  merge->add_option("shard", a.shards, "The output of each `run --shard I/N`, in any order")->required();
  merge->add_option("-o,--output", a.output, "File to make, as the run would have without --shard")->required();
  merge->add_flag("--force", a.force, "Replace an existing output");
  merge->add_flag("-q,--quiet", a.quiet, "No summary");
  add_plugin_dirs(*merge, a.plugin_dirs);
  merge->callback([&] { action = [&a] { return command_merge(a); }; });
}

void add_run(CLI::App& app, RunArguments& a, std::function<int()>& action) {
  CLI::App* run = app.add_subcommand("run", "Run a graph");
  run->add_option("graph", a.graph, "Graph file (JSON)")->required();
  run->add_option("--input", a.inputs,
                  "File, folder or glob: the graph's parameter \"input\"; may be given several times");
  run->add_option("-o,--output", a.output, "The graph's parameter \"output\"; - is standard output");
  run->add_option("--set", a.set, "PATH=VALUE, PATH being parameters.NAME, nodes.ID.options.NAME or run.NAME")
      ->allow_extra_args(false);
  run->add_option("--threads", a.threads, "Worker threads; 0 = all")->check(CLI::Range(0, 1024));
  add_simd(*run);
  run->add_flag("--stage-times", a.stage_times,
                "End standard output with one JSON line: seconds of reading, detection, centroids, writing");
  run->add_flag("--node-times", a.node_times, "Print a table of each node's calls, errors, and times");
  run->add_option("--trace", a.trace, "File of what ran when, for ui.perfetto.dev and chrome://tracing");
  run->add_option("--log-level", a.log_level, "Least of what nodes say that is shown; info unless given")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  run->add_flag("--resume", a.resume,
                "Go on where an earlier run of the same graph and input ended, even if it was killed. Keeps a journal, "
                "PATH.journal, beside the first output; with --force everything begins anew");
  add_shard(*run, a);
  run->add_flag("--force", a.force, "Replace existing outputs");
  run->add_flag("-q,--quiet", a.quiet, "No progress, no summary");
  add_plugin_dirs(*run, a.plugin_dirs);
  run->callback([&] { action = [&a] { return command_run(a); }; });
}

void add_measure(CLI::App& app, MeasureArguments& a, std::function<int()>& action) {
  CLI::App* measure = app.add_subcommand("measure", "Find and measure the stars of images");
  measure->add_option("image", a.images, "Files, folders or globs")->required();
  measure->add_option("--method", a.method, "Preset; `starflow inspect methods` lists them")->capture_default_str();
  measure->add_option("--fwhm", a.fwhm, "Of the stars, px, or auto")->capture_default_str();
  measure->add_option("-o,--output", a.output, "JSON Lines; - is standard output")->capture_default_str();
  add_simd(*measure);
  measure->add_flag("--force", a.force, "Replace an existing output");
  measure->add_flag("-q,--quiet", a.quiet, "No progress, no summary");
  add_plugin_dirs(*measure, a.plugin_dirs);
  measure->callback([&] { action = [&a] { return command_measure(a); }; });
}

/// What a command that looks at a graph has in common.
CLI::App* add_look(CLI::App& app, const char* name, const char* doc, RunArguments& a) {
  CLI::App* command = app.add_subcommand(name, doc);
  command->add_option("graph", a.graph, "Graph file (JSON)")->required();
  command->add_option("--input", a.inputs, "The graph's parameter \"input\"");
  command->add_option("-o,--output", a.output, "The graph's parameter \"output\"");
  command->add_option("--set", a.set, "PATH=VALUE")->allow_extra_args(false);
  add_plugin_dirs(*command, a.plugin_dirs);
  return command;
}

void add_validate(CLI::App& app, RunArguments& a, std::function<int()>& action) {
  CLI::App* validate = add_look(app, "validate", "Check a graph without running it", a);
  validate->callback([&] { action = [&a] { return command_validate(a); }; });
}

void add_explain(CLI::App& app, RunArguments& a, std::string& path, std::function<int()>& action) {
  CLI::App* explain = add_look(app, "explain", "Show every value of a graph and where it came from", a);
  explain->add_option("path", path, "parameters.NAME, nodes.ID.options.NAME, run.NAME or the front of one");
  explain->callback([&] { action = [&] { return command_explain(a, path); }; });
}

void add_graph(CLI::App& app, RunArguments& a, bool& svg, std::function<int()>& action) {
  CLI::App* graph = add_look(app, "graph", "Draw a graph", a);
  graph->add_flag("--svg,!--dot", svg,
                  "SVG, drawn by Graphviz's program dot; --dot, unless said, is the text that it draws");
  graph->callback([&] { action = [&] { return command_graph(a, svg); }; });
}

void add_inspect(CLI::App& app, InspectArguments& a, std::function<int()>& action) {
  CLI::App* inspect = app.add_subcommand("inspect", "Show node types, their options, methods, plugins");
  inspect->add_option("what", a.what, "types | type NAME | methods | plugins | simd")
      ->check(CLI::IsMember({"types", "type", "methods", "plugins", "simd"}))
      ->capture_default_str();
  inspect->add_option("name", a.name, "A node type, after `type`");
  add_plugin_dirs(*inspect, a.plugin_dirs);
  inspect->callback([&] { action = [&a] { return command_inspect(a); }; });
}

void add_report(CLI::App& app, ReportArguments& a, std::function<int()>& action) {
  CLI::App* report = app.add_subcommand("report", "Make a page of results, to be looked at in a browser");
  report->add_option("results", a.results, "JSON Lines of sink.jsonl, and of sink.score where the truth is known")
      ->required();
  report->add_option("-o,--output", a.output, "The page, one HTML file that needs no network; - is standard output")
      ->capture_default_str();
  report->add_option("--overlays", a.overlays,
                     "Pictures of the frames: the option path of sink.overlay, or the folder that they are in");
  report->add_option("--title", a.title, "Of the page");
  report->add_flag("--force", a.force, "Replace an existing page");
  report->add_flag("-q,--quiet", a.quiet, "Say nothing but errors");
  report->callback([&] { action = [&a] { return command_report(a); }; });
}

void add_schema(CLI::App& app, std::vector<std::string>& plugin_dirs, std::function<int()>& action) {
  CLI::App* schema = app.add_subcommand("schema", "Print the JSON Schema of graph files, for editors");
  add_plugin_dirs(*schema, plugin_dirs);
  schema->callback([&] { action = [&plugin_dirs] { return command_schema(plugin_dirs); }; });
}

/// What is wrong with the words that no option or argument took.
std::string unexpected(const CLI::App& app, const std::vector<std::string>& words) {
  std::vector<std::string> options, commands;
  for (const CLI::Option* o : app.get_options()) {
    for (const std::string& name : o->get_lnames()) options.push_back("--" + name);
  }
  for (const CLI::App* c : app.get_subcommands(nullptr)) commands.push_back(c->get_name());
  std::string text;
  const auto add = [&](std::string_view what, const std::string& word, const std::vector<std::string>& known) {
    const std::string hint = graph::did_you_mean(word, known);
    text += fmt::format("error: {} {}{}{}\n", what, graph::in_quotes(word), hint.empty() ? "" : "; ", hint);
  };
  for (const std::string& word : words) {
    if (word.starts_with('-')) add("unknown option", word.substr(0, word.find('=')), options);
  }
  if (!text.empty()) return text;  // other words may be their values
  if (commands.empty()) {
    for (const std::string& word : words) add("unexpected argument", word, {});
  } else if (!words.empty()) {
    add("unknown command", words.front(), commands);
  }
  return text;
}

int refuse(const CLI::App& app, const CLI::ParseError& e) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  const std::string words = unexpected(command, app.remaining(true));
  const std::string name = chosen.empty() ? "starflow" : "starflow " + command.get_name();
  print_error("{}`{} --help` shows what is allowed\n",
              words.empty() ? fmt::format("error: {}\n", e.what()) : printable(words), name);
  return ExitCode::bad_config;
}

int run(int argc, char** argv) {
  CLI::App app("Star positions inside a dataflow", "starflow");
  app.set_version_flag("--version", STARFLOW_VERSION);
  app.require_subcommand(1);
  RunArguments run_arguments, validate_arguments, explain_arguments, graph_arguments;
  std::string explained;
  bool svg = false;
  MeasureArguments measure_arguments;
  MergeArguments merge_arguments;
  InspectArguments inspect_arguments;
  ReportArguments report_arguments;
  std::function<int()> action;
  add_run(app, run_arguments, action);
  add_measure(app, measure_arguments, action);
  add_merge(app, merge_arguments, action);
  add_validate(app, validate_arguments, action);
  add_explain(app, explain_arguments, explained, action);
  add_graph(app, graph_arguments, svg, action);
  add_inspect(app, inspect_arguments, action);
  add_report(app, report_arguments, action);
  std::vector<std::string> schema_plugin_dirs;
  add_schema(app, schema_plugin_dirs, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return e.get_exit_code() == 0 ? app.exit(e) : refuse(app, e);
  }
  return action();
}

/// What was printed has arrived. \return \p code, or what says that it has not
int flushed(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  print_error("error: can't write standard output\n");
  return code == ExitCode::all_ok ? ExitCode::aborted : code;
}

}  // namespace
}  // namespace starflow::tool

int main(int argc, char** argv) {
  using namespace starflow::tool;
  keep_standard_descriptors();
  ignore_write_signals();
  try {
    return flushed(run(argc, argv));
  } catch (const starflow::graph::ConfigError& e) {
    print_error("{}{}; nothing was run\n", e.what(), counted(e.diagnostics().size(), "problem"));
    return ExitCode::bad_config;
  } catch (const PluginProblem& e) {
    write_error(e.what());
    return ExitCode::bad_plugin;
  } catch (const std::exception& e) {
    print_error("error: {}\n", e.what());
    return ExitCode::aborted;
  }
}
