// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How one function over a star's pixels becomes a method of the node `centroid`.

#include <starflow/core/star_method.hpp>
#include <starflow/sdk/options.hpp>

#include <memory>
#include <span>
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

/// A function over several stars; a single one is several of one.
template <class Derived>
class SpanMethod : public StarMethod {
 public:
  [[nodiscard]] StarEstimate measure(const StarStamp& stamp) const final {
    StarEstimate found;
    measure_all({&stamp, 1}, {&found, 1});
    return found;
  }
  void measure_all(std::span<const StarStamp> stamps, std::span<StarEstimate> found) const final {
    static_cast<const Derived*>(this)->call(stamps, found);
  }
};

template <auto kMeasure>
class FunctionMethod<kMeasure, void (*)(std::span<const StarStamp>, std::span<StarEstimate>)> final
    : public SpanMethod<FunctionMethod<kMeasure, void (*)(std::span<const StarStamp>, std::span<StarEstimate>)>> {
 public:
  explicit FunctionMethod(const Options&) {}
  void call(std::span<const StarStamp> stamps, std::span<StarEstimate> found) const { kMeasure(stamps, found); }
};

template <auto kMeasure, class Settings>
class FunctionMethod<kMeasure, void (*)(std::span<const StarStamp>, std::span<StarEstimate>, const Settings&)> final
    : public SpanMethod<
          FunctionMethod<kMeasure, void (*)(std::span<const StarStamp>, std::span<StarEstimate>, const Settings&)>> {
 public:
  explicit FunctionMethod(const Options& o) : settings_(o) {}
  void call(std::span<const StarStamp> stamps, std::span<StarEstimate> found) const {
    kMeasure(stamps, found, settings_);
  }

 private:
  Settings settings_;
};

}  // namespace detail

/// A method of the function kMeasure, which is `StarEstimate f(const StarStamp&)`, or, for several stars at once, `void
/// f(std::span<const StarStamp>, std::span<StarEstimate>)` (StarMethod::measure_all). Either may take a `const
/// Settings&` behind these, of a Settings that has a constructor from `const Options&`. It depends on nothing else, and
/// is called by several threads at once. What it throws makes a flagged row, and so does a result that is not finite,
/// too far away or without light, or took more iterations than allowed.
template <auto kMeasure>
[[nodiscard]] MethodType method(std::string name, std::string doc, std::vector<OptionSpec> options = {}) {
  return {std::move(name), std::move(doc), std::move(options), +[](const Options& o) -> std::unique_ptr<StarMethod> {
            return std::make_unique<detail::FunctionMethod<kMeasure, decltype(kMeasure)>>(o);
          }};
}

}  // namespace starflow
