// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "console.hpp"
#include "exit_code.hpp"
#include "host.hpp"
#include "overrides_of.hpp"

#include <starflow/graph/explain.hpp>

#include <fmt/format.h>

#include <sys/wait.h>
#include <cstdio>

namespace starflow::tool {
namespace {

/// Has Graphviz draw \p dot on standard output.
int draw(const std::string& dot) {
  std::fflush(stdout);
  FILE* program = popen("dot -Tsvg", "w");
  const bool written = program != nullptr && std::fwrite(dot.data(), 1, dot.size(), program) == dot.size();
  const int status = program != nullptr ? pclose(program) : -1;
  if (written && status == 0) return ExitCode::all_ok;
  const bool missing = status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127;
  print_error("error: {}\n", missing
                                 ? "the program dot is not installed (Debian: graphviz); --dot prints the text that "
                                   "it would draw"
                                 : "dot could not draw the graph");
  return ExitCode::aborted;
}

}  // namespace

int command_explain(const RunArguments& arguments, const std::string& path) {
  const graph::Registry registry = load_registry(arguments.plugin_dirs);
  const graph::GraphSpec spec = load_graph(arguments.graph, registry, overrides_of(arguments));
  fmt::print("{}", printable(graph::explain(spec, path)));
  return ExitCode::all_ok;
}

int command_graph(const RunArguments& arguments, bool svg) {
  const graph::Registry registry = load_registry(arguments.plugin_dirs);
  const graph::GraphSpec spec = load_graph(arguments.graph, registry, overrides_of(arguments));
  const std::string dot = graph::to_dot(spec);
  if (svg) return draw(dot);
  fmt::print("{}", dot);
  return ExitCode::all_ok;
}

}  // namespace starflow::tool
