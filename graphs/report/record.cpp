// SPDX-License-Identifier: MIT
#include "record.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace starflow::report {
namespace {

constexpr std::size_t kLongestText = 2000;  // bytes kept of one
constexpr std::size_t kMostErrors = 20, kMostReasons = 100;

/// \p text without what is too long, cut where a character begins.
std::string cut(std::string&& text) {
  if (text.size() <= kLongestText) return std::move(text);
  std::size_t end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) return {};
  return static_cast<std::size_t>(at - names.begin());
}

/// Takes members of the object itself, and of `errors` and `rejected`, one level or two below.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Reader(Record& record) : record_(record) {}

  bool null() override { return true; }
  bool boolean(bool value) override {
    if (depth_ == 1 && key_ == "complete") record_.complete = value;
    return true;
  }
  bool number_integer(std::int64_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(std::uint64_t value) override { return number(static_cast<double>(value)); }
  bool number_float(double value, const std::string&) override { return number(value); }
  bool string(std::string& value) override {
    if (depth_ == 1) {
      if (const auto at = index_of(kTextNames, key_)) record_.texts[*at] = cut(std::move(value));
    } else if (depth_ == 3 && member_ == "errors" && !record_.errors.empty()) {
      NodeFailure& e = record_.errors.back();
      std::string* const to = key_ == "node" ? &e.node : key_ == "code" ? &e.code : key_ == "text" ? &e.text : nullptr;
      if (to != nullptr) *to = cut(std::move(value));
    }
    return true;
  }
  bool binary(nlohmann::json::binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    if (depth_ == 2 && member_ == "errors" && record_.errors.size() < kMostErrors) record_.errors.emplace_back();
    return enter();
  }
  bool start_array(std::size_t) override { return depth_ > 0 && enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(std::string& name) override {
    key_ = std::move(name);
    if (depth_ == 1) member_ = key_;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
  bool number(double value) {
    if (depth_ == 0) return false;
    if (depth_ == 1) {
      if (const auto at = index_of(kFieldNames, key_)) record_.numbers[*at] = value;
    } else if (depth_ == 2 && member_ == "rejected" && record_.rejected.size() < kMostReasons) {
      record_.rejected[cut(std::move(key_))] = value;
    }
    return true;
  }
  bool enter() {
    ++depth_;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }

  Record& record_;
  std::string key_, member_;  // read last; of these, that of the object itself
  int depth_ = 0;
};

}  // namespace

bool parse_record(std::string_view line, Record& record) {
  record.numbers.fill(std::numeric_limits<double>::quiet_NaN());
  for (std::string& text : record.texts) text.clear();
  record.errors.clear();
  record.rejected.clear();
  record.complete = false;
  if (line.empty() || line.front() != '{') return false;
  Reader reader(record);
  return nlohmann::json::sax_parse(line.begin(), line.end(), &reader);
}

}  // namespace starflow::report
