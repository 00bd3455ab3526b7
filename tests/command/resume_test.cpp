// SPDX-License-Identifier: MIT
/// \file
/// Runs that end early, and others that go on from there.

#include "many_sinks.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace starflow::test {
namespace {

using std::chrono::milliseconds;

const std::vector<std::string> kEachFrame{"--resume", "--set", "run.checkpoint_s=0"};

class Resume : public ManySinks {
 protected:
  void SetUp() override {
    ManySinks::SetUp();
    ASSERT_EQ(run("whole").code, 1);  // three frames are broken
  }
  ProgramResult resume(std::vector<std::string> more = {}, ProgramSetup setup = {}) const {
    more.insert(more.begin(), kEachFrame.begin(), kEachFrame.end());
    return run("r", more, std::move(setup));
  }
  /// Runs until \p lines of the journal are there, then sends \p signal.
  ProgramResult ended_by(int signal, std::ptrdiff_t lines, std::vector<std::string> more = {}) const {
    ProgramSetup setup;
    setup.signals = {{signal, [this, lines] { return journal_lines() >= lines; }}};
    return resume(std::move(more), std::move(setup));
  }
  [[nodiscard]] std::ptrdiff_t journal_lines() const {
    const std::string text = file_text(dir_ / "r.csv.journal");
    return std::ranges::count(text, '\n');
  }
  void expect_refused(const ProgramResult& got, const std::string& why) const {
    EXPECT_EQ(got.code, 2) << got.err;
    EXPECT_NE(got.err.find(why), std::string::npos) << got.err;
    EXPECT_NE(got.err.find("nothing was run"), std::string::npos) << got.err;
  }
  void expect_goes_on() const {
    const ProgramResult got = resume();
    EXPECT_EQ(got.code, 1) << got.err;
    expect_same("r", "whole");
  }
};

TEST_F(Resume, AfterRandomKillsGivesTheBytesOfAnUndisturbedRun) {
  std::mt19937 random(20261123);
  int kills = 0;
  std::ptrdiff_t seen = 0;
  for (int i = 0; i < 8; ++i) {
    const auto after = milliseconds(random() % 25);
    ProgramSetup setup;
    setup.signals = {{SIGKILL, [&] { return journal_lines() > seen; }, after}};
    const ProgramResult got = resume({"--threads", i % 2 == 0 ? "1" : "2"}, setup);
    seen = journal_lines();
    if (got.code != 128 + SIGKILL) break;
    ++kills;
  }
  EXPECT_GE(kills, 5) << "or nothing was tested";
  if (!exists("r.jsonl")) {
    const ProgramResult last = resume();
    EXPECT_EQ(last.code, 1) << last.err;
  }
  expect_same("r", "whole");
}

TEST_F(Resume, TakesBackWhatWasWrittenAfterTheLastCheckpoint) {
  ASSERT_EQ(ended_by(SIGKILL, 5).code, 128 + SIGKILL);
  for (const char* ending : kTexts)
    std::ofstream(dir_ / (std::string("r") + ending + ".part"), std::ios::app) << std::string(2'000'000, 'x');
  std::ofstream(dir_ / "r.csv.journal", std::ios::app) << R"({"type":"checkpoint","frames":39,)";
  expect_goes_on();
}

TEST_F(Resume, AfterCtrlCGoesOn) {
  const ProgramResult first = ended_by(SIGINT, 5);
  ASSERT_EQ(first.code, 130) << first.err;
  EXPECT_NE(first.err.find("r.csv.part; the same command with --resume (and without --force) goes on from there"),
            std::string::npos)
      << first.err;
  EXPECT_EQ(records_of(file_text(dir_ / "r.jsonl.part")).back().at("complete"), false);
  expect_goes_on();
}

TEST_F(Resume, ReplacesTheTraceOfTheRunThatEndedEarly) {
  ASSERT_EQ(ended_by(SIGINT, 5, {"--trace", "t.json"}).code, 130);
  EXPECT_TRUE(exists("t.json"));
  EXPECT_EQ(resume({"--trace", "t.json"}).code, 1);
  expect_same("r", "whole");
  const std::string trace = file_text(dir_ / "t.json");
  EXPECT_EQ(resume({"--trace", "t.json"}).code, 0) << "already complete";
  EXPECT_EQ(file_text(dir_ / "t.json"), trace);
}

TEST_F(Resume, AfterAFullDiskGoesOn) {
  ProgramSetup setup;
  setup.file_bytes = 60000;
  const ProgramResult first = resume({}, setup);
  EXPECT_EQ(first.code, 3);
  EXPECT_NE(first.err.find("File too large"), std::string::npos) << first.err;
  EXPECT_FALSE(exists("r.jsonl"));
  EXPECT_GT(journal_lines(), 3) << "some frames are safe";
  expect_goes_on();
}

TEST_F(Resume, TellsHowManyFramesWereThere) {
  ASSERT_EQ(ended_by(SIGKILL, 5).code, 128 + SIGKILL);
  const ProgramResult got = starflow({"run", "all.json", "--output", "r", "--resume"});
  EXPECT_NE(got.err.find("40 frames ("), std::string::npos) << got.err;
  EXPECT_NE(got.err.find(" by an earlier run): 37 ok, 3 failed; "), std::string::npos) << got.err;
}

TEST_F(Resume, WhereOnlySomeOutputsHaveTheirNamesNamesThemAll) {
  // The name of the last output is taken while the run is under way, so that the others are named and it is not.
  ProgramSetup setup;
  setup.signals = {{0, [this] {
                      if (journal_lines() < 3) return false;
                      dir_.write("r.jsonl", "precious\n");
                      return true;
                    }}};
  EXPECT_EQ(resume({}, setup).code, 3);
  EXPECT_TRUE(exists("r.csv"));
  EXPECT_TRUE(exists("r.jsonl.part"));
  expect_refused(resume(), "r.jsonl exists");
  EXPECT_EQ(file_text(dir_ / "r.jsonl"), "precious\n");
  std::filesystem::remove(dir_ / "r.jsonl");
  expect_goes_on();
}

TEST_F(Resume, OfACompleteRunTouchesNothing) {
  EXPECT_EQ(resume().code, 1);
  const auto time = std::filesystem::last_write_time(dir_ / "r.jsonl");
  const ProgramResult again = starflow({"run", "all.json", "--output", "r", "--resume"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.err.find("already complete: 40 frames, "), std::string::npos) << again.err;
  EXPECT_EQ(std::filesystem::last_write_time(dir_ / "r.jsonl"), time);
  expect_same("r", "whole");
  std::ofstream(dir_ / "r.fit", std::ios::app) << "more";
  expect_refused(resume(), "the run is complete, but r.fit has ");
}

TEST_F(Resume, OfAnotherConfigurationIsRefused) {
  ASSERT_EQ(ended_by(SIGKILL, 5).code, 128 + SIGKILL);
  const std::string part = file_text(dir_ / "r.jsonl.part");
  expect_refused(resume({"--set", "parameters.threshold=6"}), "nodes.det.options.threshold_sigma is 6 and was 5");
  expect_refused(resume({"--set", "nodes.json.options.columns=[\"x\"]"}), "nodes.json.options.columns is ");
  expect_refused(resume({"--shard", "0/2"}), "this is shard 0/2 and it was 0/1");
  expect_refused(resume({"--simd", "scalar"}), "this runs on scalar and it was ");
  EXPECT_EQ(file_text(dir_ / "r.jsonl.part"), part);
  expect_goes_on();
}

TEST_F(Resume, OfOtherInputIsRefused) {
  ASSERT_EQ(ended_by(SIGKILL, 5).code, 128 + SIGKILL);
  const auto time = std::filesystem::last_write_time(dir_ / "f9.fits");
  std::filesystem::last_write_time(dir_ / "f9.fits", time + milliseconds(1));
  expect_refused(resume(), "the input \"f9.fits\" was changed");
  std::filesystem::last_write_time(dir_ / "f9.fits", time);
  dir_.write("f99.fits", star_frame(99));
  expect_refused(resume(), "the input is 41 files and was 40");
  std::filesystem::remove(dir_ / "f99.fits");
  expect_goes_on();
}

TEST_F(Resume, OfAnotherVersionIsRefused) {
  ASSERT_EQ(ended_by(SIGKILL, 5).code, 128 + SIGKILL);
  std::string journal = file_text(dir_ / "r.csv.journal");
  const std::string now = R"("version":")";
  journal.insert(journal.find(now) + now.size(), "9");
  dir_.write("r.csv.journal", journal);
  expect_refused(resume(), " and it was 9");
}

TEST_F(Resume, WithForceStartsAnewAndIsContinuedWithout) {
  ASSERT_EQ(resume().code, 1);
  const std::string old = file_text(dir_ / "r.jsonl");
  ASSERT_EQ(ended_by(SIGKILL, 5, {"--force", "--set", "parameters.threshold=6"}).code, 128 + SIGKILL);
  EXPECT_EQ(file_text(dir_ / "r.jsonl"), old) << "kept until the new one is complete";
  expect_refused(resume(), "threshold_sigma is 5 and was 6");
  EXPECT_EQ(resume({"--set", "parameters.threshold=6"}).code, 1);
  EXPECT_EQ(run("six", {"--set", "parameters.threshold=6"}).code, 1);
  EXPECT_EQ(file_text(dir_ / "r.jsonl").size(), file_text(dir_ / "six.jsonl").size());
  expect_same("r", "six");
}

TEST_F(Resume, AfterARunWithoutItStartsOver) {
  ASSERT_EQ(ended_by(SIGKILL, 5).code, 128 + SIGKILL);
  ProgramSetup setup;
  setup.signals = {{SIGKILL, [this] { return !exists("r.csv.journal"); }}};
  ASSERT_EQ(run("r", {}, setup).code, 128 + SIGKILL) << "that run writes the same files, and no journal";
  expect_goes_on();
}

TEST_F(Resume, WhileAnotherRunIsUnderWayIsRefused) {
  ASSERT_EQ(ended_by(SIGKILL, 5).code, 128 + SIGKILL);
  const std::string journal = dir_ / "r.csv.journal";
  const int held = open(journal.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(held, LOCK_EX), 0);
  expect_refused(resume(), "another run keeps the journal r.csv.journal");
  close(held);
  expect_goes_on();
}

TEST_F(Resume, LeavesAFileAloneThatIsNoJournal) {
  dir_.write("r.csv.journal", "dear diary\n");
  expect_refused(resume(), "r.csv.journal is in the way: it is no journal of a run");
  EXPECT_EQ(file_text(dir_ / "r.csv.journal"), "dear diary\n");
  EXPECT_EQ(run("r").code, 1);
  EXPECT_EQ(file_text(dir_ / "r.csv.journal"), "dear diary\n");
}

TEST_F(Resume, WhereTheUnfinishedFileIsGoneIsRefused) {
  ASSERT_EQ(ended_by(SIGKILL, 5).code, 128 + SIGKILL);
  std::filesystem::remove(dir_ / "r.fit.part");
  expect_refused(resume(), "r.fit.part, which the run to be continued was writing, is gone; start anew (--force)");
  EXPECT_EQ(resume({"--force"}).code, 1);
  expect_same("r", "whole");
}

TEST_F(Resume, ThatANodeDoesNotAllowIsRefusedByName) {
  const ProgramResult pipe = batch({"f0.fits"}, {"--resume"});
  expect_refused(pipe, "node 'out': standard output takes nothing back");
  EXPECT_EQ(pipe.out, "");
  const ProgramResult score = starflow({"run", graph("quicklook"), "--output", "q.jsonl", "--resume"});
  expect_refused(score, "keeps no account of what it has written, so the run can't be continued or divided");
  expect_refused(resume({"--set", "nodes.src.options.plane=all"}), "leaves open how many frames a file has");
  EXPECT_FALSE(exists("q.jsonl.part"));
  EXPECT_FALSE(exists("q.jsonl.journal"));
  EXPECT_FALSE(exists("r.csv.journal"));
}

}  // namespace
}  // namespace starflow::test
