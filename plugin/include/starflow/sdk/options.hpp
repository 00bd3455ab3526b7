// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The options of a node type: one table that validates a configuration, gives its defaults and documents it.

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace starflow {

/// A value as a configuration gives it; monostate = not given and without a default.
using OptionValue = std::
    variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>, std::vector<double>>;

/// The forms that an option accepts; combine with |. An integer is also a number; one text is also a list of texts.
enum class Accepts : unsigned { boolean = 1, integer = 2, number = 4, text = 8, text_list = 16, number_list = 32 };
constexpr Accepts operator|(Accepts a, Accepts b) {
  return static_cast<Accepts>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool accepts(Accepts set, Accepts one) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

/// One option. A name with dots ("window.sigma_px") is a member of a nested object.
struct OptionSpec {
  std::string name{};
  Accepts form = Accepts::number;
  OptionValue fallback{};  ///< the default; monostate = none
  std::string doc{};       ///< one sentence
  std::string unit{};
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool above_minimum = false;          ///< the minimum itself is refused
  std::vector<std::string> choices{};  ///< allowed texts; empty = any
  bool required = false;               ///< must be given
  /// Goes only with these texts of another option ("method"): given beside others it is refused, and has no value.
  std::string with_option{};
  std::vector<std::string> with_choices{};
  bool live = false;            ///< may be changed between frames; of nodes that are neither source, sink nor serial
  bool result_neutral = false;  ///< can't change a measurement (a path, a progress switch): left out of the config hash
};

struct MethodType;

/// The resolved options of one node, read by name. Validated: a read of a form that the spec accepts can't fail.
class Options {
 public:
  virtual ~Options() = default;
  /// \return the value, the default where none was given. \throws std::logic_error for a name that is not in the spec.
  [[nodiscard]] virtual const OptionValue& at(std::string_view name) const = 0;

  /// The centroid method that a plugin brought under this name; null = none.
  [[nodiscard]] virtual const MethodType* method(std::string_view /*name*/) const { return nullptr; }

  [[nodiscard]] bool has(std::string_view name) const { return !std::holds_alternative<std::monostate>(at(name)); }
  [[nodiscard]] bool is_text(std::string_view name) const { return std::holds_alternative<std::string>(at(name)); }
  // Each \throws std::logic_error, naming the option and both forms, where the value is of another form.
  [[nodiscard]] bool flag(std::string_view name) const { return get<bool>(name); }
  [[nodiscard]] std::int64_t integer(std::string_view name) const { return get<std::int64_t>(name); }
  [[nodiscard]] double number(std::string_view name) const {
    const auto* i = std::get_if<std::int64_t>(&at(name));
    return i != nullptr ? static_cast<double>(*i) : get<double>(name);
  }
  [[nodiscard]] const std::string& text(std::string_view name) const { return get<std::string>(name); }
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const {
    if (const auto* one = std::get_if<std::string>(&at(name))) return {*one};
    return get<std::vector<std::string>>(name);
  }
  [[nodiscard]] const std::vector<double>& numbers(std::string_view name) const {
    return get<std::vector<double>>(name);
  }

 private:
  template <class T>
  [[nodiscard]] const T& get(std::string_view name) const {
    const OptionValue& value = at(name);
    if (const T* held = std::get_if<T>(&value)) return *held;
    // In the order of OptionValue.
    constexpr const char* kForms[] = {"nothing (it was not given and has no default: ask has() first)",
                                      "true or false",
                                      "an integer",
                                      "a number",
                                      "a text",
                                      "a list of texts",
                                      "a list of numbers"};
    throw std::logic_error("the option \"" + std::string(name) + "\" was read as " + kForms[OptionValue(T{}).index()] +
                           ", but it holds " + kForms[value.index()]);
  }
};

/// A value that can't work although its form is right (a folder that is missing, two options that contradict). Thrown
/// by a node's constructor or start(); the runtime adds where in the configuration the option stands.
class __attribute__((visibility("default"))) OptionError : public std::runtime_error {
 public:
  OptionError(std::string option, const std::string& what) : std::runtime_error(what), option_(std::move(option)) {}
  [[nodiscard]] const std::string& option() const noexcept { return option_; }

 private:
  std::string option_;
};

}  // namespace starflow
