// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What an exception of foreign code means for a frame and for the run.

#include <string>

namespace starflow::graph {

struct Failure {
  std::string code, text;
  bool ends_run = false;  ///< a RunError
};

/// Call inside a catch block: the failure that the exception in flight stands for. Never throws; where memory is short
/// the text may be empty.
[[nodiscard]] Failure current_failure() noexcept;

}  // namespace starflow::graph
