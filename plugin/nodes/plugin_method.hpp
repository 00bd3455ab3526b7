// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A method that a plugin brought, as the node `centroid` runs it: with its own options, and no exception gets out.

#include <starflow/sdk/method.hpp>
#include <starflow/sdk/options.hpp>

#include <memory>
#include <mutex>
#include <span>
#include <string>

namespace starflow {

class PluginMethod final : public StarMethod {
 public:
  /// \param o     of the node, which hold the method's under its name
  /// \param name  of the method
  /// \throws OptionError for options that contradict each other, and where no plugin brought the method
  PluginMethod(const Options& o, std::string name);

  [[nodiscard]] StarEstimate measure(const StarStamp& stamp) const override;  ///< empty where the method threw
  /// Where the method threw, star by star, so that only those it can't take are empty.
  void measure_all(std::span<const StarStamp> stamps, std::span<StarEstimate> found) const override;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// What the method threw first, once; empty = nothing, or told already.
  [[nodiscard]] std::string complaint() const;

 private:
  template <class Call>
  bool survives(Call&& call) const;
  void note(const char* what) const noexcept;

  std::string name_;
  std::unique_ptr<StarMethod> method_;
  mutable std::mutex mutex_;
  mutable std::string thrown_;
  mutable bool noted_ = false;
};

}  // namespace starflow
