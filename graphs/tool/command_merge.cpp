// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "console.hpp"
#include "exit_code.hpp"
#include "host.hpp"
#include "merge.hpp"

#include <starflow/graph/runner.hpp>

#include <sys/resource.h>

namespace starflow::tool {
namespace {

/// Every shard is open at the same time.
void allow_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int command_merge(const MergeArguments& arguments) {
  const graph::Registry registry = load_registry(arguments.plugin_dirs);
  allow_many_files();
  const graph::MergeResult result = graph::merge_shards(registry, arguments.shards, arguments.output, arguments.force);
  if (arguments.quiet) return ExitCode::all_ok;
  if (result.mixed_simd) {
    print_error(
        "warning: the shards were measured on different instruction sets, where rounding differs (run --simd NAME "
        "holds all to one)\n");
  }
  print_error("{}{}, {} of {} in {}\n", result.already_complete ? "already complete: " : "",
              counted(result.summary.frames, "frame"), counted(result.summary.stars, "star"),
              counted(arguments.shards.size(), "shard"), printable(arguments.output));
  return ExitCode::all_ok;
}

}  // namespace starflow::tool
