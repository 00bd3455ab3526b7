// SPDX-License-Identifier: MIT
#include "open_journal.hpp"

#include "failure.hpp"
#include "journal.hpp"

#include <starflow/sdk/options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace starflow::graph {
namespace {

/// The files of the sinks; nodes that stand against a journal are problems.
std::vector<SinkFiles> files_of(const GraphSpec& spec, const Instances& made, std::vector<Diagnostic>& problems) {
  std::vector<SinkFiles> all;
  for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
    const NodeSpec& node = spec.nodes[i];
    if (made.nodes[i] && node.type->serial) {
      problems.push_back(at_option(node, "",
                                   "type " + node.type->name +
                                       " keeps a memory from frame to frame, which a run that is continued "
                                       "or divided would lose"));
    }
    if (!made.sinks[i]) continue;
    guarded(node, problems, [&] { all.push_back({node.id, node.type->name, made.sinks[i]->files()}); });
  }
  const bool none = std::ranges::all_of(all, [](const SinkFiles& sink) { return sink.files.empty(); });
  if (none && problems.empty()) {
    Diagnostic d;
    d.file = spec.file;
    d.text = "the graph has no sink with a file of records, so that there is nothing to continue or to divide";
    problems.push_back(std::move(d));
  }
  return all;
}

void choose_frames(const GraphSpec& spec, const StartPlan& plan, Instances& made, std::vector<Diagnostic>& problems) {
  const Shard shard = plan.shard.value_or(Shard{});
  const std::uint64_t first = shard.index + shard.count * made.journal->so_far().frames;
  for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
    if (!made.sources[i]) continue;
    guarded(spec.nodes[i], problems, [&] {
      if (made.sources[i]->select(first, shard.count)) return;
      throw OptionError("", "type " + spec.nodes[i].type->name +
                                " can't begin at a later frame, so the run can't be continued or divided");
    });
  }
}

}  // namespace

void open_journal(const GraphSpec& spec,
                  const StartPlan& plan,
                  const InputMarks& inputs,
                  Instances& made,
                  std::vector<Diagnostic>& problems) {
  Journal::Plan keep;
  keep.sinks = files_of(spec, made, problems);
  if (!problems.empty()) return;
  try {
    keep.key = run_key(spec, plan.shard.value_or(Shard{}), inputs, keep.sinks);
    keep.inputs = inputs.paths();
    keep.anew = plan.force || !plan.resume;
    keep.replace = plan.force;
    keep.seconds = spec.run.checkpoint_s;
    made.journal = std::make_unique<Journal>(std::move(keep));
  } catch (...) {
    Diagnostic d;
    d.file = spec.file;
    d.text = current_failure().text;
    problems.push_back(std::move(d));
    return;
  }
  if (!made.journal->complete()) choose_frames(spec, plan, made, problems);
  if (!problems.empty()) made.journal.reset();
}

}  // namespace starflow::graph
