// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Options that many nodes describe alike.

#include <starflow/sdk/node.hpp>

#include <string>
#include <utility>

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

}  // namespace starflow
