// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Fills a JsonDoc from its text.

#include <starflow/graph/json_doc.hpp>

namespace starflow::graph {

/// The parser is nlohmann's, told what it finds by callbacks; it keeps no stack of its own, so that depth costs no
/// stack. Where a token stands is found by a cursor that walks the same text, one token a callback. The parser ends at
/// the first error; where it is known what would mend it (a comma too many or too few, NaN), the text is mended for the
/// parser and read again, so that what follows is reported, too.
class JsonReader {
 public:
  explicit JsonReader(JsonDoc& doc) : doc_(doc) {}
  /// Sets root, ok and problems of the document.
  void read();

 private:
  struct Handler;
  bool readable();  // UTF-8 without NUL
  JsonDoc& doc_;
};

}  // namespace starflow::graph
