// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The `parameters` of a graph, and `${name}` in its texts.

#include "overrides.hpp"
#include "problems.hpp"

#include <starflow/graph/json_doc.hpp>
#include <starflow/sdk/options.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace starflow::graph {

/// A value after substitution, and the parameters that it came from: ` (parameter "gain", --set)`; empty = none.
struct Substituted {
  JsonValue value;
  std::string note;
};

class Parameters {
 public:
  /// \param object  the `parameters` member of \p doc; null = there is none
  Parameters(const JsonDoc& doc, const JsonValue* object, const std::vector<SetArgument>& set, Problems& problems);

  /// A text that is `${name}` alone becomes the parameter's value, in its type; inside a text it is written out. Lists
  /// are walked. \return nothing where it can't be done; the problem is reported then.
  [[nodiscard]] std::optional<Substituted> apply(const JsonDoc& doc,
                                                 const JsonValue& value,
                                                 const std::string& path,
                                                 Problems& problems) const;

  /// Every parameter with its value, by name.
  [[nodiscard]] std::vector<ParameterSpec> list() const;

 private:
  struct Parameter {
    OptionSpec spec;
    OptionValue value;
    std::string from;
    bool broken = false;  // its problem is reported: uses say nothing more
  };
  using Fail = std::function<void(std::string text, std::string hint)>;

  void declare(const JsonDoc& doc, const JsonMember& member, Problems& problems);
  void set(const SetArgument& argument, Problems& problems);
  [[nodiscard]] const Parameter* find(std::string_view name, const Fail& fail) const;
  [[nodiscard]] std::optional<JsonValue> text(const JsonValue& value, std::string& note, const Fail& fail) const;
  [[nodiscard]] std::vector<std::string> names() const;

  std::map<std::string, Parameter, std::less<>> parameters_;
};

}  // namespace starflow::graph
