// SPDX-License-Identifier: MIT
#include "plugin_method.hpp"

#include <cstddef>
#include <exception>
#include <string_view>
#include <utility>

namespace starflow {
namespace {

/// The options of a method by their own names.
class OwnOptions final : public Options {
 public:
  OwnOptions(const Options& all, const std::string& method) : all_(all), prefix_(method + ".") {}
  [[nodiscard]] const OptionValue& at(std::string_view name) const override {
    return all_.at(prefix_ + std::string(name));
  }

 private:
  const Options& all_;
  std::string prefix_;
};

}  // namespace

PluginMethod::PluginMethod(const Options& o, std::string name) : name_(std::move(name)) {
  const MethodType* type = o.method(name_);
  if (type == nullptr) throw OptionError("method", "no plugin brought the method \"" + name_ + "\"");
  try {
    method_ = type->make(OwnOptions(o, name_));
  } catch (const OptionError& e) {
    throw OptionError(name_ + "." + e.option(), e.what());
  }
  if (!method_) throw OptionError("method", "the factory of \"" + name_ + "\" made nothing");
}

/// \return whether \p call came to its end; else what it threw is noted
template <class Call>
bool PluginMethod::survives(Call&& call) const {
  try {
    call();
    return true;
  } catch (const std::exception& e) {
    note(e.what());
  } catch (...) {
    note("an exception of an unknown type");
  }
  return false;
}

StarEstimate PluginMethod::measure(const StarStamp& stamp) const {
  StarEstimate found;
  return survives([&] { found = method_->measure(stamp); }) ? found : StarEstimate{};
}

void PluginMethod::measure_all(std::span<const StarStamp> stamps, std::span<StarEstimate> found) const {
  if (survives([&] { method_->measure_all(stamps, found); })) return;
  for (std::size_t i = 0; i < stamps.size(); ++i) found[i] = measure(stamps[i]);
}

std::string PluginMethod::complaint() const {
  const std::lock_guard lock(mutex_);
  return std::exchange(thrown_, {});
}

void PluginMethod::note(const char* what) const noexcept {
  const std::lock_guard lock(mutex_);
  if (std::exchange(noted_, true)) return;
  try {
    thrown_ = what;
  } catch (...) {  // short of memory: the flags of the row say enough
    thrown_.clear();
  }
}

}  // namespace starflow
