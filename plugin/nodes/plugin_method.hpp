// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// A method that a plugin brought, as the node `centroid` runs it: with its own options, and no exception gets out.

#include <starflow/sdk/method.hpp>
#include <starflow/sdk/options.hpp>

#include <memory>
#include <mutex>
#include <string>

namespace starflow {

class PluginMethod final : public StarMethod {
 public:
  /// \param o     of the node, which hold the method's under its name
  /// \param name  of the method
  /// \throws OptionError for options that contradict each other, and where no plugin brought the method
  PluginMethod(const Options& o, std::string name);

  [[nodiscard]] StarEstimate measure(const StarStamp& stamp) const override;  ///< empty where the method threw
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// What the method threw first, once; empty = nothing, or told already.
  [[nodiscard]] std::string complaint() const;

 private:
  void note(const char* what) const noexcept;

  std::string name_;
  std::unique_ptr<StarMethod> method_;
  mutable std::mutex mutex_;
  mutable std::string thrown_;
  mutable bool noted_ = false;
};

}  // namespace starflow
