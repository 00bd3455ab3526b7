// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Node types that do nothing, for tests of configurations.

#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/registry.hpp>
#include <starflow/sdk/node.hpp>

#include <memory>
#include <string>
#include <utility>

namespace starflow::test {

inline constexpr std::string_view kFrame = "test.frame/1", kDots = "test.dots/1", kStars = "test.stars/1";

struct IdleSource final : Source {
  explicit IdleSource(const Options&) {}
  bool next(Context&) override { return false; }
};
struct IdleNode final : Node {
  explicit IdleNode(const Options&) {}
  void process(Context&) override {}
};
struct IdleSink final : Sink {
  explicit IdleSink(const Options&) {}
  void write(Context&) override {}
  void close(const RunSummary&) override {}
};

inline OptionSpec option(std::string name, Accepts form, OptionValue fallback = {}) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.form = form;
  spec.fallback = std::move(fallback);
  return spec;
}

inline OptionSpec ranged(
    std::string name, Accepts form, OptionValue fallback, double minimum, double maximum, std::string unit = "") {
  OptionSpec spec = option(std::move(name), form, std::move(fallback));
  spec.minimum = minimum;
  spec.maximum = maximum;
  spec.unit = std::move(unit);
  return spec;
}

inline OptionSpec chosen(std::string name, Accepts form, OptionValue fallback, std::vector<std::string> choices) {
  OptionSpec spec = option(std::move(name), form, std::move(fallback));
  spec.choices = std::move(choices);
  return spec;
}

inline NodeType source_type() {
  NodeType type{"source", "Frames.", {}, {{"frame", kFrame, ""}, {"truth", kStars, ""}}, {}, factory_of<IdleSource>()};
  type.options = {option("paths", Accepts::text_list), option("gain", Accepts::number)};
  type.options[0].required = true;
  type.options[0].result_neutral = true;
  type.options[1].minimum = 0;
  type.options[1].above_minimum = true;
  return type;
}

inline NodeType detect_type() {
  NodeType type{"detect", "Dots.", {{"frame", kFrame, ""}}, {{"dots", kDots, ""}}, {}, factory_of<IdleNode>()};
  type.options = {ranged("threshold_sigma", Accepts::number, 5.0, 1, 1000),
                  ranged("min_pixels", Accepts::integer, std::int64_t{3}, 1, 10000, "px"),
                  chosen("fwhm", Accepts::number | Accepts::text, std::string("auto"), {"auto"})};
  return type;
}

inline NodeType fit_type() {
  NodeType type{"fit",
                "Stars.",
                {{"frame", kFrame, ""}, {"dots", kDots, ""}, {"truth", kStars, "", true}},
                {{"stars", kStars, ""}, {"poor", kStars, ""}},
                {},
                factory_of<IdleNode>()};
  type.options = {chosen("method", Accepts::text, std::string("gaussian"), {"gaussian", "moffat", "windowed"}),
                  ranged("radius", Accepts::integer, std::int64_t{7}, 2, 15, "px"),
                  chosen("window.from", Accepts::text, std::string("fwhm"), {"fwhm", "given"}),
                  ranged("window.sigma_px", Accepts::number, {}, 0.2, 50, "px"),
                  option("weights", Accepts::number_list, std::vector<double>{1, 1}),
                  option("keep", Accepts::boolean, true)};
  return type;
}

inline NodeType sink_type() {
  NodeType type{"sink", "A file.", {{"stars", kStars, ""}}, {}, {}, factory_of<IdleSink>()};
  type.options = {option("path", Accepts::text, std::string("stars.jsonl"))};
  type.options[0].result_neutral = true;
  return type;
}

inline graph::Registry test_registry() {
  graph::Registry registry;
  registry.add(source_type());
  registry.add(detect_type());
  registry.add(fit_type());
  registry.add(sink_type());
  return registry;
}

/// What parsing \p text gives: the message, or "" where it is fine.
inline std::string problems_of(const std::string& text, const graph::Overrides& set = {}) {
  const graph::Registry registry = test_registry();
  try {
    (void)graph::GraphSpec::parse(text, "g.json", registry, set);
  } catch (const graph::ConfigError& e) {
    return e.what();
  }
  return {};
}

}  // namespace starflow::test
