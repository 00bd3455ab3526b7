// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How one function over a star's pixels becomes a method of the node `centroid`.

#include <starflow/core/star_method.hpp>
#include <starflow/sdk/options.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace starflow {

/// A method that graphs choose by name. Its options stand in the node's under its name: those of "example.power" as
/// `"example": {"power": {"exponent": 2}}`.
struct MethodType {
  std::string name;  ///< begins with the plugin's name: "example.power"
  std::string doc;
  std::vector<OptionSpec> options{};  ///< by their own names: "exponent"
  /// Throws OptionError where options contradict each other.
  std::unique_ptr<StarMethod> (*make)(const Options&) = nullptr;
};

namespace detail {

template <auto kMeasure, class Function>
class FunctionMethod;

template <auto kMeasure>
class FunctionMethod<kMeasure, StarEstimate (*)(const StarStamp&)> final : public StarMethod {
 public:
  explicit FunctionMethod(const Options&) {}
  [[nodiscard]] StarEstimate measure(const StarStamp& stamp) const override { return kMeasure(stamp); }
};

template <auto kMeasure, class Settings>
class FunctionMethod<kMeasure, StarEstimate (*)(const StarStamp&, const Settings&)> final : public StarMethod {
 public:
  explicit FunctionMethod(const Options& o) : settings_(o) {}
  [[nodiscard]] StarEstimate measure(const StarStamp& stamp) const override { return kMeasure(stamp, settings_); }

 private:
  Settings settings_;
};

}  // namespace detail

/// A method of the function kMeasure, which is `StarEstimate f(const StarStamp&)`, or `StarEstimate f(const StarStamp&,
/// const Settings&)` with a Settings that has a constructor from `const Options&`. It depends on nothing else, and is
/// called by several threads at once. What it throws makes a flagged row, and so does a result that is not finite or
/// too far away.
template <auto kMeasure>
[[nodiscard]] MethodType method(std::string name, std::string doc, std::vector<OptionSpec> options = {}) {
  return {std::move(name), std::move(doc), std::move(options), +[](const Options& o) -> std::unique_ptr<StarMethod> {
            return std::make_unique<detail::FunctionMethod<kMeasure, decltype(kMeasure)>>(o);
          }};
}

}  // namespace starflow
