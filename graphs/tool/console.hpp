// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Text for people. A standard error that is closed or full must not end a run, so nothing here throws for it.

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace starflow::tool {

/// Opens what of the descriptors 0 to 2 is closed, so that no output file becomes standard error. A standard output
/// that was closed stays an error to write to.
void keep_standard_descriptors() noexcept;

/// Writes \p text to standard error as it is; whether it arrives is not known.
void write_error(std::string_view text) noexcept;

template <class... Args>
void print_error(fmt::format_string<Args...> format, Args&&... args) {
  write_error(fmt::format(format, std::forward<Args>(args)...));
}

/// \return \p text with its control characters but tab and newline as "?": names of files may hold what a terminal
/// obeys.
[[nodiscard]] std::string printable(std::string_view text);

/// \return "1 frame", "2 frames"
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view what);

/// Columns of the terminal that is standard error; 80 where it does not say.
[[nodiscard]] std::size_t columns() noexcept;

}  // namespace starflow::tool
