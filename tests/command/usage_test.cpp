// SPDX-License-Identifier: MIT
/// \file
/// What the program offers: help, inspect, validate, measure, and names of files of every kind.

#include "night.hpp"

#include <fstream>
#include <iterator>
#include <string>

namespace starflow::test {
namespace {

class Usage : public Night {};

TEST_F(Usage, HelpAndVersionGoToStandardOutput) {
  const ProgramResult help = starflow({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.err, "");
  for (const char* command : {"run", "measure", "validate", "inspect"})
    EXPECT_NE(help.out.find(command), std::string::npos) << command;
  const ProgramResult of_run = starflow({"run", "--help"});
  EXPECT_EQ(of_run.code, 0);
  for (const char* option :
       {"--input", "--output", "--set", "--threads", "--simd", "--force", "--stage-times", "--plugin-dir"})
    EXPECT_NE(of_run.out.find(option), std::string::npos) << option;
  const ProgramResult version = starflow({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(std::regex_match(version.out, std::regex("[0-9]+\\.[0-9]+\\.[0-9]+\n"))) << version.out;
}

TEST_F(Usage, InspectListsTypesMethodsAndPlugins) {
  const ProgramResult types = starflow({"inspect"});
  EXPECT_EQ(types.code, 0);
  for (const char* type : {"source.files", "source.sky", "source.push", "mask", "detect", "detections.file",
                           "detections.grid", "centroid", "filter", "records", "sink.jsonl", "sink.score"})
    EXPECT_NE(types.out.find(std::string(type) + " "), std::string::npos) << type;
  EXPECT_EQ(starflow({"inspect", "types"}).out, types.out);
  const ProgramResult methods = starflow({"inspect", "methods"});
  EXPECT_EQ(methods.code, 0);
  for (const char* method : {"gaussian ", "windowed ", "windowed_halflight "})
    EXPECT_NE(methods.out.find(method), std::string::npos) << methods.out;
  const ProgramResult plugins = starflow({"inspect", "plugins"});
  EXPECT_EQ(plugins.code, 0);
  EXPECT_NE(plugins.out.find("libstarflow_centroid.so: "), std::string::npos) << plugins.out;
  EXPECT_EQ(plugins.out.find("refused"), std::string::npos) << plugins.out;
}

TEST_F(Usage, InspectShowsPortsAndOptionsOfAType) {
  const ProgramResult type = starflow({"inspect", "type", "detect"});
  EXPECT_EQ(type.code, 0);
  for (const char* part : {"inputs:\n  frame", "outputs:\n  detections", "options:\n", "threshold_sigma", "default "})
    EXPECT_NE(type.out.find(part), std::string::npos) << part << '\n' << type.out;
}

TEST_F(Usage, SchemaPrintsTheSchemaThatIsCommitted) {
  std::ifstream file(STARFLOW_SOURCE_DIR "/configs/schema/graph.schema.json");
  const std::string committed{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(starflow({"schema"}).out, committed) << "starflow schema > configs/schema/graph.schema.json renews it";
}

TEST_F(Usage, InspectRefusesNamesThatItDoesNotKnow) {
  const ProgramResult type = starflow({"inspect", "type", "detct"});
  EXPECT_EQ(type.code, 2);
  EXPECT_NE(type.err.find("no node type \"detct\"; did you mean \"detect\"?"), std::string::npos) << type.err;
  EXPECT_EQ(starflow({"inspect", "type"}).code, 2);
  EXPECT_EQ(starflow({"inspect", "types", "detect"}).code, 2);
  EXPECT_EQ(starflow({"inspect", "everything"}).code, 2);
}

TEST_F(Usage, ValidateChecksWithoutRunning) {
  const ProgramResult got = starflow({"validate", graph("batch"), "--input", "not there yet", "--output", "x.jsonl"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_TRUE(std::regex_search(got.out, std::regex("batch\\.json: ok, 5 nodes, configuration [0-9a-f]{16}\n")))
      << got.out;
  EXPECT_FALSE(exists("x.jsonl"));
  EXPECT_EQ(starflow({"validate", graph("batch")}).code, 2);
}

TEST_F(Usage, MeasureIsTheBatchGraph) {
  const ProgramResult got = starflow({"measure", "f0.fits", "f1.fits", "f2.fits"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(got.out, batch({"f*.fits"}).out);
  EXPECT_EQ(starflow({"measure", ".", "-q", "-o", "m.jsonl"}).err, "");
  EXPECT_EQ(of_type(records_of(file_text(dir_ / "m.jsonl")), "frame").size(), 3U);
}

TEST_F(Usage, MeasureTakesMethodAndFwhm) {
  const ProgramResult got = starflow({"measure", "f0.fits", "--method", "windowed", "--fwhm", "3.5"});
  EXPECT_EQ(got.code, 0) << got.err;
  const auto records = records_of(got.out);
  EXPECT_EQ(records[0]["fwhm_used"], 3.5);
  const auto stars = of_type(records, "star");
  ASSERT_EQ(stars.size(), 5U);
  EXPECT_EQ(stars[0]["method"], "windowed");
  const ProgramResult method = starflow({"measure", "f0.fits", "--method", "gausian"});
  EXPECT_EQ(method.code, 2);
  EXPECT_NE(method.err.find("(parameter \"method\", --method)"), std::string::npos) << method.err;
  EXPECT_NE(method.err.find("did you mean \"gaussian.json\"?"), std::string::npos) << method.err;
  const ProgramResult fwhm = starflow({"measure", "f0.fits", "--fwhm", "wide"});
  EXPECT_EQ(fwhm.code, 2);
  EXPECT_NE(fwhm.err.find("wants a number in 0.5..50 px or \"auto\" (parameter \"fwhm\", --fwhm)"), std::string::npos)
      << fwhm.err;
}

TEST_F(Usage, SimdHoldsTheRunToOneInstructionSet) {
  const std::string names = starflow({"inspect", "simd"}).out;
  EXPECT_TRUE(std::regex_match(names, std::regex("[a-z0-9_]+ +in use\n([a-z0-9_]+\n)*"))) << names;
  EXPECT_TRUE(names.starts_with("scalar") || names.ends_with("\nscalar\n")) << names;
  const auto x_of = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"measure", "f0.fits"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult got = starflow(words);
    EXPECT_EQ(got.code, 0) << got.err;
    std::vector<double> x;
    for (const auto& star : of_type(records_of(got.out), "star")) x.push_back(star["x"]);
    return x;
  };
  const std::string best = names.substr(0, names.find(' '));
  const std::vector<double> any = x_of({}), held = x_of({"--simd", best}), scalar = x_of({"--simd", "scalar"});
  EXPECT_EQ(held, any);
  ASSERT_EQ(scalar.size(), 5U);
  ASSERT_EQ(any.size(), 5U);
  for (std::size_t i = 0; i < any.size(); ++i) EXPECT_NEAR(scalar[i], any[i], 1e-5) << i;
  EXPECT_TRUE(best == "scalar" || scalar != any) << "the plugin did not obey";
}

TEST_F(Usage, SimdRefusesNamesThatThisCpuDoesNotRun) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"measure", "f0.fits", "--simd", "avx9"}, {"run", graph("batch"), "--simd", "avx9"}}) {
    const ProgramResult got = starflow(words);
    EXPECT_EQ(got.code, 2);
    EXPECT_EQ(got.out, "");
    EXPECT_TRUE(std::regex_search(
        got.err, std::regex("--simd: \"avx9\" is none of this CPU's instruction sets, ([a-z0-9_]+, )*scalar\n")))
        << got.err;
  }
}

TEST_F(Usage, EveryNameOfAFileIsAName) {
  const std::vector<std::string> names{
      "with space.fits",     "1e3.fits", "true", "null", "17", "[1].fits", "\"q\".fits", "${x}", "k\xC3\xA4se.fits",
      "bad\xFF\xFEname.fits"};
  for (const std::string& name : names) dir_.write(name, star_frame(1));
  for (const std::string& name : names) {
    const ProgramResult alone = batch({name});
    EXPECT_EQ(alone.code, 0) << name << alone.err;
    EXPECT_EQ(of_type(records_of(alone.out), "star").size(), 5U) << name;
  }
  const ProgramResult all = batch(names);
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_EQ(of_type(records_of(all.out), "frame").size(), names.size());
  std::vector<std::string> words{"measure"};
  words.insert(words.end(), names.begin(), names.end());
  EXPECT_EQ(starflow(words).out, all.out);
}

TEST_F(Usage, EveryNameOfAnOutputIsAName) {
  for (const std::string name : {"with space.jsonl", "true", "17", "{}", "bad\xFF\xFEname.jsonl"}) {
    const ProgramResult got = starflow({"run", graph("batch"), "--input", "f0.fits", "--output", name});
    EXPECT_EQ(got.code, 0) << got.err;
    EXPECT_TRUE(exists(name)) << name;
  }
}

TEST_F(Usage, NamesCanNotWriteToTheTerminalWhatItObeys) {
  dir_.write("evil\x1B[2J.fits", "");
  const ProgramResult got = batch({"evil*.fits"});
  EXPECT_EQ(got.code, 1);
  EXPECT_EQ(got.err.find('\x1B'), std::string::npos);
  EXPECT_NE(got.err.find("failed: evil?[2J.fits"), std::string::npos) << got.err;
}

TEST_F(Usage, FailuresBeyondTheFirstTenAreCounted) {
  for (int i = 10; i < 25; ++i) dir_.write("e" + std::to_string(i) + ".fits", "");
  const ProgramResult got = batch({"e*.fits", "f0.fits"});
  EXPECT_EQ(got.code, 1);
  EXPECT_NE(got.err.find("failed: e19.fits"), std::string::npos) << got.err;
  EXPECT_EQ(got.err.find("failed: e20.fits"), std::string::npos) << got.err;
  EXPECT_NE(got.err.find("... and 5 more failed, in the frame records"), std::string::npos) << got.err;
  EXPECT_NE(got.err.find("16 frames: 1 ok, 15 failed; 5 stars; "), std::string::npos) << got.err;
}

TEST_F(Usage, TooManyFailuresAbort) {
  for (int i = 10; i < 40; ++i) dir_.write("e" + std::to_string(i) + ".fits", "");
  const ProgramResult got = batch({"e*.fits"}, {"--set", "run.errors.max_failed_fraction=0.5"});
  EXPECT_EQ(got.code, 3);
  EXPECT_NE(got.err.find("run.max_failed_fraction"), std::string::npos) << got.err;
}

}  // namespace
}  // namespace starflow::test
