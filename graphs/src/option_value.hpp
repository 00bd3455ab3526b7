// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A JSON value against the description of an option: form, range, choices.

#include <starflow/graph/json_doc.hpp>
#include <starflow/sdk/options.hpp>

#include <cstddef>
#include <string>

namespace starflow::graph {

/// What \p spec allows, as part of a sentence: "an integer in 1..1000 px", `one of "a", "b"`.
[[nodiscard]] std::string wanted(const OptionSpec& spec);

/// Why a value is refused; `text` empty = it is not.
struct Refusal {
  std::string text = {}, hint = {};
  std::size_t offset = 0;     ///< of the value or of the element of a list
  std::ptrdiff_t index = -1;  ///< of that element; -1 = the value itself
};

/// Checks form, range and choices of a value that is there already, such as a default.
[[nodiscard]] Refusal check(const OptionValue& value, const OptionSpec& spec);

/// \param value  not null. An integer is taken for a number, 3.0 for an integer, one text for a list of texts.
/// \param out    set unless refused
[[nodiscard]] Refusal convert(const JsonValue& value, const OptionSpec& spec, OptionValue& out);

/// The value of an argument of the command line: where JSON reads a number, true or false but the option wants a text,
/// it is the text as written. Null is no value, whatever the option wants; "null" in quotes is a text.
[[nodiscard]] Refusal convert_argument(const JsonDoc& argument, const OptionSpec& spec, OptionValue& out);

/// The same value as JSON, with the offsets of \p like.
[[nodiscard]] JsonValue to_json(const OptionValue& value, const JsonValue& like);

/// The value as a configuration would write it, lists in full; "not given" where it has none.
[[nodiscard]] std::string written(const OptionValue& value);

/// The value for a message: `3.9`, `"auto"`, `["a", "b"]`, "a list".
[[nodiscard]] std::string shown(const OptionValue& value);
[[nodiscard]] std::string shown(const JsonValue& value);

}  // namespace starflow::graph
