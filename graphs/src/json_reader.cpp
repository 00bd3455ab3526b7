// SPDX-License-Identifier: MIT
#include "json_reader.hpp"

#include "text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace starflow::graph {
namespace {

constexpr std::size_t kMostProblems = 50;  // more are noise: the file is something else
constexpr const char *kAfterTheEnd = "text after the end of the JSON value",
                     *kOneObject = "keep one object in the file";

/// Length of the UTF-8 character at \p at; 0 = it is none. Source: RFC 3629, section 4.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const auto in = [&](std::size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
  const unsigned b = byte(0);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return in(1, 0x80, 0xBF) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    return in(1, b == 0xE0 ? 0xA0 : 0x80, b == 0xED ? 0x9F : 0xBF) && in(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (b < 0xF0 || b > 0xF4) return 0;
  return in(1, b == 0xF0 ? 0x90 : 0x80, b == 0xF4 ? 0x8F : 0xBF) && in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF) ? 4 : 0;
}

/// Walks the tokens of a text that a parser has accepted so far.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  [[nodiscard]] std::size_t at() const { return at_; }

  /// Begin of the next value, key or closing bracket: after blanks, comments, commas and colons.
  std::size_t next() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '/') {
        skip_comment();
      } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':') {
        if (c == ',') comma_ = at_;
        ++at_;
      } else {
        break;
      }
    }
    return at_;
  }

  /// Steps over the token at next(). \return its end.
  std::size_t take() {
    const std::size_t begin = next();
    comma_ = std::string_view::npos;
    if (begin >= text_.size()) return begin;
    if (text_[begin] == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\') ++at_;
      }
      return at_ = std::min(at_ + 1, text_.size());
    }
    constexpr std::string_view kWord = "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (kWord.find(text_[begin]) == std::string_view::npos) return ++at_;
    at_ = std::min(text_.find_first_not_of(kWord, begin), text_.size());
    return at_;
  }

  /// The last comma that next() stepped over since take(); npos = none.
  [[nodiscard]] std::size_t comma() const { return comma_; }

 private:
  void skip_comment() {
    const bool block = text_.substr(at_, 2) == "/*";
    const std::size_t end = block ? text_.find("*/", at_ + 2) : text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end + (block ? 2 : 1);
  }

  std::string_view text_;
  std::size_t at_ = 0, comma_ = std::string_view::npos;
};

}  // namespace

struct JsonReader::Handler final : nlohmann::json_sax<nlohmann::json> {
  /// \param text  that of the document, maybe mended
  Handler(JsonDoc& d, std::string_view text) : doc(d), cursor(text) {}

  bool null() override { return add(std::monostate{}); }
  bool boolean(bool v) override { return add(v); }
  bool number_integer(number_integer_t v) override { return add(std::int64_t{v}); }
  bool number_unsigned(number_unsigned_t v) override {
    if (v <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return add(static_cast<std::int64_t>(v));
    return add(static_cast<double>(v));
  }
  bool number_float(number_float_t v, const string_t&) override { return add(v); }
  bool string(string_t& v) override { return add(std::move(v)); }
  bool binary(binary_t&) override { return false; }  // not in JSON text
  bool start_object(std::size_t) override { return open(JsonValue::Object{}); }
  bool start_array(std::size_t) override { return open(JsonValue::List{}); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const std::size_t begin = cursor.next();
    cursor.take();
    auto& object = std::get<JsonValue::Object>(levels.back().value->data);
    if (!levels.back().keys.insert(name).second) {
      const auto first = std::find_if(object.begin(), object.end(), [&](const auto& m) { return m.key == name; });
      const Diagnostic at = doc.place(first->begin);
      doc.problem(begin, member_path(container_path(), name),
                  fmt::format("the key {} is there already, in {}:{}", in_quotes(name), at.line, at.column),
                  "remove one of the two");
    }
    object.push_back({name, begin, {}});
    return doc.problems_.size() < kMostProblems;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& e) override {
    const std::string what = e.what();
    const std::size_t begin = cursor.next();
    if (begin >= position) return stepped_over(position - 1, what);
    if (begin >= doc.text_.size()) return at_end();
    const char c = doc.text_[begin];
    const std::string word = word_at(begin), sign = missing_before(what);
    if ((c == '}' || c == ']') && cursor.comma() != std::string::npos) {
      doc.problem(cursor.comma(), container_path(), "a comma before the closing bracket", "remove the comma");
      mend = {cursor.comma(), " "};
    } else if (levels.empty() && doc.root_.end > 0) {
      doc.problem(begin, {}, kAfterTheEnd, kOneObject);
    } else if (!sign.empty() && may_follow(sign, word)) {
      doc.problem(begin, container_path(), fmt::format("a {} is missing before this", sign));
      // A line's end may be that of a comment, in which a comma would be lost.
      const char before = begin > 0 ? doc.text_[begin - 1] : '\0';
      if (before == ' ' || before == '\t') mend = {begin - 1, sign == "comma" ? "," : ":"};
    } else if (sign.empty() && !wants_key(what) && is_not_a_number(word)) {
      doc.problem(begin, value_path(), in_quotes(word) + " is not JSON", "leave the key out, or write a number");
      put_placeholder(begin, word);
    } else if (what.find("number overflow") != std::string::npos) {
      doc.problem(begin, value_path(), fmt::format("the number {} is too large", word), "write a number below 1.8e308");
      put_placeholder(begin, word);
    } else {
      // Inside a text, point at the byte; else at the token that can't stand there.
      const std::size_t at = c == '"' ? std::max(begin, std::min(position, doc.text_.size()) - 1) : begin;
      doc.problem(at, value_path(), reason(what), c == '\'' ? "texts stand in double quotes" : "");
    }
    return false;
  }

  /// What makes the text readable beyond the error: bytes to put over others of as many; none = nothing known does.
  struct Mend {
    std::size_t at = 0;
    std::string bytes{};
  } mend;

 private:
  /// An error in what the cursor took for the part of a token or for a sign between two, and has left behind.
  bool stepped_over(std::size_t at, const std::string& what) {
    if (levels.empty() && doc.root_.end > 0) {
      doc.problem(at, {}, kAfterTheEnd, kOneObject);
    } else if (doc.text_[at] == ':') {
      doc.problem(at, container_path(), "a colon stands only behind the key of an object",
                  "is a bracket missing before, or one too many?");
    } else if (doc.text_[at] == ',') {
      doc.problem(at, value_path(), "something is missing before this comma",
                  "remove the comma, or write what it ends");
    } else {
      doc.problem(at, value_path(), reason(what));
    }
    return false;
  }

  /// Something that nobody takes for a number, in its place.
  void put_placeholder(std::size_t begin, const std::string& word) {
    mend = {begin, "{}" + std::string(word.size() - 2, ' ')};
  }

  struct Level {
    JsonValue* value;
    std::unordered_set<std::string> keys;
  };

  template <class T>
  bool add(T data) {
    const std::size_t begin = cursor.next();
    const std::size_t end = cursor.take();
    slot() = JsonValue{std::move(data), begin, end};
    return true;
  }

  template <class T>
  bool open(T data) {
    const std::size_t begin = cursor.next();
    if (levels.size() >= JsonDoc::kMaxDepth) {
      doc.problem(begin, {}, fmt::format("lists and objects are nested deeper than {} levels", JsonDoc::kMaxDepth));
      return false;
    }
    cursor.take();
    JsonValue& value = slot();
    value = JsonValue{std::move(data), begin, begin + 1};
    levels.push_back({&value, {}});
    return true;
  }

  bool close() {
    levels.back().value->end = cursor.take();
    levels.pop_back();
    return true;
  }

  /// Where the next value goes. A container's address is stable while it is open: its parent does not grow meanwhile.
  JsonValue& slot() {
    if (levels.empty()) return doc.root_;
    if (auto* object = std::get_if<JsonValue::Object>(&levels.back().value->data)) return object->back().value;
    return std::get<JsonValue::List>(levels.back().value->data).emplace_back();
  }

  /// Of the innermost container that is open.
  [[nodiscard]] std::string container_path() const {
    std::string text;
    for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
      if (const auto* object = levels[i].value->as<JsonValue::Object>()) {
        text = member_path(text, object->back().key);
      } else {
        text = element_path(text, levels[i].value->as<JsonValue::List>()->size() - 1);
      }
    }
    return text;
  }

  /// As container_path(), of the value that should come next.
  [[nodiscard]] std::string value_path() const {
    if (levels.empty()) return {};
    if (const auto* list = levels.back().value->as<JsonValue::List>())
      return element_path(container_path(), list->size());
    const auto& object = *levels.back().value->as<JsonValue::Object>();
    const bool awaits_value = !object.empty() && object.back().value.end == 0;
    return awaits_value ? member_path(container_path(), object.back().key) : container_path();
  }

  bool at_end() {
    if (levels.empty()) {
      doc.problem(doc.text_.size(), {}, "the file is empty: a JSON object is wanted");
      return false;
    }
    const JsonValue& open = *levels.back().value;
    const Diagnostic at = doc.place(open.begin);
    doc.problem(doc.text_.size(), container_path(),
                fmt::format("the file ends inside the {} that begins in {}:{}",
                            open.as<JsonValue::List>() != nullptr ? "list" : "object", at.line, at.column),
                "is the file cut off, or a closing bracket missing?");
    return false;
  }

  [[nodiscard]] std::string word_at(std::size_t begin) const {
    constexpr std::string_view kEnd = " \t\r\n,:]}[{\"/";
    return doc.text_.substr(begin, std::min(doc.text_.find_first_of(kEnd, begin), doc.text_.size()) - begin);
  }

  /// Whether a text that goes on with \p word becomes readable by \p sign before it.
  [[nodiscard]] bool may_follow(const std::string& sign, const std::string& word) const {
    const char c = doc.text_[cursor.at()];
    const bool wants_key = sign == "comma" && levels.back().value->as<JsonValue::Object>() != nullptr;
    return c == '"' || (!wants_key && (std::string_view("{[-0123456789tfn").find(c) != std::string_view::npos ||
                                       is_not_a_number(word)));
  }

  static bool wants_key(const std::string& what) { return what.ends_with("expected string literal"); }

  /// By what the library expected instead: "comma", "colon", or nothing.
  static std::string missing_before(const std::string& what) {
    if (what.ends_with("expected '}'") || what.ends_with("expected ']'")) return "comma";
    return what.ends_with("expected ':'") ? "colon" : "";
  }

  static bool is_not_a_number(std::string word) {
    if (!word.empty() && (word[0] == '-' || word[0] == '+')) word.erase(0, 1);
    std::transform(word.begin(), word.end(), word.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    return word == "nan" || word == "inf" || word == "infinity";
  }

  /// The library's sentence without its number and position, and without the raw bytes it has read last.
  static std::string reason(const std::string& what) {
    std::string text = what;
    if (const auto column = text.find("column "); column != std::string::npos) {
      if (const auto colon = text.find(": ", column); colon != std::string::npos) text.erase(0, colon + 2);
    }
    if (const auto begin = text.find("; last read: "); begin != std::string::npos) {
      const auto end = text.find("'; expected", begin);
      text.erase(begin, end == std::string::npos ? std::string::npos : end + 1 - begin);
    }
    return text;
  }

 public:
  JsonDoc& doc;
  Cursor cursor;
  std::vector<Level> levels;
};

bool JsonReader::readable() {
  const std::string_view text = doc_.text_;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = text[at] == '\0' ? 0 : utf8_length(text, at);
    if (length == 0) {
      doc_.problem(at, {}, fmt::format("the byte 0x{:02X} is not UTF-8 text", static_cast<unsigned char>(text[at])),
                   "save the file as UTF-8");
      return false;
    }
    at += length;
  }
  return true;
}

void JsonReader::read() {
  if (!readable()) return;
  std::string text = doc_.text_;
  std::vector<Diagnostic> mended;
  std::size_t mended_to = 0;  // each mend lies behind the one before, so that no error comes back
  constexpr bool kStrict = true, kIgnoreComments = true;
  for (;;) {
    Handler handler(doc_, text);
    doc_.ok_ =
        nlohmann::json::sax_parse(text, &handler, nlohmann::json::input_format_t::json, kStrict, kIgnoreComments);
    const auto& [at, bytes] = handler.mend;
    if (doc_.ok_ || bytes.empty() || at < mended_to || mended.size() + 1 >= kMostProblems) break;
    mended.push_back(doc_.problems_.back());
    text.replace(at, bytes.size(), bytes);
    mended_to = at + bytes.size();
    doc_.problems_.clear();
    doc_.root_ = {};
  }
  doc_.problems_.insert(doc_.problems_.begin(), mended.begin(), mended.end());
}

}  // namespace starflow::graph
