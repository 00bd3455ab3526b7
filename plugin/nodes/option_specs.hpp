// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Options that many nodes describe alike.

#include <starflow/sdk/node.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace starflow {

/// Without a default.
inline OptionSpec option(std::string name, Accepts form, std::string doc, std::string unit = {}) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.form = form;
  spec.doc = std::move(doc);
  spec.unit = std::move(unit);
  return spec;
}

/// A number without a default, \p minimum to \p maximum in \p unit.
inline OptionSpec number(std::string name, std::string doc, std::string unit, double minimum, double maximum) {
  OptionSpec spec = option(std::move(name), Accepts::number, std::move(doc), std::move(unit));
  spec.minimum = minimum;
  spec.maximum = maximum;
  return spec;
}

/// A whole number, \p minimum to \p maximum.
inline OptionSpec whole(std::string name, std::int64_t fallback, double minimum, double maximum, std::string doc) {
  OptionSpec spec = number(std::move(name), std::move(doc), {}, minimum, maximum);
  spec.form = Accepts::integer;
  spec.fallback = fallback;
  return spec;
}

/// One of \p choices, without a default.
inline OptionSpec choice(std::string name, std::string doc, std::vector<std::string> choices) {
  OptionSpec spec = option(std::move(name), Accepts::text, std::move(doc));
  spec.choices = std::move(choices);
  return spec;
}

template <std::size_t N>
OptionSpec choice(std::string name, std::string doc, const std::array<std::string_view, N>& names) {
  return choice(std::move(name), std::move(doc), std::vector<std::string>(names.begin(), names.end()));
}

inline OptionSpec with_default(OptionSpec spec, OptionValue value) {
  spec.fallback = std::move(value);
  return spec;
}

/// Whatever the minimum was: values above 0.
inline OptionSpec above_zero(OptionSpec spec) {
  spec.minimum = 0;
  spec.above_minimum = true;
  return spec;
}

/// The same options, each marked as one that may change between frames.
inline std::vector<OptionSpec> live(std::vector<OptionSpec> specs) {
  for (OptionSpec& spec : specs) spec.live = true;
  return specs;
}

}  // namespace starflow
