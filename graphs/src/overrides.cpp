// SPDX-License-Identifier: MIT
#include "overrides.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

namespace starflow::graph {
namespace {

constexpr std::string_view kParameters = "parameters.", kNodes = "nodes.", kRun = "run.", kOptions = "options.";

/// Takes \p front off \p text. \return false where it does not begin so, or nothing would be left.
bool strip(std::string_view& text, std::string_view front) {
  if (!text.starts_with(front) || text.size() == front.size()) return false;
  text.remove_prefix(front.size());
  return true;
}

bool split(std::string_view path, SetArgument& out) {
  if (strip(path, kParameters)) {
    out.target = SetArgument::Target::parameter;
  } else if (strip(path, kRun)) {
    out.target = SetArgument::Target::run;
  } else if (strip(path, kNodes)) {
    out.target = SetArgument::Target::node;
    const auto dot = path.find('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    out.node = path.substr(0, dot);
    path.remove_prefix(dot + 1);
    if (!strip(path, kOptions)) return false;
  } else {
    return false;
  }
  out.name = path;
  return true;
}

}  // namespace

std::vector<SetArgument> read_overrides(const Overrides& overrides, Problems& problems) {
  std::vector<SetArgument> list;
  for (const auto& o : overrides) {
    const std::string name = o.given_as.empty() ? "--set " + o.path : o.given_as;
    JsonDoc doc = std::visit([&](const auto& value) { return JsonDoc::argument(value, name); }, o.value);
    SetArgument argument{{}, {}, {}, std::move(doc), o.given_as.empty() ? "--set" : o.given_as};
    if (!split(o.path, argument)) {
      problems.add(argument.doc, 0, {}, "a path is parameters.NAME, nodes.ID.options.NAME or run.NAME");
      continue;
    }
    std::erase_if(list, [&](const SetArgument& a) {
      return a.target == argument.target && a.node == argument.node && a.name == argument.name;
    });
    list.push_back(std::move(argument));
  }
  return list;
}

}  // namespace starflow::graph
