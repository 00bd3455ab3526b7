// SPDX-License-Identifier: MIT
#include "fits_time.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace starflow {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;

/// Cuts fixed-width numbers and separators off the front of a text.
struct Scanner {
  std::string_view rest;
  bool good = true;

  int number(std::size_t digits) {
    int value = 0;
    good = good && rest.size() >= digits;
    if (!good) return 0;
    for (const char c : rest.substr(0, digits)) {
      good = good && c >= '0' && c <= '9';
      value = 10 * value + (c - '0');
    }
    rest.remove_prefix(digits);
    return value;
  }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(char c) { good = take(c) && good; }
};

int fraction_ms(Scanner& s) {
  if (!s.take('.')) return 0;
  std::string digits = "0.";
  while (!s.rest.empty() && s.rest.front() >= '0' && s.rest.front() <= '9') {
    digits += s.rest.front();
    s.rest.remove_prefix(1);
  }
  double fraction = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), fraction);
  return static_cast<int>(std::lround(1000 * fraction));
}

std::chrono::minutes zone(Scanner& s) {
  if (s.rest.empty() || s.take('Z')) return {};
  const bool west = s.take('-');
  if (!west) s.expect('+');
  const int hours = s.number(2);
  s.take(':');
  const int minutes = s.number(2);
  return std::chrono::minutes((west ? -1 : 1) * (60 * hours + minutes));
}

}  // namespace

std::optional<UtcTime> parse_time(std::string_view text) {
  Scanner s{text};
  const std::chrono::year year(s.number(4));
  s.expect('-');
  const std::chrono::month month(static_cast<unsigned>(s.number(2)));
  s.expect('-');
  const std::chrono::day day(static_cast<unsigned>(s.number(2)));
  s.expect('T');
  const int hour = s.number(2);
  s.expect(':');
  const int minute = s.number(2);
  s.expect(':');
  const int second = s.number(2);
  if (!s.good) return std::nullopt;
  const int ms = fraction_ms(s);
  const std::chrono::minutes offset = zone(s);
  const std::chrono::year_month_day date(year, month, day);
  const bool leap_second_at_most = second <= 60;
  if (!s.good || !s.rest.empty() || !date.ok() || hour > 23 || minute > 59 || !leap_second_at_most) return std::nullopt;
  return UtcTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) - offset +
         std::chrono::seconds(second) + milliseconds(ms);
}

std::optional<UtcTime> time_of_mjd(double mjd) {
  constexpr double kLast = 2973483;  // 9999-12-31
  if (!(mjd >= 0 && mjd < kLast)) return std::nullopt;
  constexpr auto kEpoch = std::chrono::sys_days(std::chrono::year(1858) / 11 / 17);
  return UtcTime(kEpoch) + milliseconds(std::llround(mjd * 86'400'000));
}

std::string to_iso(UtcTime time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

}  // namespace starflow
