// SPDX-License-Identifier: MIT
// What a graph says about itself: where values came from, its picture; and nodes that are not enabled.
#include <starflow/graph/builtin.hpp>
#include <starflow/graph/explain.hpp>

#include "graphs/config_types.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace starflow::graph {
namespace {

class Explain : public testing::Test {
 protected:
  static constexpr const char* kGraph = R"({"format": "starflow.graph/1", "name": "a \"b\"",
  "parameters": {"r": {"type": "integer", "default": 3, "doc": "Radius."}},
  "run": {"threads": 2},
  "nodes": [
    {"id": "src", "type": "source", "options": {"paths": ["a", "<b>"]}},
    {"id": "det", "type": "detect", "in": "src"},
    {"id": "fit", "type": "fit", "in": {"frame": "src", "dots": "det", "truth": "src.truth"},
     "preset": "p.json", "options": {"radius": "${r}"}},
    {"id": "out", "type": "sink", "in": "fit.stars"}]})";

  Explain() {
    std::ofstream(dir_ / "p.json") << R"({"radius": 9, "method": "moffat"})";
    std::ofstream(dir_ / "g.json") << kGraph;
  }
  GraphSpec spec(const Overrides& set = {}) { return GraphSpec::load(dir_ / "g.json", registry_, set); }
  std::string at(const std::string& text) {  // the folder left out
    std::string out = text;
    for (auto i = out.find(dir_ / ""); i != std::string::npos; i = out.find(dir_ / ""))
      out.erase(i, (dir_ / "").size());
    return out;
  }

  test::TempDir dir_;
  Registry registry_ = test::test_registry();
};

TEST_F(Explain, ShowsTheHistoryOfOneValue) {
  EXPECT_EQ(at(explain(spec({{"nodes.fit.options.radius", "12"}}), "nodes.fit.options.radius")),
            "nodes.fit.options.radius = 12  (--set)\n"
            "    7                        default\n"
            "    9                        preset p.json:1:12\n"
            "    3                        g.json:8:48 (parameter \"r\", default)\n"
            "  * 12                       --set\n"
            "  allowed: an integer in 2..15 px\n");
}

TEST_F(Explain, ShowsWhereADefaultAndAParameterCameFrom) {
  EXPECT_EQ(explain(spec(), "nodes.det.options.min_pixels"),
            "nodes.det.options.min_pixels = 3  (default)\n  * 3                        default\n"
            "  allowed: an integer in 1..10000 px\n");
  EXPECT_EQ(explain(spec({{"parameters.r", "4"}}), "parameters.r"),
            "parameters.r = 4  (--set)\n    3                        default\n  * 4                        --set\n  "
            "Radius.\n");
}

TEST_F(Explain, ListsAllThatLiesUnderAPath) {
  EXPECT_EQ(explain(spec(), "nodes.fit.options.window"),
            "nodes.fit.options.window.from = \"fwhm\"  (default)\n"
            "nodes.fit.options.window.sigma_px = not given  (default)\n");
  const std::string all = at(explain(spec(), ""));
  EXPECT_NE(all.find("run.threads = 2  (g.json:3:22)\n"), std::string::npos) << all;
  EXPECT_NE(all.find("nodes.src.options.paths = [\"a\", \"<b>\"]  ("), std::string::npos) << all;
  EXPECT_NE(all.find("nodes.out.options.path = \"stars.jsonl\"  (default)\n"), std::string::npos) << all;
}

TEST_F(Explain, SuggestsThePathThatWasMeant) {
  try {
    (void)explain(spec(), "nodes.fit.options.radios");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean \"nodes.fit.options.radius\"?"), std::string::npos) << e.what();
  }
}

TEST_F(Explain, DrawsEveryNodeAndEdgeOnce) {
  const std::string dot = to_dot(spec());
  EXPECT_EQ(dot.rfind("digraph \"a \\\"b\\\"\" {\n", 0), 0U) << dot;
  for (const char* part : {"  \"src\" [label=", "  \"det\" [label=", "  \"fit\" [label=", "  \"out\" [label=",
                           "\"src\" -> \"det\" [label=\"frame\"]", "\"src\" -> \"fit\" [label=\"frame\"]",
                           "\"det\" -> \"fit\" [label=\"dots\"]", "\"src\" -> \"fit\" [label=\"stars\", style=dashed]",
                           "\"fit\" -> \"out\" [label=\"stars\"]", "radius = 3", "method = &quot;moffat&quot;"}) {
    const auto first = dot.find(part);
    EXPECT_NE(first, std::string::npos) << part << "\n" << dot;
    EXPECT_EQ(dot.find(part, first + 1), std::string::npos) << part;
  }
  EXPECT_EQ(dot.find("min_pixels"), std::string::npos) << "a default is not drawn";
}

TEST(Enabled, LeavesANodeOutAndAnOptionalInputOpen) {
  const Registry registry = test::test_registry();
  const auto parse = [&](const std::string& truth, const std::string& set = "") {
    Overrides overrides;
    if (!set.empty()) overrides.push_back({"parameters.on", set});
    return GraphSpec::parse(
        R"({"format": "starflow.graph/1", "parameters": {"on": {"type": "boolean", "default": false}}, "nodes": [
      {"id": "src", "type": "source", "options": {"paths": "a"}},
      {"id": "det", "type": "detect", "in": "src"},
      {"id": "extra", "type": "fit", "in": {"frame": "src", "dots": "det"}, "enabled": "${on}"},
      {"id": "fit", "type": "fit", "in": {"frame": "src", "dots": "det", "truth": ")" +
            truth + R"("}}]})",
        "g.json", registry, overrides);
  };
  const GraphSpec off = parse("extra.stars"), on = parse("extra.stars", "true");
  ASSERT_EQ(off.nodes.size(), 3U);
  EXPECT_EQ(off.nodes[2].id, "fit");
  EXPECT_EQ(off.nodes[2].inputs[2].node, kUnconnected);
  ASSERT_EQ(on.nodes.size(), 4U);
  EXPECT_EQ(on.nodes[3].inputs[2].node, 2U);
}

TEST(Enabled, RefusesARequiredInputFromANodeThatIsLeftOut) {
  const std::string text = test::problems_of(R"({"format": "starflow.graph/1", "nodes": [
{"id": "src", "type": "source", "options": {"paths": "a"}},
{"id": "det", "type": "detect", "in": "src", "enabled": false},
{"id": "fit", "type": "fit", "in": {"frame": "src", "dots": "det"}}]})");
  EXPECT_EQ(
      text.substr(0, text.find('\n')),
      "g.json:4:61: error: nodes[2].in.dots: the input \"dots\" of \"fit\" (fit) is fed by \"det\" (detect), which is "
      "not enabled; disable both, or feed it from another node");
}

TEST(OnError, IsReadAndChecked) {
  const Registry registry = test::test_registry();
  const auto graph = [](const std::string& word) {
    return R"({"format": "starflow.graph/1", "nodes": [
{"id": "src", "type": "source", "options": {"paths": "a"}},
{"id": "det", "type": "detect", "in": "src", "on_error": ")" +
           word + "\"}]}";
  };
  EXPECT_EQ(GraphSpec::parse(graph("abort"), "g.json", registry).nodes[1].on_error, OnError::abort);
  EXPECT_NE(test::problems_of(graph("abrot"))
                .find("g.json:3:58: error: nodes[1].on_error: \"abrot\" is not allowed: wants one of abort, "
                      "fail_frame, skip_output; did you mean \"abort\"?"),
            std::string::npos)
      << test::problems_of(graph("abrot"));
}

TEST(Admission, RefusesAPolicyForASourceThatWaitsByItself) {
  const std::string text = test::problems_of(R"({"format": "starflow.graph/1",
"run": {"admission": {"when_full": "drop_oldest"}}, "nodes": [{"id": "src", "type": "source", "options": {"paths": "a"}}]})");
  EXPECT_NE(
      text.find("g.json:2:36: error: run.admission.when_full: \"drop_oldest\" is for frames that a host submits to "
                "source.push, but \"src\" is of source; allowed: \"block\""),
      std::string::npos)
      << text;
}

}  // namespace
}  // namespace starflow::graph
