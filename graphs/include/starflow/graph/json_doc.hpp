// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A JSON text as a tree in which every value and every key knows where it stands. Comments are allowed; duplicate
/// keys, trailing commas, NaN, trailing text and bytes that are not UTF-8 are problems with a place.

#include <starflow/graph/diagnostic.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace starflow::graph {

struct JsonMember;

/// One value. `begin` and `end` are byte offsets into the document.
struct JsonValue {
  using List = std::vector<JsonValue>;
  using Object = std::vector<JsonMember>;  ///< in the order of the file

  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Object> data;
  std::size_t begin = 0, end = 0;

  template <class T>
  [[nodiscard]] const T* as() const noexcept {
    return std::get_if<T>(&data);
  }
  [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<std::monostate>(data); }
  /// The member of an object; null where there is none or this is no object. Of doubled keys the first.
  [[nodiscard]] const JsonMember* find(std::string_view key) const noexcept;
};

struct JsonMember {
  std::string key;
  std::size_t begin = 0;  ///< of the key's quote
  JsonValue value;
};

/// A parsed text. Nothing here throws for what a text holds: what is wrong stands in problems().
class JsonDoc {
 public:
  static constexpr std::size_t kMaxDepth = 64;           ///< of nested lists and objects
  static constexpr std::size_t kMaxBytes = 64ULL << 20;  ///< of a file

  /// \p file is the name in messages.
  [[nodiscard]] static JsonDoc parse(std::string text, std::string file);
  /// A missing or unreadable file or a folder is a problem too.
  [[nodiscard]] static JsonDoc load(const std::string& path);
  /// A value of the command line: JSON where it is that, else the bare text. Never has problems, nor lines.
  [[nodiscard]] static JsonDoc argument(std::string text, std::string name);
  /// Texts of the command line that are no JSON, in any encoding: a list of them, or the one text.
  [[nodiscard]] static JsonDoc argument(std::vector<std::string> texts, std::string name);

  [[nodiscard]] bool ok() const noexcept { return ok_; }  ///< root() is the whole text; duplicate keys are possible
  [[nodiscard]] const JsonValue& root() const noexcept { return root_; }
  [[nodiscard]] const std::vector<Diagnostic>& problems() const noexcept { return problems_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] bool is_argument() const noexcept { return argument_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

  /// File, line, column (in characters, a tab is one) and excerpt of a byte offset; the other fields are empty.
  [[nodiscard]] Diagnostic place(std::size_t offset) const;

 private:
  friend class JsonReader;
  JsonDoc(std::string text, std::string file);
  void problem(std::size_t offset, std::string path, std::string text, std::string hint = {});

  std::string text_, file_;
  std::vector<std::size_t> lines_;  // where each begins
  JsonValue root_;
  std::vector<Diagnostic> problems_;
  bool ok_ = false, argument_ = false;
};

}  // namespace starflow::graph
