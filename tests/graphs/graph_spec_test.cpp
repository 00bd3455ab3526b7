// SPDX-License-Identifier: MIT
#include <starflow/graph/graph_spec.hpp>

#include "graphs/config_types.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace starflow::graph {
namespace {

using test::test_registry;

constexpr const char* kGraph = R"({ "format": "starflow.graph/1", "name": "quick look",
  "parameters": { "input": {"type": "strings", "default": "data/*.fits"},
                  "radius": {"type": "integer", "default": 5, "minimum": 1, "maximum": 20},
                  "gain": {"type": "number", "default": null} },
  "run": {"threads": 2, "max_in_flight": 8, "admission": {"when_full": "block"}, "errors": {"max_failed_fraction": 0.5}},
  "nodes": [
    {"id": "out", "type": "sink",   "in": "fit.stars"},
    {"id": "fit", "type": "fit",    "in": {"frame": "src", "dots": "det"}, "options": {"radius": "${radius}", "window": {"sigma_px": 2}}},
    {"id": "det", "type": "detect", "in": "src"},
    {"id": "src", "type": "source", "options": {"paths": "${input}", "gain": "${gain}"}} ] })";

GraphSpec parse(const Registry& registry, const Overrides& set = {}) {
  return GraphSpec::parse(kGraph, "g.json", registry, set);
}

const ResolvedOption& option(const GraphSpec& spec, const std::string& id, const std::string& name) {
  for (const auto& node : spec.nodes) {
    if (node.id == id) return node.options->values.at(name);
  }
  throw std::out_of_range(id);
}

TEST(GraphSpec, OrdersNodesByTheFlowAndWiresThem) {
  const Registry registry = test_registry();
  const GraphSpec spec = parse(registry);
  EXPECT_EQ(spec.name, "quick look");
  EXPECT_EQ(spec.file, "g.json");
  ASSERT_EQ(spec.nodes.size(), 4U);
  EXPECT_EQ(spec.nodes[0].id, "src");
  EXPECT_EQ(spec.nodes[1].id, "det");
  EXPECT_EQ(spec.nodes[2].id, "fit");
  EXPECT_EQ(spec.nodes[3].id, "out");
  EXPECT_EQ(spec.nodes[2].type, registry.find("fit"));
  ASSERT_EQ(spec.nodes[2].inputs.size(), 3U);
  EXPECT_EQ(spec.nodes[2].inputs[0].node, 0U);
  EXPECT_EQ(spec.nodes[2].inputs[0].port, 0U);
  EXPECT_EQ(spec.nodes[2].inputs[1].node, 1U);
  EXPECT_EQ(spec.nodes[2].inputs[2].node, kUnconnected);
  EXPECT_EQ(spec.nodes[3].inputs[0].node, 2U);
  EXPECT_EQ(spec.nodes[3].inputs[0].port, 0U);
  EXPECT_EQ(spec.nodes[2].place.line, 8);
  EXPECT_EQ(spec.nodes[2].place.path, "nodes[1]");
}

TEST(GraphSpec, KnowsTheNodesWhoseMessagesNobodyReads) {
  const graph::Registry registry = test::test_registry();
  const GraphSpec spec = GraphSpec::parse(R"({"format": "starflow.graph/1", "nodes": [
  {"id": "src", "type": "source", "options": {"paths": "a"}},
  {"id": "det", "type": "detect", "in": "src.frame"},
  {"id": "fit", "type": "fit", "in": {"frame": "src.frame", "dots": "det"}},
  {"id": "idle", "type": "detect", "in": "src.frame"},
  {"id": "out", "type": "sink", "in": {"stars": "fit.stars"}}]})",
                                          "g.json", registry);
  const auto unread = spec.unread();  // one of two ports is enough: "poor" of "fit" is no fault
  ASSERT_EQ(unread.size(), 1U);
  EXPECT_EQ(
      to_string(unread[0], "warning").rfind("g.json:5:3: warning: nodes[3]: nobody reads what \"idle\" (detect)", 0),
      0U)
      << to_string(unread[0], "warning");
}

TEST(GraphSpec, KeepsTheOrderOfTheFileAmongEquals) {
  const Registry registry = test_registry();
  const GraphSpec spec = GraphSpec::parse(R"({"format": "starflow.graph/1", "nodes": [
    {"id": "z", "type": "detect", "in": "src"}, {"id": "src", "type": "source", "options": {"paths": "a"}},
    {"id": "y", "type": "detect", "in": "src"}, {"id": "x", "type": "detect", "in": "src"}]})",
                                          "g.json", registry);
  EXPECT_EQ(spec.nodes[1].id, "z");
  EXPECT_EQ(spec.nodes[2].id, "y");
  EXPECT_EQ(spec.nodes[3].id, "x");
  EXPECT_EQ(spec.name, "g");
}

TEST(GraphSpec, ReadsTheRunObject) {
  const Registry registry = test_registry();
  const RunSpec run = parse(registry).run;
  EXPECT_EQ(run.threads, 2);
  EXPECT_EQ(run.max_in_flight, 8U);
  EXPECT_EQ(run.max_bytes_in_flight, std::size_t{1} << 31);
  EXPECT_EQ(run.max_failed_fraction, 0.5);
  const RunSpec set =
      parse(registry,
            {{"run.threads", "3"}, {"run.errors.max_failed_fraction", "0"}, {"run.admission.when_full", "block"}})
          .run;
  EXPECT_EQ(set.threads, 3);
  EXPECT_EQ(set.max_failed_fraction, 0.0);
}

TEST(GraphSpec, TakesEachValueFromTheLastOfDefaultPresetGraphAndSet) {
  const test::TempDir dir;
  (void)dir.write("methods/m.json",
                  R"({"$schema": "x", "doc": "A preset.", "method": "moffat", "radius": 3, "keep": false,
    "window": {"from": "given"}})");
  const std::string file = dir.write("graphs/g.json", R"({"format": "starflow.graph/1",
    "parameters": {"method": {"type": "string", "default": "m"}},
    "nodes": [{"id": "src", "type": "source", "options": {"paths": ["a", "b"]}},
              {"id": "det", "type": "detect", "in": "src"},
              {"id": "fit", "type": "fit", "in": {"frame": "src", "dots": "det"}, "preset": "../methods/${method}.json",
               "options": {"radius": 4, "keep": true}}]})");
  const Registry registry = test_registry();
  const GraphSpec spec = GraphSpec::load(
      file, registry, {{"nodes.fit.options.keep", "false"}, {"nodes.fit.options.window.sigma_px", "3"}});
  const auto& weights = option(spec, "fit", "weights");
  EXPECT_EQ(std::get<std::vector<double>>(weights.value), (std::vector<double>{1, 1}));
  EXPECT_EQ(weights.from, "default");
  EXPECT_EQ(weights.place.path, "nodes[2].options.weights");
  EXPECT_EQ(weights.place.line, 5);
  const auto& method = option(spec, "fit", "method");
  EXPECT_EQ(std::get<std::string>(method.value), "moffat");
  EXPECT_EQ(method.from, "preset " + (dir / "methods/m.json") + ":1:48");
  EXPECT_EQ(option(spec, "fit", "window.from").place.path, "window.from");
  const auto& radius = option(spec, "fit", "radius");
  EXPECT_EQ(std::get<std::int64_t>(radius.value), 4);
  EXPECT_EQ(radius.from, file + ":6:38");
  EXPECT_EQ(radius.place.path, "nodes[2].options.radius");
  const auto& keep = option(spec, "fit", "keep");
  EXPECT_EQ(std::get<bool>(keep.value), false);
  EXPECT_EQ(keep.from, "--set");
  EXPECT_EQ(keep.place.file, "--set nodes.fit.options.keep");
  EXPECT_EQ(keep.place.line, 0);
  EXPECT_EQ(std::get<double>(option(spec, "fit", "window.sigma_px").value), 3.0);
}

TEST(GraphSpec, KeepsTheTypeOfAParameterThatStandsAlone) {
  const Registry registry = test_registry();
  const GraphSpec spec = parse(registry, {{"parameters.radius", "9"}});
  EXPECT_EQ(std::get<std::int64_t>(option(spec, "fit", "radius").value), 9);
  EXPECT_EQ(option(spec, "fit", "radius").from, "g.json:8:98 (parameter \"radius\", --set)");
  EXPECT_EQ(std::get<std::vector<std::string>>(option(spec, "src", "paths").value),
            std::vector<std::string>{"data/*.fits"});
}

TEST(GraphSpec, TakesANullParameterAsNotGiven) {
  const Registry registry = test_registry();
  EXPECT_FALSE(parse(registry).nodes[0].options->has("gain"));
  const GraphSpec spec = parse(registry, {{"parameters.gain", "1.5"}});
  EXPECT_EQ(spec.nodes[0].options->number("gain"), 1.5);
}

TEST(GraphSpec, TakesAListOrOneTextForAListParameter) {
  const Registry registry = test_registry();
  EXPECT_EQ(parse(registry, {{"parameters.input", R"(["a", "b"])"}}).nodes[0].options->texts("paths"),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse(registry, {{"parameters.input", "[ab].fits"}}).nodes[0].options->texts("paths"),
            std::vector<std::string>{"[ab].fits"});
  EXPECT_EQ(parse(registry, {{"parameters.input", "2024"}}).nodes[0].options->texts("paths"),
            std::vector<std::string>{"2024"});
}

TEST(GraphSpec, TakesAnArgumentOfATextOptionAsWritten) {
  const Registry registry = test_registry();
  EXPECT_EQ(parse(registry, {{"nodes.out.options.path", "1e3"}}).nodes[3].options->text("path"), "1e3");
  EXPECT_EQ(parse(registry, {{"nodes.out.options.path", "true"}}).nodes[3].options->text("path"), "true");
  EXPECT_EQ(parse(registry, {{"nodes.out.options.path", "${input}"}}).nodes[3].options->text("path"), "${input}");
}

TEST(GraphSpec, AcceptsANumberOrAWordWhereBothAreAllowed) {
  const Registry registry = test_registry();
  EXPECT_TRUE(parse(registry).nodes[1].options->is_text("fwhm"));
  EXPECT_EQ(parse(registry, {{"nodes.det.options.fwhm", "3"}}).nodes[1].options->number("fwhm"), 3.0);
}

TEST(GraphSpec, TakesTheLastOfTwoEqualSets) {
  const Registry registry = test_registry();
  EXPECT_EQ(parse(registry, {{"run.threads", "3"}, {"run.threads", "5"}}).run.threads, 5);
}

TEST(GraphSpec, WritesParametersIntoTexts) {
  const Registry registry = test_registry();
  const GraphSpec spec = GraphSpec::parse(R"({"format": "starflow.graph/1",
    "parameters": {"night": {"type": "string"}, "n": {"type": "number", "default": 2.5}},
    "nodes": [{"id": "src", "type": "source", "options": {"paths": ["${night}/a", "/b/${night}-${n}.fits"]}}]})",
                                          "g.json", registry, {{"parameters.night", "2024"}});
  EXPECT_EQ(spec.nodes[0].options->texts("paths"), (std::vector<std::string>{"2024/a", "/b/2024-2.5.fits"}));
}

TEST(GraphSpec, ThrowsALogicErrorForAnOptionThatNobodyDeclared) {
  const Registry registry = test_registry();
  EXPECT_THROW((void)parse(registry).nodes[0].options->at("nothing"), std::logic_error);
}

TEST(ConfigHash, IgnoresOrderRunPathsAndNames) {
  const Registry registry = test_registry();
  const std::string hash = parse(registry).config_hash;
  EXPECT_EQ(hash.size(), 16U);
  EXPECT_EQ(hash.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(
      parse(registry, {{"parameters.input", "x"}, {"run.threads", "7"}, {"nodes.out.options.path", "y"}}).config_hash,
      hash);
  const GraphSpec other = GraphSpec::parse(R"({ "nodes": [
    {"type": "source", "options": {"paths": "z"}, "id": "src"}, {"in": {"frame": "src.frame"}, "id": "det", "type": "detect"},
    {"options": {"window": {"sigma_px": 2.0}, "radius": 5.0, "keep": true}, "id": "fit", "type": "fit", "in": {"dots": "det", "frame": "src"}},
    {"type": "sink", "id": "out", "in": {"stars": "fit.stars"}}], "format": "starflow.graph/1"})",
                                           "other.json", registry);
  EXPECT_EQ(other.config_hash, hash);
}

TEST(ConfigHash, ChangesWithAnOption) {
  const Registry registry = test_registry();
  EXPECT_NE(parse(registry, {{"nodes.det.options.threshold_sigma", "6"}}).config_hash, parse(registry).config_hash);
}

TEST(ConfigHash, ChangesWithTheWiring) {
  const Registry registry = test_registry();
  std::string text = kGraph;
  text.replace(text.find("fit.stars"), 9, "src.truth");
  EXPECT_NE(GraphSpec::parse(text, "g.json", registry).config_hash, parse(registry).config_hash);
}

}  // namespace
}  // namespace starflow::graph
