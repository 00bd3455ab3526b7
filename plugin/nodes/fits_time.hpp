// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Times of FITS headers.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace starflow {

using UtcTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Reads `2022-10-30T01:35:31[.5][Z|+hhmm|-hh:mm]`; a zone is taken off, since some cameras write local time with one.
/// \return nothing for another form, also for a date without a time of day.
[[nodiscard]] std::optional<UtcTime> parse_time(std::string_view text);

/// \param mjd modified Julian date in days. \return nothing outside of the years 1858 to 9999.
[[nodiscard]] std::optional<UtcTime> time_of_mjd(double mjd);

/// `2022-10-30T01:36:31.000Z`
[[nodiscard]] std::string to_iso(UtcTime time);

}  // namespace starflow
