// SPDX-License-Identifier: MIT
/// \file
/// The messages that people read when a configuration is wrong, word by word.

#include "graphs/config_types.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace starflow::graph {
namespace {

using test::problems_of;

/// A graph of source, detect, fit and sink, with more in it.
struct Parts {
  std::string top = {};
  std::string src = R"("options": {"paths": "a"})", det = R"("in": "src")";
  std::string det_options = "{}", fit_options = "{}", fit_in = R"({"frame": "src", "dots": "det"})";
  std::string more = {};
};
std::string graph(const Parts& p) {
  return "{\"format\": \"starflow.graph/1\"," + p.top + "\n\"nodes\": [\n{\"id\": \"src\", \"type\": \"source\", " +
         p.src + "},\n{\"id\": \"det\", \"type\": \"detect\", " + p.det + ", \"options\": " + p.det_options +
         "},\n{\"id\": \"fit\", \"type\": \"fit\", \"in\": " + p.fit_in + ", \"options\": " + p.fit_options +
         "},\n{\"id\": \"out\", \"type\": \"sink\", \"in\": \"fit.stars\"}" + p.more + "]}";
}

/// The message without its excerpt.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }
std::string detect_with(const std::string& options) { return first_line(problems_of(graph({.det_options = options}))); }
std::string fit_with(const std::string& options) { return first_line(problems_of(graph({.fit_options = options}))); }

TEST(GraphErrors, TheGraphOfTheseTestsIsFine) { EXPECT_EQ(problems_of(graph({})), ""); }

TEST(GraphErrors, SuggestTheOptionThatWasMeant) {
  EXPECT_EQ(problems_of(graph({.det_options = R"({"fwmh": 3})"})),
            "g.json:4:58: error: nodes[1].options.fwmh: unknown option \"fwmh\" of \"det\" (detect); allowed: fwhm, "
            "min_pixels, "
            "threshold_sigma; did you mean \"fwhm\"?\n"
            "    4 | {\"id\": \"det\", \"type\": \"detect\", \"in\": \"src\", \"options\": {\"fwmh\": 3}},\n"
            "      |                                                          ^\n");
}

TEST(GraphErrors, SuggestTheOptionThatBeginsLikeThis) {
  EXPECT_TRUE(detect_with(R"({"threshold": 3})").ends_with("did you mean \"threshold_sigma\"?"));
}

TEST(GraphErrors, SuggestNothingWhereNothingIsNear) {
  EXPECT_TRUE(detect_with(R"({"background": 3})").ends_with("allowed: fwhm, min_pixels, threshold_sigma"));
}

TEST(GraphErrors, PointAtADuplicateKey) {
  EXPECT_EQ(
      detect_with(R"({"fwhm": 3, "fwhm": 4})"),
      "g.json:4:69: error: nodes[1].options.fwhm: the key \"fwhm\" is there already, in 4:58; remove one of the two");
}

TEST(GraphErrors, ReportWhatFollowsSyntaxErrorsOnceEach) {
  const std::string all = problems_of(graph({.det_options = R"({"fwmh": NaN, "min_pixels": 3.9,})"}));
  // A word that is no number, of an unknown option; a fraction; a comma: each with a caret below.
  EXPECT_EQ(std::ranges::count(all, '^'), 4) << all;
}

TEST(GraphErrors, RefuseAFractionForAnInteger) {
  EXPECT_EQ(detect_with(R"({"min_pixels": 3.9})"),
            "g.json:4:72: error: nodes[1].options.min_pixels: wants an integer in 1..10000 px, got 3.9");
}

TEST(GraphErrors, RefuseAValueBelowTheRange) {
  EXPECT_EQ(detect_with(R"({"min_pixels": -1})"),
            "g.json:4:72: error: nodes[1].options.min_pixels: -1 is out of range: wants an integer in 1..10000 px");
}

TEST(GraphErrors, RefuseAValueAboveTheRange) {
  EXPECT_EQ(fit_with(R"({"radius": 40})"),
            "g.json:5:91: error: nodes[2].options.radius: 40 is out of range: wants an integer in 2..15 px");
}

TEST(GraphErrors, RefuseTheMinimumWhereItIsExcluded) {
  EXPECT_EQ(first_line(problems_of(graph({.src = R"("options": {"paths": "a", "gain": 0})"}))),
            "g.json:3:67: error: nodes[0].options.gain: 0 is out of range: wants a number above 0");
}

TEST(GraphErrors, RefuseATextForANumber) {
  EXPECT_EQ(detect_with(R"({"threshold_sigma": "5"})"),
            "g.json:4:77: error: nodes[1].options.threshold_sigma: wants a number in 1..1000, got \"5\"");
}

TEST(GraphErrors, RefuseANumberForATextAndNameTheChoices) {
  EXPECT_EQ(fit_with(R"({"method": 5})"),
            "g.json:5:91: error: nodes[2].options.method: wants one of \"gaussian\", \"moffat\", \"windowed\", got 5");
}

TEST(GraphErrors, SuggestTheChoiceThatWasMeant) {
  EXPECT_EQ(
      fit_with(R"({"method": "moffatt"})"),
      "g.json:5:91: error: nodes[2].options.method: \"moffatt\" is not allowed: wants one of \"gaussian\", \"moffat\", "
      "\"windowed\"; did you mean \"moffat\"?");
}

TEST(GraphErrors, NameNumberAndWordWhereBothAreAllowed) {
  EXPECT_EQ(detect_with(R"({"fwhm": "wide"})"),
            "g.json:4:66: error: nodes[1].options.fwhm: \"wide\" is not allowed: wants a number or \"auto\"");
}

TEST(GraphErrors, PointAtTheElementOfAListThatIsWrong) {
  EXPECT_EQ(fit_with(R"({"weights": [1, "x"]})"),
            "g.json:5:96: error: nodes[2].options.weights[1]: wants a list of numbers, got \"x\" in the list");
}

TEST(GraphErrors, RefuseATextForAFlag) {
  EXPECT_EQ(fit_with(R"({"keep": "yes"})"),
            "g.json:5:89: error: nodes[2].options.keep: wants true or false, got \"yes\"");
}

TEST(GraphErrors, RefuseAValueForAGroupOfOptions) {
  EXPECT_EQ(fit_with(R"({"window": 3})"),
            "g.json:5:91: error: nodes[2].options.window: wants an object with from, sigma_px, got 3");
}

TEST(GraphErrors, NameTheWholeOptionInsideAGroup) {
  EXPECT_EQ(fit_with(R"({"window": {"sigma": 3}})"),
            "g.json:5:92: error: nodes[2].options.window.sigma: unknown option \"window.sigma\" of \"fit\" (fit); "
            "allowed: from, "
            "sigma_px; did you mean \"sigma_px\"?");
}

TEST(GraphErrors, RefuseADottedKey) {
  EXPECT_TRUE(
      fit_with(R"({"window.from": "given"})").ends_with("write the part before the dot as an object around the rest"));
}

TEST(GraphErrors, RefuseAnEmptyKey) {
  EXPECT_NE(fit_with(R"({"": {"": {"keep": true}}})").find("unknown option \"\""), std::string::npos);
}

TEST(GraphErrors, NameARequiredOptionThatIsMissing) {
  EXPECT_EQ(first_line(problems_of(graph({.src = R"("options": {})"}))),
            "g.json:3:1: error: nodes[0].options.paths: the option \"paths\" of \"src\" (source) is required: a list "
            "of texts");
}

TEST(GraphErrors, NameAnInputThatIsNotConnected) {
  EXPECT_EQ(first_line(problems_of(graph({.fit_in = R"({"frame": "src"})"}))),
            "g.json:5:1: error: nodes[2].in: the input \"dots\" of \"fit\" (fit) is not connected: it wants "
            "test.dots/1; add \"in\": "
            "{\"dots\": \"NODE\"}");
}

TEST(GraphErrors, SuggestTheNodeThatWasMeant) {
  EXPECT_EQ(first_line(problems_of(graph({.det = R"("in": "scr")"}))),
            "g.json:4:39: error: nodes[1].in: there is no node \"scr\"; the graph has: det, fit, out, src; did you "
            "mean \"src\"?");
}

TEST(GraphErrors, SuggestTheInputThatWasMeant) {
  EXPECT_EQ(first_line(problems_of(graph({.fit_in = R"({"frame": "src", "dots": "det", "thruth": "src"})"}))),
            "g.json:5:68: error: nodes[2].in.thruth: \"fit\" (fit) has no input \"thruth\"; it has: dots, frame, "
            "truth; did you mean "
            "\"truth\"?");
}

TEST(GraphErrors, SuggestTheOutputThatWasMeant) {
  EXPECT_EQ(first_line(problems_of(graph({.det = R"("in": "src.frames")"}))),
            "g.json:4:39: error: nodes[1].in: \"src\" (source) has no output \"frames\"; it has: frame, truth; did you "
            "mean \"frame\"?");
}

TEST(GraphErrors, NameBothMessageTypesOfAWrongEdge) {
  EXPECT_EQ(
      first_line(problems_of(graph({.det = R"("in": "src.truth")"}))),
      "g.json:4:39: error: nodes[1].in: the input \"frame\" of \"det\" (detect) wants test.frame/1, but src.truth is "
      "test.stars/1");
  EXPECT_EQ(first_line(problems_of(graph({.fit_in = R"({"frame": "det", "dots": "det"})"}))),
            "g.json:5:46: error: nodes[2].in.frame: the input \"frame\" of \"fit\" (fit) wants test.frame/1, but "
            "\"det\" (detect) has "
            "no such output; it has: dots (test.dots/1)");
}

TEST(GraphErrors, AskWhichOfTwoOutputs) {
  EXPECT_EQ(first_line(problems_of(graph({.more = R"(,{"id": "two", "type": "sink", "in": "fit"})"}))),
            "g.json:6:86: error: nodes[4].in: \"fit\" (fit) has more than one output of test.stars/1: say which: "
            "fit.poor, fit.stars");
}

TEST(GraphErrors, AskWhichOfTwoInputs) {
  EXPECT_EQ(first_line(problems_of(graph({.fit_in = R"("src")"}))),
            "g.json:5:36: error: nodes[2].in: \"fit\" (fit) has more than one input: say which; it has: dots, frame, "
            "truth; write "
            "{\"frame\": \"src\"}");
}

TEST(GraphErrors, RefuseInputsOfASource) {
  EXPECT_NE(
      problems_of(graph({.src = R"("in": "det", "options": {"paths": "a"})"})).find("\"src\" (source) has no inputs"),
      std::string::npos);
}

TEST(GraphErrors, NameTheNodesOfACycle) {
  const std::string text =
      problems_of(graph({.fit_in = R"({"frame": "src", "dots": "det", "truth": "b.stars"})", .more = R"(,
{"id": "b", "type": "fit", "in": {"frame": "src", "dots": "det", "truth": "fit.stars"}},
{"id": "c", "type": "fit", "in": {"frame": "src", "dots": "det", "truth": "c.poor"}})"}));
  EXPECT_NE(text.find("g.json:5:1: error: nodes[2].in: the nodes form a cycle: fit -> b -> fit; frames flow one way\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("g.json:8:1: error: nodes[5].in: the nodes form a cycle: c -> c; frames flow one way\n"),
            std::string::npos)
      << text;
}

TEST(GraphErrors, NameTheOtherNodeOfADuplicateId) {
  EXPECT_EQ(first_line(problems_of(graph({.more = R"(,{"id": "det", "type": "detect", "in": "src"})"}))),
            "g.json:6:57: error: nodes[4].id: the id \"det\" is taken by the node in 4:1");
}

TEST(GraphErrors, RefuseAnIdThatAPathCouldNotSay) {
  EXPECT_NE(problems_of(graph({.more = R"(,{"id": "a.b", "type": "detect", "in": "src"})"}))
                .find("\"a.b\" is no name for a node"),
            std::string::npos);
}

TEST(GraphErrors, AskForOneSource) {
  EXPECT_EQ(first_line(problems_of(R"({"format": "starflow.graph/1", "nodes": [{"id": "a", "type": "fit"}]})")),
            "g.json:1:32: error: nodes: the graph has no source: one node must be of source");
  EXPECT_EQ(
      first_line(problems_of(graph({.more = R"(,{"id": "two", "type": "source", "options": {"paths": "a"}})"}))),
      "g.json:6:50: error: nodes[4]: \"two\" (source) is a second source: a graph has one, here \"src\" (source)");
}

TEST(GraphErrors, NameTheTypesThatAreKnown) {
  EXPECT_EQ(
      first_line(problems_of(graph({.more = R"(,{"id": "x", "type": "detekt"})"}))),
      "g.json:6:70: error: nodes[4].type: unknown node type \"detekt\"; known: detect, fit, sink, source; did you mean "
      "\"detect\"?");
}

TEST(GraphErrors, TellOfRefusedPluginsWhereATypeIsUnknown) {
  Registry registry = test::test_registry();
  registry.record({"libstarflow_trail.so", "trail", "1", "MIT", {}, {}, "built for plugin API 9.0", ""});
  try {
    (void)GraphSpec::parse(graph({.more = R"(,{"id": "x", "type": "trail.filter"})"}), "g.json", registry);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_NE(e.diagnostics()[0].text.find("the plugin libstarflow_trail.so was refused: built for plugin API 9.0"),
              std::string::npos);
    EXPECT_NE(e.diagnostics()[0].hint.find("STARFLOW_PLUGIN_PATH"), std::string::npos);
  }
}

TEST(GraphErrors, ReportEverythingAtOnceInTheOrderOfTheFile) {
  const std::string text = problems_of(graph({.top = R"("nam": "x", "run": {"threads": -1, "treads": 2},)",
                                              .det = R"("in": "nobody", "inn": 3)",
                                              .det_options = R"({"fwhm": true, "a": 1})",
                                              .fit_options = R"({"radius": 1})"}),
                                       {{"parameters.x", "1"},
                                        {"nodes.dett.options.fwhm", "3"},
                                        {"nodes.det.options.fwmh", "3"},
                                        {"run.thread", "1"},
                                        {"what", "1"},
                                        {"nodes.det.options.min_pixels", "no"}});
  const auto lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_EQ(lines, 8 * 3 + 6) << text;
  std::size_t last = 0;
  for (const char* place :
       {"g.json:1:31: error: nam: ", "g.json:1:62: error: run.threads: ", "g.json:1:66: error: run.treads: ",
        "g.json:4:39: error: nodes[1].in: ", "g.json:4:49: error: nodes[1].inn: ", "nodes[1].options.fwhm: ",
        "nodes[1].options.a: ", "nodes[2].options.radius: "}) {
    const std::size_t at = text.find(place);
    ASSERT_NE(at, std::string::npos) << place << "\n" << text;
    EXPECT_GE(at, last) << place << "\n" << text;
    last = at;
  }
}

TEST(GraphErrors, NameThePathOfASetThatIsWrong) {
  EXPECT_EQ(problems_of(graph({}), {{"nodes.dett.options.fwhm", "3"}}),
            "--set nodes.dett.options.fwhm: error: there is no node \"dett\"; the graph has: det, fit, out, src; did "
            "you mean "
            "\"det\"?\n");
  EXPECT_EQ(problems_of(graph({}), {{"nodes.fit.options.radius", "40"}}),
            "--set nodes.fit.options.radius: error: 40 is out of range: wants an integer in 2..15 px\n");
  EXPECT_EQ(problems_of(graph({}), {{"run.max_flight", "4"}}),
            "--set run.max_flight: error: unknown option \"max_flight\" of \"run\"; allowed: admission.max_age_ms, "
            "admission.queue, admission.when_full, checkpoint_s, "
            "errors.max_failed_fraction, max_bytes_in_flight, max_in_flight, threads, watchdog.stall_ms; "
            "did you mean \"max_in_flight\"?\n");
  EXPECT_EQ(problems_of(graph({}), {{"threads", "4"}}),
            "--set threads: error: a path is parameters.NAME, nodes.ID.options.NAME or run.NAME\n");
  EXPECT_EQ(problems_of(graph({}), {{"nodes.det.options.min_pixels", "3.9"}}),
            "--set nodes.det.options.min_pixels: error: wants an integer in 1..10000 px, got 3.9\n");
}

TEST(GraphErrors, CheckTheRunObject) {
  EXPECT_EQ(first_line(problems_of(graph({.top = R"("run": {"admission": {"when_full": "drop"}},)"}))),
            "g.json:1:66: error: run.admission.when_full: \"drop\" is not allowed: wants one of \"block\", "
            "\"drop_oldest\", \"drop_newest\", \"fail\"");
  EXPECT_EQ(first_line(problems_of(graph({.top = R"("run": {"errors": {"max_failed_fraction": 1.5}},)"}))),
            "g.json:1:73: error: run.errors.max_failed_fraction: 1.5 is out of range: wants a number in 0..1");
  EXPECT_EQ(first_line(problems_of(graph({.top = R"("run": {"threads": 1025},)"}))),
            "g.json:1:50: error: run.threads: 1025 is out of range: wants an integer in 0..1024");
  EXPECT_EQ(first_line(problems_of(graph({.top = R"("run": 4,)"}))),
            "g.json:1:38: error: run: wants an object of options, got 4");
}

TEST(GraphErrors, CheckTheParameters) {
  EXPECT_EQ(first_line(problems_of(graph({.top = R"("parameters": {"a": {"type": "text"}},)"}))),
            "g.json:1:60: error: parameters.a.type: \"text\" is no type; allowed: boolean, integer, number, string, "
            "strings, or a list "
            "of them");
  EXPECT_EQ(first_line(problems_of(graph({.top = R"("parameters": {"a": {"default": 1}},)"}))),
            "g.json:1:51: error: parameters.a: has no type; allowed: boolean, integer, number, string, strings");
  EXPECT_EQ(first_line(
                problems_of(graph({.top = R"("parameters": {"a": {"type": "number", "default": 0, "minimum": 1}},)"}))),
            "g.json:1:81: error: parameters.a.default: 0 is out of range: wants a number of at least 1");
  EXPECT_EQ(first_line(
                problems_of(graph({.top = R"("parameters": {"a": {"type": "number", "defualt": 0, "default": 0}},)"}))),
            "g.json:1:70: error: parameters.a.defualt: unknown key \"defualt\"; allowed: default, doc, enum, maximum, "
            "minimum, "
            "type, unit; did "
            "you mean \"default\"?");
  EXPECT_EQ(first_line(problems_of(graph({.top = R"("parameters": {"a": {"type": "number"}},)"}))),
            "g.json:1:46: error: parameters.a: has no default and is not given; give it by --set parameters.a=VALUE");
  EXPECT_EQ(
      problems_of(graph({.top = R"("parameters": {"a": {"type": "string", "default": "x", "enum": ["x", "y"]}},)"}),
                  {{"parameters.a", "z"}}),
      "--set parameters.a: error: \"z\" is not allowed: wants one of \"x\", \"y\"\n");
  EXPECT_EQ(problems_of(graph({}), {{"parameters.input", "z"}}),
            "--set parameters.input: error: the graph has no parameter \"input\"; it has: none\n");
}

TEST(GraphErrors, PointAtAnUnknownParameter) {
  EXPECT_EQ(first_line(problems_of(graph({.top = R"("parameters": {"input": {"type": "strings", "default": "a"}},)",
                                          .src = R"("options": {"paths": ["x", "${inptu}/y"]})"}))),
            "g.json:3:60: error: nodes[0].options.paths[1]: unknown parameter \"inptu\"; the graph has: input; did you "
            "mean \"input\"?");
  EXPECT_NE(problems_of(graph({.src = R"("options": {"paths": "${input"})"})).find("\"${\" has no closing brace"),
            std::string::npos);
}

TEST(GraphErrors, SayWhichParameterAWrongValueCameFrom) {
  EXPECT_EQ(first_line(problems_of(graph({.top = R"("parameters": {"r": {"type": "integer", "default": 3}},)",
                                          .fit_options = R"({"radius": "${r}"})"}),
                                   {{"parameters.r", "40"}})),
            "g.json:5:91: error: nodes[2].options.radius: 40 is out of range: wants an integer in 2..15 px (parameter "
            "\"r\", --set)");
}

TEST(GraphErrors, RefuseAListInsideAText) {
  EXPECT_NE(problems_of(graph({.top = R"("parameters": {"l": {"type": "strings", "default": ["a", "b"]}},)",
                               .src = R"("options": {"paths": "x/${l}"})"}))
                .find("the parameter \"l\" is a list: it can't stand inside a text"),
            std::string::npos);
}

TEST(GraphErrors, ListThePresetsThatThereAre) {
  const test::TempDir dir;
  (void)dir.write("methods/moffat.json", "{}");
  (void)dir.write("methods/gaussian.json", "{}");
  const std::string file = dir.write("graphs/g.json", R"({"format": "starflow.graph/1", "nodes": [
{"id": "src", "type": "source", "options": {"paths": "a"}},
{"id": "det", "type": "detect", "in": "src", "preset": "../methods/mofat.json"}]})");
  const Registry registry = test::test_registry();
  try {
    (void)GraphSpec::load(file, registry);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_EQ(first_line(e.what()),
              file + ":3:56: error: nodes[1].preset: there is no preset \"" + (dir / "methods/mofat.json") +
                  "\"; its folder has: gaussian.json, moffat.json; did you mean \"moffat.json\"?");
  }
}

TEST(GraphErrors, SayWhoUsesAWrongPreset) {
  const test::TempDir dir;
  const std::string preset = dir.write("p.json", "{\n \"radius\": 3,\n \"radios\": 4\n}");
  const std::string file = dir.write("g.json", graph({.more = R"(,
{"id": "b", "type": "fit", "in": {"frame": "src", "dots": "det"}, "preset": "p.json"})"}));
  const Registry registry = test::test_registry();
  try {
    (void)GraphSpec::load(file, registry);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_EQ(std::string(e.what()),
              preset + ":3:2: error: radios: unknown option \"radios\" of \"b\" (fit) (preset of \"b\" (fit), " + file +
                  ":7:77); allowed: $schema, doc, keep, method, radius, weights, window; did you mean \"radius\"?\n"
                  "    3 |  \"radios\": 4\n"
                  "      |  ^\n");
  }
}

TEST(GraphErrors, PointIntoAPresetThatIsNoJson) {
  const test::TempDir dir;
  const std::string preset = dir.write("p.json", "{\n \"radius\": \n}");
  const std::string file = dir.write("g.json", graph({.det = R"("in": "src", "preset": "p.json")"}));
  const Registry registry = test::test_registry();
  try {
    (void)GraphSpec::load(file, registry);
    FAIL();
  } catch (const ConfigError& e) {
    ASSERT_EQ(e.diagnostics().size(), 1U);
    EXPECT_EQ(e.diagnostics()[0].file, preset);
    EXPECT_EQ(e.diagnostics()[0].line, 3);
  }
}

TEST(GraphErrors, NameTheFormatThatIsRead) {
  EXPECT_EQ(
      first_line(problems_of(
          R"({"format": "starflow.graph/2", "nodes": [{"id": "s", "type": "source", "options": {"paths": "a"}}]})")),
      "g.json:1:12: error: format: \"starflow.graph/2\" is not known; this version reads \"starflow.graph/1\"");
  EXPECT_EQ(first_line(problems_of(R"({"nodes": [{"id": "s", "type": "source", "options": {"paths": "a"}}]})")),
            "g.json:1:1: error: has no \"format\"; add \"format\": \"starflow.graph/1\"");
}

TEST(GraphErrors, RefuseARootThatIsNoObject) {
  EXPECT_EQ(first_line(problems_of("[1]")), "g.json:1:1: error: a graph is a JSON object, got a list");
}

TEST(GraphErrors, RefuseAGraphWithoutNodes) {
  EXPECT_EQ(first_line(problems_of(R"({"format": "starflow.graph/1"})")),
            "g.json:1:1: error: a graph has a list of \"nodes\"");
  EXPECT_EQ(first_line(problems_of(R"({"format": "starflow.graph/1", "nodes": []})")),
            "g.json:1:41: error: nodes: a graph has a list of \"nodes\"");
  EXPECT_EQ(first_line(problems_of(R"({"format": "starflow.graph/1", "nodes": [3]})")),
            "g.json:1:42: error: nodes[0]: a node is an object with \"id\" and \"type\", got 3");
}

TEST(GraphErrors, CountColumnsBehindAByteOrderMarkAndWindowsLineEnds) {
  std::string text = graph({.det_options = R"({"fwmh": 3})"});
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 2)) text.insert(at, "\r");
  EXPECT_EQ(problems_of("\xEF\xBB\xBF" + text), problems_of(graph({.det_options = R"({"fwmh": 3})"})));
}

TEST(GraphErrors, ReportAMissingGraph) {
  const Registry registry = test::test_registry();
  try {
    (void)GraphSpec::load("/nonexistent/g.json", registry);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_EQ(std::string(e.what()), "/nonexistent/g.json: error: can't be read: No such file or directory\n");
  }
}

}  // namespace
}  // namespace starflow::graph
