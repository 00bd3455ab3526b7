// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Flags as one text.

#include <starflow/core/flags.hpp>

#include <cstddef>
#include <string>

namespace starflow {

/// Appends the names of the bits that are set, joined by `;`.
inline void append_flag_words(std::string& out, Flags flags) {
  bool first = true;
  for (std::size_t bit = 0; bit < kFlagNames.size(); ++bit) {
    if ((flags >> bit & 1U) == 0) continue;
    if (!first) out += ';';
    first = false;
    out += kFlagNames[bit];
  }
}

}  // namespace starflow
