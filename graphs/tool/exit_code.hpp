// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What the command's exit code means to a script.

namespace starflow::tool {

enum ExitCode : int {
  all_ok = 0,
  some_failed = 1,   ///< the run finished; at least one frame was not measured
  bad_config = 2,    ///< the command line or a configuration is wrong: nothing ran
  aborted = 3,       ///< the run could not go on (disk full, too many failures)
  bad_plugin = 4,    ///< a plugin that the graph needs was refused or is missing
  interrupted = 130  ///< Ctrl-C or a termination signal
};

}  // namespace starflow::tool
