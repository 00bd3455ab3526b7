// SPDX-License-Identifier: MIT
#include "html.hpp"

#include "json_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

namespace starflow::report {

std::string escaped(std::string_view text) {
  std::string whole, out;
  json::append_utf8(whole, text);
  for (const char c : whole) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? std::string_view("\xEF\xBF\xBD")
                                                                              : std::string_view(&c, 1);
    }
  }
  return out;
}

std::string script_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) c == '<' ? out += "\\u003c" : out += c;  // "</script>" and "<!--" end or change the element
  return out;
}

std::string grouped(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string grouped_count(double n) {
  constexpr double kMost = 1e15;
  return n >= 0 && n <= kMost ? grouped(static_cast<std::uint64_t>(n)) : short_number(n);
}

std::string counted(std::uint64_t n, std::string_view what) {
  return fmt::format("{} {}{}", grouped(n), what, n == 1 ? "" : "s");
}

std::string short_number(double value) { return std::isfinite(value) ? fmt::format("{:.4g}", value) : "–"; }

}  // namespace starflow::report
