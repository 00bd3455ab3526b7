// SPDX-License-Identifier: MIT
#include "overrides_of.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace starflow::tool {

graph::Overrides overrides_of(const RunArguments& a) {
  graph::Overrides o;
  for (const std::string& text : a.set) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      graph::Diagnostic d;
      d.file = "--set " + text;
      d.text = "not of the form PATH=VALUE; PATH is parameters.NAME, nodes.ID.options.NAME or run.NAME";
      throw graph::ConfigError({d});
    }
    o.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  // Paths are texts whatever they look like: 1e3.fits, true.
  if (!a.inputs.empty()) o.push_back({"parameters.input", a.inputs, "--input"});
  if (!a.output.empty()) o.push_back({"parameters.output", std::vector{a.output}, "--output"});
  if (a.threads >= 0) o.push_back({"run.threads", std::to_string(a.threads), "--threads"});
  o.insert(o.end(), a.more.begin(), a.more.end());
  return o;
}

}  // namespace starflow::tool
