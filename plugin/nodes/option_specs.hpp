// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Options that many nodes describe alike.

#include <starflow/sdk/node.hpp>

#include <string>
#include <utility>
#include <vector>

namespace starflow {

/// A number without a default, \p minimum to \p maximum in \p unit.
inline OptionSpec number(std::string name, std::string doc, std::string unit, double minimum, double maximum) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.form = Accepts::number;
  spec.doc = std::move(doc);
  spec.unit = std::move(unit);
  spec.minimum = minimum;
  spec.maximum = maximum;
  return spec;
}

/// The same options, each marked as one that may change between frames.
inline std::vector<OptionSpec> live(std::vector<OptionSpec> specs) {
  for (OptionSpec& spec : specs) spec.live = true;
  return specs;
}

}  // namespace starflow
