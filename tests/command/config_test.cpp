// SPDX-License-Identifier: MIT
/// \file
/// Graphs and command lines that can't run: each problem with its place, exit code 2 or 4, nothing written.

#include "night.hpp"

namespace starflow::test {
namespace {

class Config : public Night {
 protected:
  /// A graph of a small sky whose nodes are \p nodes, after the source `sky`.
  void write_graph(const std::string& nodes, const std::string& front = "") {
    dir_.write("g.json", "{\"format\": \"starflow.graph/1\",\n" + front +
                             "\"nodes\": [\n{\"id\": \"sky\", \"type\": \"source.sky\"},\n" + nodes + "]}\n");
  }
  static constexpr const char* kDetect = R"({"id": "det", "type": "detect", "in": {"frame": "sky.frame"}},)";
  static constexpr const char* kStars =
      R"({"id": "stars", "type": "centroid", "in": {"frame": "sky.frame", "detections": "det"}},)";
  static constexpr const char* kSink =
      R"({"id": "out", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "out.jsonl"}})";

  void expect_refused(const std::vector<std::string>& texts, int code = 2, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"run", "g.json"});
    const ProgramResult got = starflow(more);
    EXPECT_EQ(got.code, code);
    for (const std::string& text : texts) EXPECT_NE(got.err.find(text), std::string::npos) << text << '\n' << got.err;
    EXPECT_EQ(got.out, "");
    EXPECT_FALSE(exists("out.jsonl"));
    EXPECT_FALSE(exists("out.jsonl.part"));
    more[0] = "validate";
    EXPECT_EQ(starflow(more).code, code);
  }
};

TEST_F(Config, ATypoInAnOptionHasItsPlaceAndAProposal) {
  write_graph(
      std::string(
          R"({"id": "det", "type": "detect", "in": {"frame": "sky.frame"}, "options": {"treshold_sigma": 5}},)") +
      '\n' + kStars + '\n' + kSink);
  expect_refused({"g.json:4:75: error: nodes[1].options.treshold_sigma: unknown option",
                  "did you mean \"threshold_sigma\"?", "1 problem; nothing was run"});
}

TEST_F(Config, OptionsThatContradictEachOtherHaveTheirPlace) {
  write_graph(std::string(kDetect) + '\n' +
              R"({"id": "stars", "type": "centroid", "in": {"frame": "sky.frame", "detections": "det"},
"options": {"method": "gaussian", "shape": "circular", "fixed": {"theta": 20}}},)" +
              '\n' + kSink);
  expect_refused(
      {"g.json:6:75: error: nodes[2].options.fixed.theta: node 'stars': the angle belongs to a turned ellipse",
       "allowed with \"shape\": \"rotated\""});
}

TEST_F(Config, ATypoInASetArgumentIsNamed) {
  write_graph(std::string(kDetect) + kStars + kSink);
  expect_refused({"--set nodes.det.options.fwmh: error: unknown option \"fwmh\"", "did you mean \"fwhm\"?",
                  "--set nodes.dte.options.fwhm: error: there is no node \"dte\"", "did you mean \"det\"?",
                  "--set run.thread: error: unknown option \"thread\"", "did you mean \"threads\"?",
                  "--set parameters.x: error: the graph has no parameter", "4 problems"},
                 2,
                 {"--set", "nodes.det.options.fwmh=3", "--set", "nodes.dte.options.fwhm=3", "--set", "run.thread=1",
                  "--set", "parameters.x=1"});
  expect_refused({"--set fwhm: error: not of the form PATH=VALUE"}, 2, {"--set", "fwhm"});
  expect_refused({"--set node.det: error: a path is parameters.NAME, nodes.ID.options.NAME or run.NAME", "--set"}, 2,
                 {"--set", "node.det=1"});
}

TEST_F(Config, DuplicateKeysAreRefused) {
  write_graph(std::string(R"({"id": "det", "type": "detect", "in": {"frame": "sky.frame"}, "id": "dot"},)") + kStars +
              kSink);
  expect_refused({"g.json:4:63: error: nodes[1].id: the key \"id\" is there already"});
}

TEST_F(Config, AWrongTypeOnAnEdgeIsRefused) {
  write_graph(std::string(kDetect) + '\n' +
              R"({"id": "stars", "type": "centroid", "in": {"frame": "sky.frame", "detections": "sky.truth"}},)" +
              '\n' + kSink);
  expect_refused({"g.json:5:", "starflow.detections/1", "starflow.truth/1"});
}

TEST_F(Config, ACycleIsRefused) {
  write_graph(R"({"id": "a", "type": "loop.pass", "in": {"frame": "b"}},
                 {"id": "b", "type": "loop.pass", "in": {"frame": "a"}})");
  expect_refused({"g.json:4:1: error: nodes[1].in: the nodes form a cycle: a -> b -> a; frames flow one way"}, 2,
                 {"--plugin-dir", STARFLOW_LOOP_PLUGIN});
}

TEST_F(Config, EveryProblemIsToldAtOnce) {
  write_graph(std::string(R"({"id": "det", "type": "detct", "in": {"frame": "sky.frame"}},)") + '\n' +
                  R"({"id": "stars", "type": "centroid", "in": {"frame": "sky.fram", "detections": "det"}},)" + kSink,
              "\"run\": {\"threads\": -1},\n");
  expect_refused({"run.threads", "unknown node type \"detct\"", "did you mean \"detect\"?", "sky.fram", "3 problems"});
}

TEST_F(Config, AGraphThatIsNotThereIsNamed) {
  const ProgramResult got = starflow({"run", "nograph.json"});
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("nograph.json: error: can't be read: No such file or directory"), std::string::npos)
      << got.err;
}

TEST_F(Config, InputsThatAreNotThereAreNamedWithTheOptionThatGaveThem) {
  for (const auto& [input, text] : {std::pair{"zz*.fits", "zz*.fits matches no file"},
                                    {"nofolder/", "nofolder/: no such file or folder"},
                                    {"nofolder/*.fits", "nofolder/*.fits matches no file"}}) {
    const ProgramResult got = batch({"f0.fits", input});
    EXPECT_EQ(got.code, 2);
    EXPECT_NE(got.err.find(text), std::string::npos) << got.err;
    EXPECT_NE(got.err.find("(parameter \"input\", --input)"), std::string::npos) << got.err;
    EXPECT_EQ(got.out, "");
  }
}

TEST_F(Config, WrongWordsOfTheCommandLineAreNamed) {
  const auto expect = [&](const std::vector<std::string>& words, const std::string& text) {
    const ProgramResult got = starflow(words);
    EXPECT_EQ(got.code, 2);
    EXPECT_NE(got.err.find(text), std::string::npos) << got.err;
    EXPECT_EQ(got.out, "");
  };
  expect({"mesure", "f0.fits"}, "error: unknown command \"mesure\"; did you mean \"measure\"?\n`starflow --help`");
  expect({"run", graph("batch"), "--ouput", "x"}, "error: unknown option \"--ouput\"; did you mean \"--output\"?");
  expect({"run", graph("batch"), "--ouput=x"}, "error: unknown option \"--ouput\"; did you mean \"--output\"?");
  expect({"validate", "a.json", "b.json"}, "error: unexpected argument \"b.json\"");
  expect({"run", graph("batch"), "--threads", "-2"}, "--threads");
  expect({"run"}, "graph is required");
  expect({"measure"}, "image is required");
  expect({}, "starflow --help");
}

class Plugins : public Config {
 protected:
  void SetUp() override {
    Config::SetUp();
    std::filesystem::create_directory(dir_ / "plugins");
    for (const std::string name : {"libstarflow_good.so", "libstarflow_major.so"}) {
      std::filesystem::copy_file(std::string(STARFLOW_TEST_PLUGINS) + "/" + name, dir_ / ("plugins/" + name));
    }
  }
  const std::vector<std::string> more_ = {"--plugin-dir", "plugins"};
};

TEST_F(Plugins, AMissingOneIsExitCodeFour) {
  write_graph(R"({"id": "t", "type": "trail.filter"})");
  expect_refused({"g.json:4:21: error: nodes[1].type: unknown node type \"trail.filter\"", "is a plugin missing?",
                  "--plugin-dir and STARFLOW_PLUGIN_PATH"},
                 4);
}

TEST_F(Plugins, OneOfAnotherVersionIsExitCodeFourWhereTheGraphNeedsIt) {
  write_graph(R"({"id": "t", "type": "major.idle"})");
  expect_refused({"unknown node type \"major.idle\"", "plugins/libstarflow_major.so", "API", "9", "rebuild"}, 4, more_);
}

TEST_F(Plugins, OneOfAnotherVersionDoesNotKeepTheOthersFromLoading) {
  write_graph(R"({"id": "t", "type": "good.idle"})");
  const ProgramResult got = starflow({"run", "g.json", "--plugin-dir", "plugins"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_NE(got.err.find("warning: the plugin plugins/libstarflow_major.so was refused"), std::string::npos) << got.err;
  const ProgramResult list = starflow({"inspect", "plugins", "--plugin-dir", "plugins"});
  EXPECT_EQ(list.code, 0);
  EXPECT_NE(list.out.find("loaded   plugins/libstarflow_good.so: good 1.0.0, MIT, types good.idle"), std::string::npos)
      << list.out;
  EXPECT_NE(list.out.find("refused  plugins/libstarflow_major.so: "), std::string::npos) << list.out;
}

TEST_F(Plugins, ARefusedOneDoesNotMakeAMistypedOptionAPluginProblem) {
  write_graph(R"({"id": "t", "type": "detect", "in": {"frame": "sky.frame"}, "options": {"fwmh": 3}})");
  expect_refused({"unknown option \"fwmh\""}, 2, more_);
}

TEST_F(Plugins, AFolderThatIsNotThereIsExitCodeFour) {
  write_graph(std::string(kDetect) + kStars + kSink);
  expect_refused({"--plugin-dir noplugins: error: no such folder"}, 4, {"--plugin-dir", "noplugins"});
}

TEST_F(Plugins, AreFoundThroughTheEnvironment) {
  write_graph(R"({"id": "t", "type": "good.idle"})");
  ProgramSetup setup;
  setup.environment = {{"STARFLOW_PLUGIN_PATH", dir_ / "plugins"}};
  EXPECT_EQ(starflow({"validate", "g.json"}, setup).code, 0);
}

}  // namespace
}  // namespace starflow::test
