// SPDX-License-Identifier: MIT
#include "run_spec.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

namespace starflow::graph {
namespace {

OptionSpec integer(std::string name, std::int64_t fallback, double minimum, double maximum, std::string doc) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.form = Accepts::integer;
  spec.fallback = fallback;
  spec.minimum = minimum;
  spec.maximum = maximum;
  spec.doc = std::move(doc);
  return spec;
}

OptionSpec number(std::string name, double fallback, std::string unit, std::string doc) {
  constexpr double kMostMilliseconds = 1e9;
  OptionSpec spec;
  spec.name = std::move(name);
  spec.fallback = fallback;
  spec.minimum = 0;
  spec.maximum = kMostMilliseconds;
  spec.unit = std::move(unit);
  spec.doc = std::move(doc);
  return spec;
}

std::vector<OptionSpec> make_options() {
  const RunSpec defaults;
  constexpr double kMostBytes = 9007199254740992.0;  // 2^53
  std::vector<OptionSpec> list;
  list.push_back(integer("threads", defaults.threads, 0, 1024, "Threads; 0 = all that the process may use."));
  list.push_back(integer("max_in_flight", static_cast<std::int64_t>(defaults.max_in_flight), 1, 4096,
                         "Frames in the graph at one time."));
  list.push_back(integer(
      "max_bytes_in_flight", static_cast<std::int64_t>(defaults.max_bytes_in_flight), 1, kMostBytes,
      "Bytes of the frames in the graph at one time. A frame that is larger by itself fails with the code too_large."));
  list.back().unit = "bytes";
  OptionSpec when_full;
  when_full.name = "admission.when_full";
  when_full.form = Accepts::text;
  when_full.fallback = std::string("block");
  when_full.choices.assign(std::begin(kWhenFullNames), std::end(kWhenFullNames));
  when_full.doc =
      "What a full graph does with a frame that a host submits: the host waits (block), or the frame waits in a queue; "
      "where that is full, the oldest frame in it (drop_oldest) or the new one (drop_newest) is dropped, or the new "
      "one "
      "rejected (fail).";
  list.push_back(std::move(when_full));
  list.push_back(integer("admission.queue", static_cast<std::int64_t>(defaults.queue), 0, 4096,
                         "Frames that wait outside of a full graph; at least 1 with drop_oldest, none with block."));
  list.push_back(number("admission.max_age_ms", defaults.max_age_ms, "ms",
                        "A frame that waited longer than this is dropped when its turn comes; 0 = never."));
  list.push_back(number("watchdog.stall_ms", defaults.stall_ms, "ms",
                        "No outcome for this long with frames in the graph: a warning that names them and their nodes; "
                        "0 = never."));
  list.push_back(number("checkpoint_s", defaults.checkpoint_s, "s",
                        "A run with --resume or --shard makes what it wrote safe this often: as much work may be lost; "
                        "0 = after each frame."));
  OptionSpec failed;
  failed.name = "errors.max_failed_fraction";
  failed.form = Accepts::number;
  failed.fallback = defaults.max_failed_fraction;
  failed.minimum = 0;
  failed.maximum = 1;
  failed.doc = "More failed frames than this abort the run; judged after 20 frames.";
  list.push_back(std::move(failed));
  return list;
}

}  // namespace

const std::vector<OptionSpec>& run_options() {
  static const std::vector<OptionSpec> kOptions = make_options();
  return kOptions;
}

std::shared_ptr<const ResolvedOptions> resolve_run(const JsonDoc& doc,
                                                   const JsonValue* object,
                                                   const std::vector<SetArgument>& set,
                                                   const Parameters& parameters,
                                                   Problems& problems) {
  OptionLayers layers(run_options(), "\"run\"", parameters, problems);
  if (object != nullptr) layers.add({doc, "run", {}, {}}, *object);
  for (const auto& argument : set) {
    if (argument.target == SetArgument::Target::run) layers.add(argument);
  }
  auto options = std::make_shared<ResolvedOptions>();
  options->values = layers.finish(doc.place(object != nullptr ? object->begin : 0), "run");
  return options;
}

RunSpec read_run(const ResolvedOptions& options) {
  RunSpec run;
  run.threads = static_cast<int>(options.integer("threads"));
  run.max_in_flight = static_cast<std::size_t>(options.integer("max_in_flight"));
  run.max_bytes_in_flight = static_cast<std::size_t>(options.integer("max_bytes_in_flight"));
  const auto policy = std::ranges::find(kWhenFullNames, options.text("admission.when_full"));
  run.when_full = static_cast<WhenFull>(policy - std::begin(kWhenFullNames));
  run.queue = static_cast<std::size_t>(options.integer("admission.queue"));
  run.max_age_ms = options.number("admission.max_age_ms");
  run.stall_ms = options.number("watchdog.stall_ms");
  run.checkpoint_s = options.number("checkpoint_s");
  run.max_failed_fraction = options.number("errors.max_failed_fraction");
  return run;
}

}  // namespace starflow::graph
