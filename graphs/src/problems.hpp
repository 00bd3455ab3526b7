// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Collects what is wrong with a configuration while it is read.

#include <starflow/graph/json_doc.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace starflow::graph {

class Problems {
 public:
  void add(Diagnostic place, std::string path, std::string text, std::string hint = {});
  /// Nothing where the reader of \p doc has a problem at this place already: the rest follows from it.
  void add(const JsonDoc& doc, std::size_t offset, std::string path, std::string text, std::string hint = {});
  void add_all(const JsonDoc& doc, const std::string& note = {});  ///< of a document that was read

  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  /// File by file in the order of their first problem, each by line and column.
  [[nodiscard]] std::vector<Diagnostic> sorted() const;

 private:
  std::vector<Diagnostic> list_;
};

}  // namespace starflow::graph
