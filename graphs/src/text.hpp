// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Words of messages: quoting, lists, "did you mean".

#include <string>
#include <string_view>
#include <vector>

namespace starflow::graph {

/// \return \p text in quotes, control characters escaped, cut after 80 bytes.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// \return `"id" (type)` of a node; `"id"` where the type is empty.
[[nodiscard]] std::string node_text(std::string_view id, std::string_view type);

/// \return "a, b, c", sorted and without doubles; "none" of nothing.
[[nodiscard]] std::string listed(std::vector<std::string> words);

/// \return `did you mean "x"?` with the candidate nearest to \p word (letters changed, left out, added or swapped, at
///         most a third of them; or the one candidate that begins as it does); empty where none is near.
[[nodiscard]] std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// \return the shortest text that reads back as \p value.
[[nodiscard]] std::string number_text(double value);

/// \return \p path with the member \p key: `a.b`, or `a["b c"]` where the key is no plain word.
[[nodiscard]] std::string member_path(std::string_view path, std::string_view key);

/// \return `path[index]`.
[[nodiscard]] std::string element_path(std::string_view path, std::size_t index);

}  // namespace starflow::graph
