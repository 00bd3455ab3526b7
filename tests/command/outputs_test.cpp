// SPDX-License-Identifier: MIT
/// \file
/// Where records go, and what happens where they can't.

#include "night.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <future>
#include <map>
#include <set>

namespace starflow::test {
namespace {

class Outputs : public Night {
 protected:
  ProgramResult to(const std::string& output, const std::vector<std::string>& more = {}, ProgramSetup setup = {}) {
    std::vector<std::string> words{"run", graph("batch"), "--input", "f*.fits", "--output", output};
    words.insert(words.end(), more.begin(), more.end());
    return starflow(std::move(words), std::move(setup));
  }
  void expect_refused(const ProgramResult& got, const std::string& text) {
    EXPECT_EQ(got.code, 2);
    EXPECT_NE(got.err.find(text), std::string::npos) << got.err;
    EXPECT_NE(got.err.find(place_in_batch("${output}")), std::string::npos) << got.err;
    EXPECT_NE(got.err.find("nothing was run"), std::string::npos) << got.err;
  }
};

TEST_F(Outputs, AppearUnderTheirNameWhenComplete) {
  const ProgramResult got = to("stars.jsonl");
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(file_text(dir_ / "stars.jsonl"), batch({"f*.fits"}).out);
  EXPECT_FALSE(exists("stars.jsonl.part"));
  EXPECT_NE(got.err.find("3 frames: 3 ok; 15 stars; "), std::string::npos) << got.err;
  EXPECT_EQ(got.err.find('\r'), std::string::npos) << "plain lines when this is no terminal";
}

TEST_F(Outputs, InAFolderThatIsNotThereAreRefused) {
  expect_refused(to("no/stars.jsonl"),
                 "/no for 'no/stars.jsonl' does not exist; create it first (parameter \"output\", --output)");
  EXPECT_FALSE(exists("no"));
}

TEST_F(Outputs, ThatAreFoldersAreRefused) {
  expect_refused(to(dir_.path().string()), "is a folder; name a file in it");
}

TEST_F(Outputs, ThatExistAreKeptWithoutForceAndReplacedWithIt) {
  dir_.write("stars.jsonl", "precious\n");
  expect_refused(to("stars.jsonl"), "'stars.jsonl' exists; choose another name or allow it to be replaced (--force)");
  EXPECT_EQ(file_text(dir_ / "stars.jsonl"), "precious\n");
  EXPECT_EQ(to("stars.jsonl", {"--force"}).code, 0);
  EXPECT_EQ(file_text(dir_ / "stars.jsonl"), batch({"f*.fits"}).out);
}

TEST_F(Outputs, ThatAreInputsAreRefusedHoweverTheyAreSpelled) {
  const std::string bytes = file_text(dir_ / "f1.fits");
  std::filesystem::create_symlink("f1.fits", dir_ / "link.jsonl");
  std::filesystem::create_hard_link(dir_ / "f1.fits", dir_ / "hard.jsonl");
  std::filesystem::create_directory(dir_ / "sub");
  const std::string absolute = dir_ / "f1.fits";
  for (const std::string& name : {std::string("f1.fits"), std::string("./sub/../f1.fits"), absolute,
                                  std::string("link.jsonl"), std::string("hard.jsonl")}) {
    expect_refused(to(name, {"--force"}), "it would be overwritten");
    EXPECT_EQ(file_text(dir_ / "f1.fits"), bytes) << name;
  }
}

TEST_F(Outputs, WhoseUnfinishedNameIsAnInputAreRefused) {
  const std::string bytes = file_text(dir_ / "f1.fits");
  std::filesystem::rename(dir_ / "f1.fits", dir_ / "s.jsonl.part");
  const ProgramResult got = starflow({"run", graph("batch"), "--input", "s.jsonl.part", "--output", "s.jsonl"});
  expect_refused(got, "'s.jsonl' has another name until it is complete: 's.jsonl.part' is an input of node");
  EXPECT_EQ(file_text(dir_ / "s.jsonl.part"), bytes);
}

TEST_F(Outputs, ThatAreFilesOfTheGraphAreRefusedEvenByForce) {
  dir_.write("g.json", R"({"format": "starflow.graph/1", "parameters": {"output": {"type": "string"}}, "nodes": [
    {"id": "sky", "type": "source.sky", "options": {"frames": 1, "width": 64, "height": 64, "stars": 3}},
    {"id": "det", "type": "detections.file", "in": {"frame": "sky.frame"}, "options": {"path": "p.csv"}},
    {"id": "stars", "type": "centroid", "preset": "preset.json", "in": {"frame": "sky.frame", "detections": "det"}},
    {"id": "out", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "${output}"}}]})");
  dir_.write("preset.json", R"({"doc": "as it comes"})");
  dir_.write("p.csv", "id,x,y\n1,20,20\n");
  std::filesystem::create_symlink("preset.json", dir_ / "link.json");
  for (const char* name : {"g.json", "preset.json", "link.json", "p.csv"}) {
    const std::string bytes = file_text(dir_ / name);
    const ProgramResult got = starflow({"run", "g.json", "--output", name, "--force"});
    EXPECT_EQ(got.code, 2) << name;
    const std::string is = name == std::string("p.csv") ? "' is an input of node 'det'" : "' is a file of the graph";
    EXPECT_NE(got.err.find("'" + std::string(name) + is), std::string::npos) << got.err;
    EXPECT_NE(got.err.find("; it would be overwritten"), std::string::npos) << got.err;
    EXPECT_EQ(file_text(dir_ / name), bytes);
  }
  const ProgramResult got = starflow({"run", "g.json", "--output", "a.jsonl"});
  EXPECT_EQ(got.code, 0) << got.err;
}

TEST_F(Outputs, OfASecondRunAreRefusedWhileTheFirstOneWrites) {
  const std::string part = dir_ / "s.jsonl.part";
  const int held = open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(held, LOCK_EX), 0);
  expect_refused(to("s.jsonl", {"--force"}), "another run is writing s.jsonl.part");
  EXPECT_TRUE(exists("s.jsonl.part"));
  close(held);
  EXPECT_EQ(to("s.jsonl").code, 0);
}

TEST_F(Outputs, OfRunsAtTheSameTimeAreWhole) {
  const std::string whole = starflow({"run", graph("quicklook"), "--output", "-"}).out;
  const auto one = [&] { return starflow({"run", graph("quicklook"), "--output", "s.jsonl"}); };
  std::vector<std::future<ProgramResult>> runs;
  for (int i = 0; i < 3; ++i) runs.push_back(std::async(std::launch::async, one));
  int won = 0;
  for (auto& run : runs) {
    const ProgramResult got = run.get();
    won += static_cast<int>(got.code == 0);
    EXPECT_TRUE(got.code == 0 || got.code == 2 || got.code == 3) << got.err;
  }
  EXPECT_EQ(won, 1) << "a run that began later finds the file, or the name taken";
  EXPECT_EQ(file_text(dir_ / "s.jsonl"), whole);
}

TEST_F(Outputs, ThatAppearDuringTheRunAreKept) {
  // The signal is none: its condition makes the file once the run is under way.
  ProgramSetup setup;
  setup.signals = {{0, [this] {
                      if (!exists("s.jsonl.part")) return false;
                      dir_.write("s.jsonl", "precious\n");
                      return true;
                    }}};
  const ProgramResult got = starflow({"run", graph("quicklook"), "--output", "s.jsonl"}, setup);
  EXPECT_EQ(got.code, 3);
  EXPECT_NE(got.err.find("s.jsonl was made by somebody else during the run"), std::string::npos) << got.err;
  EXPECT_NE(got.err.find("this run's records are in s.jsonl.part"), std::string::npos) << got.err;
  EXPECT_EQ(file_text(dir_ / "s.jsonl"), "precious\n");
  ASSERT_TRUE(exists("s.jsonl.part"));
  EXPECT_EQ(records_of(file_text(dir_ / "s.jsonl.part")).back().at("complete"), true);
}

TEST_F(Outputs, OfTwoSinksToStandardOutputAreRefused) {
  dir_.write("two.json", R"({"format": "starflow.graph/1", "nodes": [
    {"id": "sky", "type": "source.sky", "options": {"frames": 1, "width": 64, "height": 64, "stars": 3}},
    {"id": "det", "type": "detect", "in": {"frame": "sky.frame"}},
    {"id": "stars", "type": "centroid", "in": {"frame": "sky.frame", "detections": "det"}},
    {"id": "one", "type": "sink.jsonl", "in": {"stars": "stars"}},
    {"id": "two", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "-"}}]})");
  const ProgramResult got = starflow({"run", "two.json"});
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("'-' is also written by node 'one'"), std::string::npos) << got.err;
  EXPECT_EQ(got.out, "");
}

TEST_F(Outputs, OfTwoSinksOnOnePathAreRefused) {
  dir_.write("two.json", R"({"format": "starflow.graph/1", "nodes": [
    {"id": "sky", "type": "source.sky", "options": {"frames": 1, "width": 64, "height": 64, "stars": 3}},
    {"id": "det", "type": "detect", "in": {"frame": "sky.frame"}},
    {"id": "stars", "type": "centroid", "in": {"frame": "sky.frame", "detections": "det"}},
    {"id": "one", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "a.jsonl"}},
    {"id": "two", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "./a.jsonl"}}]})");
  const ProgramResult got = starflow({"run", "two.json"});
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("two.json:6:"), std::string::npos) << got.err;
  EXPECT_NE(got.err.find("'./a.jsonl' is also written by node 'one' as 'a.jsonl'"), std::string::npos) << got.err;
  EXPECT_FALSE(exists("a.jsonl"));
  EXPECT_FALSE(exists("a.jsonl.part"));
}

TEST_F(Outputs, OnAFullDeviceEndTheRun) {
  const ProgramResult got = to("/dev/full");
  EXPECT_EQ(got.code, 3);
  EXPECT_NE(got.err.find("can't write /dev/full: No space left on device"), std::string::npos) << got.err;
}

/// A run of many records on a disk that holds less, over an old output.
void fill(const ProgramResult& got, const std::string& output, const std::string& reason) {
  EXPECT_EQ(got.code, 3) << got.err;
  EXPECT_NE(got.err.find("can't write " + output + ".part: " + reason), std::string::npos) << got.err;
  EXPECT_NE(got.err.find("warning: out: the output is not complete"), std::string::npos) << got.err;
  EXPECT_EQ(file_text(output), "old\n") << "an output that failed must not replace a good one";
}

TEST_F(Outputs, OnAFullDiskLeaveTheOldOneAlone) {
  const std::string disk = dir_ / "disk";
  std::filesystem::create_directory(disk);
  // A file system of our own needs a privilege; a limit of the file's size fails the same write.
  const bool mounted = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount("none", disk.c_str(), "tmpfs", 0, "size=64k") == 0;
  std::ofstream(disk + "/stars.jsonl") << "old\n";
  ProgramSetup setup;
  if (!mounted) setup.file_bytes = 65536;
  const std::vector<std::string> words{"run", graph("quicklook"), "--output", disk + "/stars.jsonl", "--force"};
  fill(starflow(words, setup), disk + "/stars.jsonl", mounted ? "No space left on device" : "File too large");
  if (mounted) umount2(disk.c_str(), MNT_DETACH);
}

TEST_F(Outputs, BeyondALimitOfTheFileSizeEndTheRun) {
  dir_.write("stars.jsonl", "old\n");
  ProgramSetup setup;
  setup.file_bytes = 65536;
  const std::string output = dir_ / "stars.jsonl";
  fill(starflow({"run", graph("quicklook"), "--output", output, "--force"}, setup), output, "File too large");
}

TEST_F(Outputs, ToAPipeThatIsClosedEndTheRun) {
  ProgramSetup setup;
  setup.out = ProgramSetup::Stream::broken_pipe;
  const ProgramResult got = to("-", {}, setup);
  EXPECT_EQ(got.code, 3);
  EXPECT_NE(got.err.find("can't write standard output: Broken pipe"), std::string::npos) << got.err;
}

TEST_F(Outputs, ToAClosedStandardOutputEndTheRun) {
  ProgramSetup setup;
  setup.out = ProgramSetup::Stream::closed;
  const ProgramResult got = to("-", {}, setup);
  EXPECT_EQ(got.code, 3);
  EXPECT_NE(got.err.find("can't write standard output"), std::string::npos) << got.err;
  EXPECT_EQ(starflow({"inspect", "types"}, setup).code, 3);
}

TEST_F(Outputs, AreWholeWhereStandardErrorIsClosedOrFull) {
  const std::string whole = batch({"f*.fits"}).out;
  ProgramSetup setup;
  setup.err = ProgramSetup::Stream::closed;
  EXPECT_EQ(to("a.jsonl", {}, setup).code, 0);
  EXPECT_EQ(file_text(dir_ / "a.jsonl"), whole);
  setup.err = ProgramSetup::Stream::captured;
  setup.err_file = "/dev/full";
  dir_.write("f9.fits", "");  // a failure to be told
  EXPECT_EQ(to("b.jsonl", {}, setup).code, 1);
  EXPECT_EQ(of_type(records_of(file_text(dir_ / "b.jsonl")), "frame").size(), 4U);
}

TEST_F(Outputs, KeepAnUnfinishedFileOfAnEarlierRunUnlessItRunsAgain) {
  dir_.write("stars.jsonl.part", "half\n");
  const ProgramResult got = to("stars.jsonl");
  EXPECT_EQ(got.code, 0);
  EXPECT_NE(got.err.find("replaces stars.jsonl.part, which an earlier run left unfinished"), std::string::npos);
  EXPECT_FALSE(exists("stars.jsonl.part"));
}

TEST_F(Outputs, OfARunThatIsRefusedLeaveNothingAndKeepWhatAnEarlierOneLeft) {
  const std::map<std::string, std::string> left = {
      {"b.fits.part", "half"}, {"c.sqlite.part", "a third"}, {"c.sqlite.part-wal", "the rest"}, {"d.jsonl.part", "{}"}};
  for (const auto& [name, text] : left) dir_.write(name, text);
  dir_.write("g.json", R"({"format": "starflow.graph/1", "nodes": [
{"id": "sky", "type": "source.sky", "options": {"frames": 1, "width": 96, "height": 96, "stars": 3}},
{"id": "det", "type": "detect", "in": {"frame": "sky"}},
{"id": "stars", "type": "centroid", "in": {"frame": "sky", "detections": "det"}},
{"id": "a", "type": "sink.csv", "in": {"stars": "stars"}, "options": {"path": "a.csv"}},
{"id": "b", "type": "sink.fits", "in": {"stars": "stars"}, "options": {"path": "b.fits"}},
{"id": "c", "type": "sink.sqlite", "in": {"stars": "stars"}, "options": {"path": "c.sqlite"}},
{"id": "d", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "d.jsonl"}},
{"id": "e", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "no/e.jsonl"}}]})");
  const auto names = [&] {
    std::set<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) all.insert(entry.path().filename());
    return all;
  };
  const auto before = names();
  const ProgramResult got = starflow({"run", dir_ / "g.json", "--trace", "t.json"});
  EXPECT_EQ(got.code, 2);
  EXPECT_EQ(got.err.find("replaces"), std::string::npos) << got.err;
  EXPECT_EQ(names(), before);
  for (const auto& [name, text] : left) EXPECT_EQ(file_text(dir_ / name), text) << name;
}

TEST_F(Outputs, OfTheTraceReplaceNeitherAFrameNorTheRecordsNorAFileThatExists) {
  const std::string frame = file_text(dir_ / "f1.fits");
  dir_.write("old.json", "precious");
  for (const auto& [trace, more] : {std::pair("f1.fits", "--force"), {"s.jsonl", "--force"}, {"old.json", "--quiet"}}) {
    const ProgramResult got = to("s.jsonl", {"--trace", trace, more});
    EXPECT_EQ(got.code, 2);
    EXPECT_NE(got.err.find(std::string(trace) + ": error: the trace: "), std::string::npos) << got.err;
  }
  EXPECT_EQ(file_text(dir_ / "f1.fits"), frame);
  EXPECT_EQ(file_text(dir_ / "old.json"), "precious");
}

TEST_F(Outputs, OfATraceThatIsCutShortEndWithTheExitCodeOfAnAbort) {
  const ProgramResult got = to("s.jsonl", {"--trace", "/dev/full"});
  EXPECT_EQ(got.code, 3);
  EXPECT_NE(got.err.find("the trace: can't write /dev/full: No space left on device"), std::string::npos) << got.err;
  EXPECT_EQ(file_text(dir_ / "s.jsonl"), batch({"f*.fits"}).out) << "the records are whole";
}

TEST_F(Outputs, AreRefusedForAGraphWithoutThatParameter) {
  dir_.write("dry.json", R"({"format": "starflow.graph/1", "nodes": [
    {"id": "sky", "type": "source.sky"}, {"id": "det", "type": "detect", "in": {"frame": "sky.frame"}}]})");
  const ProgramResult got = starflow({"run", "dry.json", "--output", "x.jsonl", "--input", "f0.fits"});
  EXPECT_EQ(got.code, 2);
  EXPECT_NE(got.err.find("--output: error: the graph has no parameter \"output\""), std::string::npos) << got.err;
  EXPECT_NE(got.err.find("--input: error: the graph has no parameter \"input\""), std::string::npos) << got.err;
  EXPECT_FALSE(exists("x.jsonl"));
}

TEST_F(Outputs, EndWithTheStageTimesOnRequest) {
  const ProgramResult got = to("stars.jsonl", {"--stage-times", "--threads", "1"});
  EXPECT_EQ(got.code, 0) << got.err;
  const json times = json::parse(got.out);
  EXPECT_EQ(times.size(), 7U);
  EXPECT_EQ(times["n"], 15);
  EXPECT_TRUE(times["background_s"].is_null()) << "detect holds it; nobody measured it apart";
  double sum = 0;
  for (const char* stage : {"read_s", "detect_s", "centroid_s", "write_s"}) {
    EXPECT_GT(times[stage], 0.0) << stage;
    sum += times[stage].get<double>();
  }
  EXPECT_EQ(file_text(dir_ / "stars.jsonl"), batch({"f*.fits"}).out) << "no clock value stands in a record";
  EXPECT_GT(times["total_s"].get<double>(), sum / 2);  // reading overlaps with the rest

  const ProgramResult both = batch({"f*.fits"}, {"--stage-times"});
  const auto records = records_of(both.out);
  EXPECT_TRUE(records.back().contains("total_s"));
  EXPECT_EQ(records[records.size() - 2]["type"], "run");
}

}  // namespace
}  // namespace starflow::test
