// SPDX-License-Identifier: MIT
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace starflow::graph {
namespace {

constexpr std::size_t kLongestQuoted = 80;
constexpr std::size_t kLongestWord = 64;  // beyond it nobody mistyped a name, and the distance costs its square

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Optimal string alignment distance, letters of both cases being equal.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts_character = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (i >= kLongestQuoted && starts_character) return out + "...\"";
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += text[i];
    }
  }
  return out + '"';
}

std::string node_text(std::string_view id, std::string_view type) {
  return type.empty() ? in_quotes(id) : fmt::format("{} ({})", in_quotes(id), type);
}

std::string listed(std::vector<std::string> words) {
  if (words.empty()) return "none";
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > kLongestWord) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t d = distance(word, candidate);
    // A candidate of which no letter would be kept is no suggestion.
    if (d < best_distance && d < candidate.size()) best_distance = d, best = &candidate;
  }
  if (best == nullptr && word.size() >= 3) {
    const auto begins = [&](const std::string& c) { return c.starts_with(word); };
    if (std::count_if(candidates.begin(), candidates.end(), begins) == 1) {
      best = &*std::find_if(candidates.begin(), candidates.end(), begins);
    }
  }
  return best == nullptr ? std::string() : "did you mean " + in_quotes(*best) + "?";
}

std::string number_text(double value) { return fmt::format("{}", value); }

std::string member_path(std::string_view path, std::string_view key) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '$' || c == '-'; };
  if (key.empty() || !std::all_of(key.begin(), key.end(), plain)) return fmt::format("{}[{}]", path, in_quotes(key));
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string element_path(std::string_view path, std::size_t index) { return fmt::format("{}[{}]", path, index); }

}  // namespace starflow::graph
