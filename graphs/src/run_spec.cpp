// SPDX-License-Identifier: MIT
#include "run_spec.hpp"

#include <cstdint>
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

std::vector<OptionSpec> make_options() {
  const RunSpec defaults;
  constexpr double kMostBytes = 9007199254740992.0;  // 2^53
  std::vector<OptionSpec> list;
  list.push_back(integer("threads", defaults.threads, 0, 1024, "Threads; 0 = all that the process may use."));
  list.push_back(integer("max_in_flight", static_cast<std::int64_t>(defaults.max_in_flight), 1, 4096,
                         "Frames in the graph at one time."));
  list.push_back(integer("max_bytes_in_flight", static_cast<std::int64_t>(defaults.max_bytes_in_flight), 1, kMostBytes,
                         "Bytes of the frames in the graph at one time; a larger frame runs alone."));
  list.back().unit = "bytes";
  OptionSpec when_full;
  when_full.name = "admission.when_full";
  when_full.form = Accepts::text;
  when_full.fallback = std::string("block");
  when_full.choices = {"block"};
  when_full.doc = "What a full graph does with the next frame.";
  list.push_back(std::move(when_full));
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

RunSpec read_run(const JsonDoc& doc,
                 const JsonValue* object,
                 const std::vector<SetArgument>& set,
                 const Parameters& parameters,
                 Problems& problems) {
  OptionLayers layers(run_options(), "\"run\"", parameters, problems);
  if (object != nullptr) layers.add({doc, "run", {}, {}}, *object);
  for (const auto& argument : set) {
    if (argument.target == SetArgument::Target::run) layers.add(argument);
  }
  ResolvedOptions options;
  options.values = layers.finish(doc.place(object != nullptr ? object->begin : 0), "run");
  RunSpec run;
  run.threads = static_cast<int>(options.integer("threads"));
  run.max_in_flight = static_cast<std::size_t>(options.integer("max_in_flight"));
  run.max_bytes_in_flight = static_cast<std::size_t>(options.integer("max_bytes_in_flight"));
  run.when_full = WhenFull::block;  // the only choice
  run.max_failed_fraction = options.number("errors.max_failed_fraction");
  return run;
}

}  // namespace starflow::graph
