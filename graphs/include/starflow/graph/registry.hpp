// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Node types by name. A registry is a value that a host owns; there is no global one.

#include <starflow/sdk/node.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::graph {

/// A plugin file that was looked at.
struct PluginRecord {
  std::string file;
  std::string name, version, license;  ///< as its descriptor says; empty where it has none
  std::vector<std::string> types, methods;
  std::string refusal;  ///< why it was not taken, and what to do; empty = loaded
  std::string warning;  ///< "changes the floating-point state (built with -ffast-math?)"; empty = none
};

class Registry final : public Registrar {
 public:
  /// \throws std::invalid_argument where the name is taken (naming both owners), a port or option name is doubled or
  ///         empty, a message type is empty, or a default contradicts its own range, form or choices.
  void add(NodeType type) override;
  /// Makes the method a choice of every type that takes methods, those that come later too, and its options some of
  /// theirs. \throws std::invalid_argument as above, and where the name does not begin with the plugin's
  void add(MethodType method) override;

  [[nodiscard]] const NodeType* find(std::string_view name) const;  ///< null = unknown
  [[nodiscard]] const std::map<std::string, NodeType, std::less<>>& types() const noexcept { return types_; }
  [[nodiscard]] const std::map<std::string, MethodType, std::less<>>& methods() const noexcept { return methods_; }
  [[nodiscard]] std::string_view owner(std::string_view type) const;  ///< the plugin's name
  [[nodiscard]] std::string_view method_owner(std::string_view method) const;
  [[nodiscard]] const std::vector<PluginRecord>& plugins() const noexcept { return plugins_; }

  // For the loader.
  void set_owner(std::string name) { owner_ = std::move(name); }
  void record(PluginRecord record) { plugins_.push_back(std::move(record)); }
  void remove_types_of(std::string_view owner);  ///< and its methods; undoes what a plugin added before its init failed

 private:
  std::map<std::string, NodeType, std::less<>> types_;
  std::map<std::string, std::string, std::less<>> owners_;
  std::map<std::string, MethodType, std::less<>> methods_;
  std::map<std::string, std::string, std::less<>> method_owners_;
  std::string owner_ = "host";
  std::vector<PluginRecord> plugins_;
};

}  // namespace starflow::graph
