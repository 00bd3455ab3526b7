// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The options of one node, or the `run` object, put together from their layers: default, preset, graph, --set.

#include "parameters.hpp"
#include "problems.hpp"

#include <starflow/graph/graph_spec.hpp>

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace starflow::graph {

/// One JSON object of options.
struct OptionLayer {
  const JsonDoc& doc;
  std::string path;                          ///< of the object in its file; empty = the file itself
  std::string from;                          ///< in front of FILE:LINE:COLUMN: "preset " or nothing
  std::string note;                          ///< behind each problem: " (preset of nodes[1] \"stars\", g.json:9:5)"
  std::vector<std::string> other_keys = {};  ///< allowed beside the options: "$schema", "doc"
};

/// Whether the option that \p spec goes with has a value that it goes with.
[[nodiscard]] bool goes(const OptionSpec& spec, const std::map<std::string, ResolvedOption, std::less<>>& values);

/// Gives every option that goes with another one's value its default where it goes and has none, and takes it where it
/// does not. \return the options that were given beside another value
std::vector<const OptionSpec*> settle(std::span<const OptionSpec> specs,
                                      std::map<std::string, ResolvedOption, std::less<>>& values);

/// What is wrong with an option that was given beside such a value. \param subject  `"det" (detect)`
[[nodiscard]] std::string goes_only_with(const OptionSpec& spec, const std::string& subject);

class OptionLayers {
 public:
  using Values = std::map<std::string, ResolvedOption, std::less<>>;

  /// \param subject  in messages: `"det" (detect)`
  OptionLayers(std::span<const OptionSpec> specs, std::string subject, const Parameters& parameters, Problems& problems)
      : specs_(specs), subject_(std::move(subject)), parameters_(parameters), problems_(problems) {}

  /// Puts a layer over those before it. A null is as if the key were not there.
  void add(const OptionLayer& layer, const JsonValue& object);
  /// A null takes back what the layers before it gave.
  void add(const SetArgument& argument);

  /// Fills in defaults and reports required options that are missing. \param path of the options in the file
  [[nodiscard]] Values finish(const Diagnostic& owner, const std::string& path);
  /// Whether every option that is known holds a value; others may have been refused.
  [[nodiscard]] bool complete() const noexcept { return complete_; }

 private:
  void read(const OptionLayer& layer, const JsonValue& object, const std::string& group, const std::string& path);
  void set(const OptionLayer& layer, const OptionSpec& spec, const JsonValue& value, const std::string& path);
  void put(const OptionSpec& spec, ResolvedOption option);
  [[nodiscard]] const OptionSpec* find(std::string_view name) const;
  [[nodiscard]] bool is_group(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> keys_of(std::string_view group) const;
  [[nodiscard]] std::vector<std::string> names() const;

  std::span<const OptionSpec> specs_;
  std::string subject_;
  const Parameters& parameters_;
  Problems& problems_;
  Values values_;
  std::set<std::string, std::less<>> tried_;  // given, though perhaps refused
  bool complete_ = true;
};

}  // namespace starflow::graph
