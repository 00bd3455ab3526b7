// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Text in a page.

#include <cstdint>
#include <string>
#include <string_view>

namespace starflow::report {

/// \p text as it reads, whatever it holds: markup is escaped, bytes that are not UTF-8 and control characters replaced.
[[nodiscard]] std::string escaped(std::string_view text);

/// JSON that may stand in a script element.
[[nodiscard]] std::string script_json(std::string_view json);

/// "1 frame", "12,345 frames"
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view what);
/// "12,345"
[[nodiscard]] std::string grouped(std::uint64_t n);
/// The same of a number that a record gives as a count; what can be none as short_number().
[[nodiscard]] std::string grouped_count(double n);
/// Four digits; "–" of NaN
[[nodiscard]] std::string short_number(double value);

}  // namespace starflow::report
