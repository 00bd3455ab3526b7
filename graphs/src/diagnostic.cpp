// SPDX-License-Identifier: MIT
#include <starflow/graph/diagnostic.hpp>

#include <utility>

namespace starflow::graph {
namespace {

std::string all(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const auto& d : diagnostics) text += to_string(d);
  return text;
}

}  // namespace

std::string to_string(const Diagnostic& d, std::string_view kind) {
  std::string text = d.file;
  if (d.line > 0) text += ":" + std::to_string(d.line) + ":" + std::to_string(d.column);
  text.append(": ").append(kind).append(": ");
  if (!d.path.empty()) text += d.path + ": ";
  text += d.text;
  if (!d.hint.empty()) text += "; " + d.hint;
  text += '\n';
  if (!d.excerpt.empty()) text += d.excerpt + '\n';
  return text;
}

ConfigError::ConfigError(std::vector<Diagnostic> diagnostics)
    : std::runtime_error(all(diagnostics)), diagnostics_(std::move(diagnostics)) {}

}  // namespace starflow::graph
