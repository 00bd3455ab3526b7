// SPDX-License-Identifier: MIT
#include "config_hash.hpp"
#include "option_layers.hpp"
#include "option_value.hpp"
#include "overrides.hpp"
#include "run.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace starflow::graph {
namespace {

/// A spec whose nodes' options are being changed.
class Change {
 public:
  explicit Change(const GraphSpec& spec) : spec_(spec), changed_(spec.nodes.size(), false) {}

  void apply(const SetArgument& argument) {
    const auto refuse = [&](std::string text, std::string hint = {}) {
      problems_.add(argument.doc, 0, {}, std::move(text), std::move(hint));
    };
    if (argument.target != SetArgument::Target::node) {
      refuse("only options of nodes change while a graph runs: nodes.ID.options.NAME");
      return;
    }
    const auto node = std::ranges::find(spec_.nodes, argument.node, &NodeSpec::id);
    if (node == spec_.nodes.end()) {
      std::vector<std::string> ids;
      for (const NodeSpec& n : spec_.nodes) ids.push_back(n.id);
      refuse(fmt::format("there is no node {}; the graph has: {}", in_quotes(argument.node), listed(ids)),
             did_you_mean(argument.node, ids));
      return;
    }
    const auto option = std::ranges::find(node->type->options, argument.name, &OptionSpec::name);
    if (option == node->type->options.end() || !option->live) {
      std::vector<std::string> live;
      for (const OptionSpec& o : node->type->options) {
        if (o.live) live.push_back(o.name);
      }
      refuse(fmt::format("{} of {} ({}) can't change while the graph runs; what can: {}", in_quotes(argument.name),
                         in_quotes(node->id), node->type->name, live.empty() ? "nothing" : listed(live)),
             did_you_mean(argument.name, live));
      return;
    }
    ResolvedOption value;
    value.from = argument.from;
    value.place = argument.doc.place(0);
    if (Refusal r = convert_argument(argument.doc, *option, value.value); !r.text.empty()) {
      refuse(std::move(r.text), std::move(r.hint));
      return;
    }
    const auto index = static_cast<std::size_t>(node - spec_.nodes.begin());
    const bool taken_back = std::holds_alternative<std::monostate>(value.value);
    if (taken_back && option->required) {
      refuse(fmt::format("the option {} of {} is required: {}", in_quotes(argument.name),
                         node_text(node->id, node->type->name), wanted(*option)));
      return;
    }
    if (taken_back) {
      value = {option->fallback, "default", node->place};
      given_.erase({index, argument.name});
    } else {
      given_.emplace(index, argument.name);
    }
    options_of(index).values.at(argument.name) = std::move(value);
  }

  /// \throws ConfigError with what is wrong so far
  void settle_all() {
    for (std::size_t i = 0; i < changed_.size(); ++i) {
      if (!changed_[i]) continue;
      const NodeSpec& node = spec_.nodes[i];
      // What went with a value that was changed goes with it, unless it is said anew.
      for (const OptionSpec* stray : settle(node.type->options, options_of(i).values)) {
        ResolvedOption& option = options_of(i).values.at(stray->name);
        if (given_.contains({i, stray->name})) {
          problems_.add(option.place, option.place.path, goes_only_with(*stray, node_text(node.id, node.type->name)));
        }
        option = {{}, "default", node.place};
      }
    }
    if (!problems_.empty()) throw ConfigError(problems_.sorted());
    spec_.config_hash = config_hash(spec_);
  }

  [[nodiscard]] const GraphSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] bool changed(std::size_t node) const { return changed_[node]; }
  [[nodiscard]] Problems& problems() noexcept { return problems_; }

 private:
  /// A copy of the node's options, made at its first change: frames inside go by the old ones.
  ResolvedOptions& options_of(std::size_t node) {
    auto& options = spec_.nodes[node].options;
    if (!changed_[node]) options = std::make_shared<ResolvedOptions>(*options);
    changed_[node] = true;
    return *options;
  }

  GraphSpec spec_;
  std::vector<bool> changed_;
  std::set<std::pair<std::size_t, std::string>> given_;  // options that hold a value of this change, by their node
  Problems problems_;
};

}  // namespace

std::string Run::reconfigure(const Overrides& changes) {
  if (instances_.journal)
    throw std::logic_error("options can't change in a run that keeps a journal, which could not be continued then");
  const std::lock_guard one_at_a_time(change_mutex_);
  Change change(current_);
  for (const SetArgument& argument : read_overrides(changes, change.problems())) change.apply(argument);
  change.settle_all();
  auto next = std::make_shared<Configuration>(*configuration());
  next->hash = change.spec().config_hash;
  for (std::size_t i = 0; i < next->nodes.size(); ++i) {
    if (!change.changed(i)) continue;
    next->nodes[i] = start_node(change.spec(), change.spec().nodes[i],
                                [this](LogLevel level, std::string_view text) { log(level, text); });
  }
  current_ = change.spec();
  const std::lock_guard lock(configuration_mutex_);
  configuration_ = std::move(next);
  return configuration_->hash;
}

std::shared_ptr<const Configuration> Run::configuration() const {
  const std::lock_guard lock(configuration_mutex_);
  return configuration_;
}

}  // namespace starflow::graph
