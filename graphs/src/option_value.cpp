// SPDX-License-Identifier: MIT
#include "option_value.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

namespace starflow::graph {
namespace {

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53: above, a double no longer names one integer

bool allows(const OptionSpec& spec, Accepts one) { return accepts(spec.form, one); }

std::string range_text(const OptionSpec& spec) {
  const bool below = std::isfinite(spec.maximum);
  const std::string unit = spec.unit.empty() ? "" : " " + spec.unit;
  if (std::isfinite(spec.minimum)) {
    const std::string low = number_text(spec.minimum), high = number_text(spec.maximum);
    if (spec.above_minimum)
      return fmt::format(" above {}{}{}", low, below ? fmt::format(" and up to {}", high) : "", unit);
    return below ? fmt::format(" in {}..{}{}", low, high, unit) : fmt::format(" of at least {}{}", low, unit);
  }
  return below ? fmt::format(" of at most {}{}", number_text(spec.maximum), unit) : "";
}

std::string choice_text(const OptionSpec& spec) {
  std::vector<std::string> words;
  for (const auto& c : spec.choices) words.push_back(in_quotes(c));
  return fmt::format("{}", fmt::join(words, ", "));
}

Refusal check_number(double value, const std::string& as_written, const OptionSpec& spec) {
  const bool low = value < spec.minimum || (spec.above_minimum && value <= spec.minimum);
  if (!low && value <= spec.maximum) return {};
  return {fmt::format("{} is out of range: wants {}", as_written, wanted(spec))};
}

Refusal check_text(const std::string& value, const OptionSpec& spec) {
  if (spec.choices.empty()) return {};
  for (const auto& c : spec.choices) {
    if (c == value) return {};
  }
  return {fmt::format("{} is not allowed: wants {}", in_quotes(value), wanted(spec)), did_you_mean(value, spec.choices),
          0};
}

Refusal wrong_form(const std::string& got, const OptionSpec& spec) {
  return {fmt::format("wants {}, got {}", wanted(spec), got)};
}

/// The refusal of the first element that has one.
template <class List, class Check>
Refusal first(const List& list, Check check_one) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    Refusal refusal = check_one(list[i]);
    refusal.index = static_cast<std::ptrdiff_t>(i);
    if (!refusal.text.empty()) return refusal;
  }
  return {};
}

/// The list as OptionValue; monostate where an element has no form that the spec accepts, \p bad being that element.
OptionValue list_value(const JsonValue::List& list, const OptionSpec& spec, const JsonValue*& bad) {
  std::vector<std::string> texts;
  std::vector<double> numbers;
  for (const auto& element : list) {
    const auto* text = element.as<std::string>();
    const auto* whole = element.as<std::int64_t>();
    const auto* number = element.as<double>();
    if (text != nullptr && allows(spec, Accepts::text_list) && numbers.empty()) {
      texts.push_back(*text);
    } else if ((whole != nullptr || number != nullptr) && allows(spec, Accepts::number_list) && texts.empty()) {
      numbers.push_back(whole != nullptr ? static_cast<double>(*whole) : *number);
    } else {
      bad = &element;
      return {};
    }
  }
  if (!numbers.empty() || !allows(spec, Accepts::text_list)) return numbers;
  return texts;
}

}  // namespace

std::string wanted(const OptionSpec& spec) {
  std::vector<std::string> forms;
  if (allows(spec, Accepts::boolean)) forms.emplace_back("true or false");
  if (allows(spec, Accepts::number)) {
    forms.push_back("a number" + range_text(spec));
  } else if (allows(spec, Accepts::integer)) {
    forms.push_back("an integer" + range_text(spec));
  }
  if (allows(spec, Accepts::text)) {
    forms.push_back(spec.choices.empty() ? "a text" : (spec.choices.size() > 1 ? "one of " : "") + choice_text(spec));
  }
  if (allows(spec, Accepts::number_list)) forms.push_back("a list of numbers" + range_text(spec));
  if (allows(spec, Accepts::text_list)) {
    forms.push_back(spec.choices.empty() ? "a list of texts" : "a list of texts out of " + choice_text(spec));
  }
  return fmt::format("{}", fmt::join(forms, " or "));
}

Refusal check(const OptionValue& value, const OptionSpec& spec) {
  struct Checker {
    const OptionSpec& spec;
    Refusal operator()(std::monostate) const { return {}; }
    Refusal operator()(bool b) const {
      return allows(spec, Accepts::boolean) ? Refusal{} : wrong_form(b ? "true" : "false", spec);
    }
    Refusal operator()(std::int64_t i) const {
      const bool form = allows(spec, Accepts::integer) || allows(spec, Accepts::number);
      return form ? check_number(static_cast<double>(i), std::to_string(i), spec) : wrong_form(std::to_string(i), spec);
    }
    Refusal operator()(double d) const {
      return allows(spec, Accepts::number) ? check_number(d, number_text(d), spec) : wrong_form(number_text(d), spec);
    }
    Refusal operator()(const std::string& s) const {
      return allows(spec, Accepts::text) ? check_text(s, spec) : wrong_form(in_quotes(s), spec);
    }
    Refusal operator()(const std::vector<std::string>& list) const {
      if (!allows(spec, Accepts::text_list)) return wrong_form("a list of texts", spec);
      return first(list, [&](const std::string& s) { return check_text(s, spec); });
    }
    Refusal operator()(const std::vector<double>& list) const {
      if (!allows(spec, Accepts::number_list)) return wrong_form("a list of numbers", spec);
      return first(list, [&](double d) { return check_number(d, number_text(d), spec); });
    }
  };
  return std::visit(Checker{spec}, value);
}

Refusal convert(const JsonValue& value, const OptionSpec& spec, OptionValue& out) {
  OptionValue made;
  const JsonValue* bad = nullptr;
  if (const auto* b = value.as<bool>()) {
    made = *b;
  } else if (const auto* i = value.as<std::int64_t>()) {
    if (allows(spec, Accepts::integer)) {
      made = *i;
    } else {
      made = static_cast<double>(*i);
    }
  } else if (const auto* d = value.as<double>()) {
    const bool whole = std::trunc(*d) == *d && std::abs(*d) <= kExactIntegers;
    if (whole && allows(spec, Accepts::integer) && !allows(spec, Accepts::number)) {
      made = static_cast<std::int64_t>(*d);
    } else {
      made = *d;
    }
  } else if (const auto* s = value.as<std::string>()) {
    if (!allows(spec, Accepts::text) && allows(spec, Accepts::text_list)) {
      made = std::vector<std::string>{*s};
    } else {
      made = *s;
    }
  } else if (const auto* list = value.as<JsonValue::List>();
             list != nullptr && (allows(spec, Accepts::text_list) || allows(spec, Accepts::number_list))) {
    made = list_value(*list, spec, bad);
  } else {
    bad = &value;
  }
  Refusal refusal = bad != nullptr ? wrong_form(bad == &value ? shown(value) : shown(*bad) + " in the list", spec)
                                   : check(made, spec);
  const auto* list = value.as<JsonValue::List>();
  if (list != nullptr && bad != nullptr && bad != &value) refusal.index = bad - list->data();
  if (list == nullptr) refusal.index = -1;  // one text for a list
  refusal.offset = refusal.index < 0 ? value.begin : (*list)[static_cast<std::size_t>(refusal.index)].begin;
  if (refusal.text.empty()) out = std::move(made);
  return refusal;
}

Refusal convert_argument(const JsonDoc& argument, const OptionSpec& spec, OptionValue& out) {
  const JsonValue& value = argument.root();
  if (value.is_null()) {
    out = {};
    return {};
  }
  Refusal refusal = convert(value, spec, out);
  const bool wants_text = allows(spec, Accepts::text) || allows(spec, Accepts::text_list);
  // A number out of the range of an option that takes numbers is a number still.
  const bool number_too = allows(spec, Accepts::number) || allows(spec, Accepts::integer);
  const bool number = value.as<std::int64_t>() != nullptr || value.as<double>() != nullptr;
  const bool word = value.as<bool>() != nullptr || (number && !number_too);
  if (refusal.text.empty() || !wants_text || !word) return refusal;
  return convert(JsonValue{std::string(argument.text()), 0, 0}, spec, out);
}

JsonValue to_json(const OptionValue& value, const JsonValue& like) {
  JsonValue out;
  out.begin = like.begin;
  out.end = like.end;
  const auto element = [&](auto&& data) {
    JsonValue v;
    v.data = data;
    v.begin = like.begin;
    v.end = like.end;
    return v;
  };
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::vector<std::string>> || std::is_same_v<T, std::vector<double>>) {
          JsonValue::List list;
          for (const auto& e : v) list.push_back(element(e));
          out.data = std::move(list);
        } else {
          out.data = v;
        }
      },
      value);
  return out;
}

std::string shown(const OptionValue& value) { return shown(to_json(value, {})); }

std::string written(const OptionValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return "not given";
  const auto list = [](const auto& elements) {
    std::vector<std::string> words;
    for (const auto& e : elements) words.push_back(shown(OptionValue(e)));
    return fmt::format("[{}]", fmt::join(words, ", "));
  };
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) return list(*texts);
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) return list(*numbers);
  return shown(value);
}

std::string shown(const JsonValue& value) {
  if (const auto* b = value.as<bool>()) return *b ? "true" : "false";
  if (const auto* i = value.as<std::int64_t>()) return std::to_string(*i);
  if (const auto* d = value.as<double>()) return number_text(*d);
  if (const auto* s = value.as<std::string>()) return in_quotes(*s);
  if (value.as<JsonValue::List>() != nullptr) return "a list";
  return value.is_null() ? "null" : "an object";
}

}  // namespace starflow::graph
