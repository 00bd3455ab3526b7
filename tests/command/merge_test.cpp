// SPDX-License-Identifier: MIT
/// \file
/// Runs in shards, and their outputs put together.

#include "many_sinks.hpp"

#include <filesystem>
#include <fstream>

namespace starflow::test {
namespace {

class Merge : public ManySinks {
 protected:
  void shards(int count, const std::vector<std::string>& more = {}) const {
    for (int i = 0; i < count; ++i) {
      std::vector<std::string> words{"--shard", std::to_string(i) + "/" + std::to_string(count)};
      words.insert(words.end(), more.begin(), more.end());
      const ProgramResult got = run("s" + std::to_string(i), words);
      EXPECT_TRUE(got.code == 0 || got.code == 1) << got.err;
    }
  }
  ProgramResult merge(std::vector<std::string> shards, const std::string& output, bool force = false) const {
    shards.insert(shards.begin(), "merge");
    shards.insert(shards.end(), {"-o", output});
    if (force) shards.emplace_back("--force");
    return starflow(std::move(shards));
  }
  /// Of each kind of output, those of \p count shards, the last first.
  void merge_all(int count, const std::string& output) const {
    for (const char* ending : {".csv", ".ecsv", ".fit", ".jsonl", ".sqlite"}) {
      std::vector<std::string> names;
      for (int i = count; i-- > 0;) names.push_back("s" + std::to_string(i) + ending);
      const ProgramResult got = merge(names, output + ending);
      EXPECT_EQ(got.code, 0) << got.err;
      EXPECT_NE(got.err.find("40 frames, "), std::string::npos) << got.err;
    }
  }
  void expect_refused(const ProgramResult& got, const std::string& why) const {
    EXPECT_EQ(got.code, 2) << got.err;
    EXPECT_NE(got.err.find(why), std::string::npos) << got.err;
    EXPECT_FALSE(exists("m.jsonl"));
    EXPECT_FALSE(exists("m.jsonl.part"));
    EXPECT_FALSE(exists("m.jsonl.journal"));
  }
};

TEST_F(Merge, OfShardsGivesTheBytesOfTheWholeRun) {
  ASSERT_EQ(run("whole", {"--threads", "1"}).code, 1);
  shards(3, {"--threads", "1"});
  merge_all(3, "m");
  expect_same("m", "whole");
}

TEST_F(Merge, OfShardsOfTwoThreadsGivesTheBytesOfTheWholeRun) {
  ASSERT_EQ(run("whole").code, 1);
  shards(4, {"--threads", "2"});
  merge_all(4, "m");
  expect_same("m", "whole");
}

TEST_F(Merge, OfMoreShardsThanFramesGivesTheBytesOfTheWholeRun) {
  for (std::uint64_t i = 5; i < kFrames; ++i) std::filesystem::remove(dir_ / ("f" + std::to_string(i) + ".fits"));
  ASSERT_EQ(run("whole").code, 1);
  shards(7);
  for (const char* ending : {".csv", ".ecsv", ".fit", ".jsonl", ".sqlite"}) {
    std::vector<std::string> names;
    for (int i = 0; i < 7; ++i) names.push_back("s" + std::to_string(i) + ending);
    EXPECT_EQ(merge(names, std::string("m") + ending).code, 0);
  }
  expect_same("m", "whole");
}

TEST_F(Merge, OfAKilledAndResumedShardGivesTheBytesOfTheWholeRun) {
  ASSERT_EQ(run("whole").code, 1);
  shards(1);
  ProgramSetup setup;
  setup.signals = {{SIGKILL, [this] { return std::ranges::count(file_text(dir_ / "s0.csv.journal"), '\n') > 5; }}};
  const std::vector<std::string> first{"--shard", "0/2", "--resume", "--force", "--set", "run.checkpoint_s=0"};
  ASSERT_EQ(run("s0", first, setup).code, 128 + SIGKILL);
  EXPECT_EQ(run("s1", {"--shard", "1/2"}).code, 1);
  const ProgramResult early = merge({"s0.csv", "s1.csv"}, "m.csv");
  EXPECT_EQ(early.code, 2);
  EXPECT_NE(early.err.find("s0.csv: error: shard 0/2 is not complete; run it again with --resume"), std::string::npos)
      << early.err;
  EXPECT_EQ(run("s0", {"--shard", "0/2", "--resume"}).code, 1);
  merge_all(2, "m");
  expect_same("m", "whole");
}

TEST_F(Merge, RefusesHolesAndDoubles) {
  shards(3);
  expect_refused(merge({"s0.jsonl", "s2.jsonl"}, "m.jsonl"), "shard 1/3 is missing");
  expect_refused(merge({"s0.jsonl", "s1.jsonl", "s2.jsonl", "s1.jsonl"}, "m.jsonl"),
                 "s1.jsonl: error: shard 1/3 was given already, by s1.jsonl");
  EXPECT_EQ(run("t", {"--shard", "1/4"}).code, 1);
  expect_refused(merge({"s0.jsonl", "t.jsonl", "s2.jsonl"}, "m.jsonl"),
                 "t.jsonl: error: is shard 1/4, but s0.jsonl is of 3 shards");
}

TEST_F(Merge, RefusesShardsOfOtherRuns) {
  shards(2);
  EXPECT_EQ(run("t", {"--shard", "1/2", "--set", "parameters.threshold=6"}).code, 1);
  expect_refused(merge({"s0.jsonl", "t.jsonl"}, "m.jsonl"),
                 "t.jsonl: error: is of another run than s0.jsonl: nodes.det.options.threshold_sigma is 6 and was 5");
  const auto time = std::filesystem::last_write_time(dir_ / "f1.fits");
  std::filesystem::last_write_time(dir_ / "f1.fits", time + std::chrono::seconds(2));
  EXPECT_EQ(run("u", {"--shard", "1/2"}).code, 1);
  expect_refused(merge({"s0.jsonl", "u.jsonl"}, "m.jsonl"), "the input files are others, or were changed meanwhile");
  std::string journal = file_text(dir_ / "s1.jsonl.journal");
  const std::string now = R"("version":")";
  journal.insert(journal.find(now) + now.size(), "9");
  dir_.write("s1.jsonl.journal", journal);
  expect_refused(merge({"s0.jsonl", "s1.jsonl"}, "m.jsonl"),
                 "s1.jsonl: error: is of another run than s0.jsonl: this is "
                 "starflow 9");
  expect_refused(merge({"s0.jsonl", "s1.csv"}, "m.jsonl"), "was written by the sink \"csv\", and s0.jsonl by \"json\"");
}

TEST_F(Merge, RefusesWhatIsNoShardAndWhatWasChanged) {
  shards(2);
  dir_.write("plain.jsonl", file_text(dir_ / "s1.jsonl"));
  expect_refused(merge({"s0.jsonl", "plain.jsonl"}, "m.jsonl"), "there is no journal plain.jsonl.journal beside it");
  dir_.write("s1.jsonl", file_text(dir_ / "s1.jsonl").substr(0, 700));
  expect_refused(merge({"s0.jsonl", "s1.jsonl"}, "m.jsonl"), "s1.jsonl has 700 bytes and had ");
}

TEST_F(Merge, KeepsAnExistingFileUnlessItIsTheSameMerge) {
  shards(2);
  dir_.write("m.jsonl", "precious\n");
  const ProgramResult kept = merge({"s0.jsonl", "s1.jsonl"}, "m.jsonl");
  EXPECT_EQ(kept.code, 2);
  EXPECT_NE(kept.err.find("'m.jsonl' exists; choose another name"), std::string::npos) << kept.err;
  EXPECT_EQ(file_text(dir_ / "m.jsonl"), "precious\n");
  EXPECT_EQ(merge({"s0.jsonl", "s1.jsonl"}, "m.jsonl", true).code, 0);
  const auto time = std::filesystem::last_write_time(dir_ / "m.jsonl");
  const ProgramResult again = merge({"s1.jsonl", "s0.jsonl"}, "m.jsonl");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.err.find("already complete: 40 frames"), std::string::npos) << again.err;
  EXPECT_EQ(std::filesystem::last_write_time(dir_ / "m.jsonl"), time);
  EXPECT_EQ(merge({"s0.jsonl", "s1.jsonl"}, "s1.jsonl", true).code, 2) << "a shard is no output";
}

TEST_F(Merge, ThatWasKilledIsDoneByTheNextOne) {
  ASSERT_EQ(run("whole").code, 1);
  shards(2);
  ASSERT_EQ(merge({"s0.jsonl", "s1.jsonl"}, "m.jsonl").code, 0);
  // Killed between giving the output its name and ending the journal.
  const std::string journal = file_text(dir_ / "m.jsonl.journal");
  dir_.write("m.jsonl.journal", journal.substr(0, journal.find('\n') + 1));
  EXPECT_EQ(merge({"s0.jsonl", "s1.jsonl"}, "m.jsonl").code, 0);
  EXPECT_EQ(file_text(dir_ / "m.jsonl.journal"), journal);
  EXPECT_EQ(file_text(dir_ / "m.jsonl"), file_text(dir_ / "whole.jsonl"));
}

TEST_F(Merge, OfShardsElsewhereFindsTheirTables) {
  ASSERT_EQ(run("whole").code, 1);
  shards(2);
  std::filesystem::create_directory(dir_ / "far");
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    const std::string name = entry.path().filename();
    if (name.starts_with("s0") || name.starts_with("s1")) std::filesystem::rename(entry.path(), dir_ / ("far/" + name));
  }
  EXPECT_EQ(merge({"far/s0.csv", "far/s1.csv"}, "m.csv").code, 0);
  EXPECT_EQ(file_text(dir_ / "m_frames.csv"), file_text(dir_ / "whole_frames.csv"));
}

TEST_F(Merge, WantsShardsThatAreParts) {
  for (const char* shard : {"2/2", "1", "a/2", "-1/2", "0/0", "1/2/3", "0/9999999"}) {
    const ProgramResult got = run("s", {"--shard", shard});
    EXPECT_EQ(got.code, 2) << shard;
    EXPECT_NE(got.err.find("is not I/N: part I of N"), std::string::npos) << got.err;
  }
  EXPECT_EQ(run("s", {"--shard", "0/2"}).code, 1);
  const ProgramResult clash = run("s", {"--shard", "1/2"});
  EXPECT_EQ(clash.code, 2);
  EXPECT_NE(clash.err.find("'s.jsonl' exists"), std::string::npos) << clash.err;
  EXPECT_NE(run("s", {"--shard", "1/2", "--resume"}).err.find("this is shard 1/2 and it was 0/2"), std::string::npos);
}

}  // namespace
}  // namespace starflow::test
