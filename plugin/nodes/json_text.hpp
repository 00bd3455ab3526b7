// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Writes JSON values at the end of a string: no locale, no allocation once the string is large enough.

#include <fmt/compile.h>

#include <cmath>
#include <concepts>
#include <iterator>
#include <string>
#include <string_view>

namespace starflow::json {

/// As it is; bytes that are not UTF-8 become U+FFFD.
void append_utf8(std::string& out, std::string_view text);

/// In quotes, with what JSON wants escaped; bytes that are not UTF-8 (a file's name may have any) become U+FFFD.
void append(std::string& out, std::string_view text);

/// The shortest digits that read back as the same number; null for NaN and infinities, which JSON does not have.
inline void append(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  if (value == 0 && std::signbit(value)) {
    out += "-0.0";  // readers take "-0" for an integer, which has no sign at zero
    return;
  }
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), value);
}

template <std::integral Integer>
requires(!std::same_as<Integer, bool>) void append(std::string& out, Integer value) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), value);
}

inline void append(std::string& out, std::same_as<bool> auto value) { out += value ? "true" : "false"; }

/// `,"key":` where something stands before, `"key":` at the start of an object.
inline void append_key(std::string& out, std::string_view key) {
  if (!out.empty() && out.back() != '{') out += ',';
  out += '"';
  out += key;
  out += "\":";
}

template <class Value>
void append_member(std::string& out, std::string_view key, const Value& value) {
  append_key(out, key);
  append(out, value);
}

/// As append_member(), null where \p text is empty.
inline void append_text_or_null(std::string& out, std::string_view key, std::string_view text) {
  append_key(out, key);
  if (text.empty()) {
    out += "null";
  } else {
    append(out, text);
  }
}

}  // namespace starflow::json
