// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What is wrong with a configuration, and where. All problems of a file are collected and reported together.

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::graph {

/// One problem. `line` and `column` count from 1; 0 = unknown (a value from the command line).
struct Diagnostic {
  std::string file;  ///< as given; "--set nodes.det.options.fwhm" for the command line
  int line = 0, column = 0;
  std::string path;     ///< JSON path: "nodes[1].options.fwhm"
  std::string text;     ///< what is wrong, and what is allowed
  std::string hint;     ///< "did you mean \"fwhm\"?"; may be empty
  std::string excerpt;  ///< the line of the file and a caret under the place; may be empty
};

/// `file:line:column: error: path: text; hint` and the excerpt, each ended by '\n'.
/// \param kind  what stands in place of "error"
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic, std::string_view kind = "error");

/// A configuration that can't run. what() is the text of all diagnostics.
class __attribute__((visibility("default"))) ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(std::vector<Diagnostic> diagnostics);
  [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const noexcept { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace starflow::graph
