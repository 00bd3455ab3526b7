// SPDX-License-Identifier: MIT
#include "problems.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace starflow::graph {

void Problems::add(Diagnostic place, std::string path, std::string text, std::string hint) {
  place.path = std::move(path);
  place.text = std::move(text);
  place.hint = std::move(hint);
  list_.push_back(std::move(place));
}

void Problems::add(const JsonDoc& doc, std::size_t offset, std::string path, std::string text, std::string hint) {
  Diagnostic place = doc.place(offset);
  const bool known = std::ranges::any_of(
      doc.problems(), [&](const Diagnostic& d) { return d.line == place.line && d.column == place.column; });
  if (!known) add(std::move(place), std::move(path), std::move(text), std::move(hint));
}

void Problems::add_all(const JsonDoc& doc, const std::string& note) {
  for (Diagnostic d : doc.problems()) {
    d.text += note;
    list_.push_back(std::move(d));
  }
}

std::vector<Diagnostic> Problems::sorted() const {
  std::map<std::string, std::size_t> rank;
  for (const auto& d : list_) rank.try_emplace(d.file, rank.size());
  auto list = list_;
  std::stable_sort(list.begin(), list.end(), [&](const Diagnostic& a, const Diagnostic& b) {
    return std::tuple(rank[a.file], a.line, a.column) < std::tuple(rank[b.file], b.line, b.column);
  });
  return list;
}

}  // namespace starflow::graph
