// SPDX-License-Identifier: MIT
#include <starflow/graph/json_doc.hpp>

#include "json_reader.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

namespace starflow::graph {
namespace {

constexpr std::size_t kExcerptBefore = 80, kExcerptAfter = 40;  // bytes of a long line kept around the place

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// One line around \p column_byte, and the caret below it.
std::string excerpt(std::string_view line, std::size_t column_byte, int number) {
  std::size_t begin = column_byte > kExcerptBefore ? column_byte - kExcerptBefore : 0;
  while (begin > 0 && continues(line[begin])) --begin;
  std::size_t end = std::min(line.size(), column_byte + kExcerptAfter);
  while (end < line.size() && continues(line[end])) ++end;
  std::string shown, caret;
  for (std::size_t i = begin; i < end; ++i) {
    const auto c = static_cast<unsigned char>(line[i]);
    // Control characters would reach the terminal.
    shown += (c < 0x20 && c != '\t') || c == 0x7F ? '?' : line[i];
    if (i < column_byte && !continues(line[i])) caret += c == '\t' ? '\t' : ' ';
  }
  const std::string_view front = begin > 0 ? "..." : "", back = end < line.size() ? "..." : "";
  const std::string_view pad = begin > 0 ? "   " : "";
  return fmt::format("{:5} | {}{}{}\n      | {}{}^", number, front, shown, back, pad, caret);
}

/// Reads at most \p limit + 1 bytes, so that a device that never ends does no harm. \return errno, 0 = read.
int read_file(const std::string& path, std::size_t limit, std::string& text) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(path.c_str(), "rb"), [](std::FILE* f) { return f != nullptr ? std::fclose(f) : 0; });
  if (file == nullptr) return errno;
  char block[1 << 14];
  while (text.size() <= limit) {
    const std::size_t n = std::fread(block, 1, sizeof block, file.get());
    if (n == 0) return std::ferror(file.get()) != 0 ? errno : 0;
    text.append(block, n);
  }
  return 0;
}

}  // namespace

const JsonMember* JsonValue::find(std::string_view key) const noexcept {
  const auto* object = as<Object>();
  if (object == nullptr) return nullptr;
  const auto at = std::find_if(object->begin(), object->end(), [&](const JsonMember& m) { return m.key == key; });
  return at == object->end() ? nullptr : &*at;
}

JsonDoc::JsonDoc(std::string text, std::string file) : text_(std::move(text)), file_(std::move(file)) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text_.starts_with(kByteOrderMark)) text_.erase(0, kByteOrderMark.size());
  lines_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') lines_.push_back(i + 1);
  }
}

JsonDoc JsonDoc::parse(std::string text, std::string file) {
  JsonDoc doc(std::move(text), std::move(file));
  JsonReader(doc).read();
  return doc;
}

JsonDoc JsonDoc::load(const std::string& path) {
  const auto failed = [&](std::string why, std::string hint) {
    JsonDoc doc({}, path);
    Diagnostic d;
    d.file = path;
    d.text = std::move(why);
    d.hint = std::move(hint);
    doc.problems_.push_back(std::move(d));
    return doc;
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return failed("is a folder: a JSON file is wanted", {});
  std::string text;
  if (const int error = read_file(path, kMaxBytes, text); error != 0) {
    return failed("can't be read: " + std::generic_category().message(error), {});
  }
  if (text.size() > kMaxBytes) return failed("is larger than 64 MiB: no configuration is", {});
  return parse(std::move(text), path);
}

JsonDoc JsonDoc::argument(std::string text, std::string name) {
  JsonDoc doc = parse(std::move(text), std::move(name));
  if (!doc.ok_ || !doc.problems_.empty()) {
    doc.root_ = JsonValue{doc.text_, 0, doc.text_.size()};
    doc.problems_.clear();
    doc.ok_ = true;
  }
  doc.argument_ = true;
  return doc;
}

JsonDoc JsonDoc::argument(std::vector<std::string> texts, std::string name) {
  JsonDoc doc(texts.size() == 1 ? texts.front() : std::string(), std::move(name));
  if (texts.size() == 1) {
    doc.root_ = JsonValue{std::move(texts.front()), 0, doc.text_.size()};
  } else {
    JsonValue::List list;
    for (std::string& text : texts) list.push_back({std::move(text), 0, 0});
    doc.root_ = JsonValue{std::move(list), 0, 0};
  }
  doc.ok_ = true;
  doc.argument_ = true;
  return doc;
}

Diagnostic JsonDoc::place(std::size_t offset) const {
  Diagnostic d;
  d.file = file_;
  if (argument_) return d;
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(lines_.begin(), lines_.end(), offset);
  const std::size_t begin = *(after - 1);
  std::size_t end = after == lines_.end() ? text_.size() : *after - 1;
  if (end > begin && text_[end - 1] == '\r') --end;
  const std::string_view line = std::string_view(text_).substr(begin, end - begin);
  const std::size_t column_byte = std::min(offset - begin, line.size());
  d.line = static_cast<int>(after - lines_.begin());
  d.column = 1 + static_cast<int>(std::count_if(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(column_byte),
                                                [](char c) { return !continues(c); }));
  d.excerpt = excerpt(line, column_byte, d.line);
  return d;
}

void JsonDoc::problem(std::size_t offset, std::string path, std::string text, std::string hint) {
  Diagnostic d = place(offset);
  d.path = std::move(path);
  d.text = std::move(text);
  d.hint = std::move(hint);
  problems_.push_back(std::move(d));
}

}  // namespace starflow::graph
