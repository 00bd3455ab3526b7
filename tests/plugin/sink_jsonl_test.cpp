// SPDX-License-Identifier: MIT
#include "plugin/star_list_fixture.hpp"
#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include "register.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace starflow {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

std::vector<json> lines(const std::string& path) {
  std::vector<json> all;
  std::istringstream in(read(path));
  for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
  return all;
}

RunSummary complete(std::uint64_t frames) {
  RunSummary s;
  s.frames = frames;
  s.outcomes[0] = frames;
  s.complete = true;
  return s;
}

std::unique_ptr<Sink> started(const std::string& path, bool force = false) {
  auto sink = test::make<Sink>(sink_jsonl_type(), {{"path", path}});
  test::StartContext start;
  start.force_outputs = force;
  sink->start(start);
  return sink;
}

void write_frame(Sink& sink, std::size_t stars, std::uint64_t frame_id = 0) {
  test::SinkContext context;
  context.frame.frame_id = frame_id;
  context.inputs[0] = test::message(test::star_list(test::distinct_stars(stars), context.frame));
  sink.write(context);
}

void write_failure(Sink& sink, std::uint64_t frame_id) {
  test::SinkContext context;
  context.frame.frame_id = frame_id;
  context.result = Outcome::failed;
  context.failures = {{"src", "fits.truncated", "ends early"}};
  sink.write(context);
}

TEST(SinkJsonl, WritesFramesStarsAndTheRun) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  const auto sink = started(path);
  write_frame(*sink, 2, 0);
  write_failure(*sink, 1);
  write_frame(*sink, 0, 2);
  EXPECT_FALSE(fs::exists(path)) << "the name belongs to a complete file";
  sink->close(complete(3));
  const auto all = lines(path);
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(all[0].at("n_stars"), 2);
  EXPECT_EQ(all[2].at("type"), "star");
  EXPECT_EQ(all[3].at("errors")[0].at("code"), "fits.truncated");
  EXPECT_EQ(all[4].at("outcome"), "ok");
  EXPECT_EQ(all[5].at("type"), "run");
  EXPECT_EQ(all[5].at("stars"), 2);
  EXPECT_FALSE(fs::exists(path + ".part"));
  EXPECT_EQ(sink->report(), "");
}

TEST(SinkJsonl, ListsRejectedStarsAndCountsThemNotAsStars) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  const auto sink = started(path);
  test::SinkContext context;
  StarList list = test::star_list(test::distinct_stars(1), context.frame);
  list.listed = {test::distinct_stars(2), {"snr", "region"}};
  context.inputs[0] = test::message(std::move(list));
  sink->write(context);
  sink->close(complete(1));
  const auto all = lines(path);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].at("n_stars"), 1);
  EXPECT_EQ(all[2].at("type"), "rejected");
  EXPECT_EQ(all[3].at("reason"), "region");
  EXPECT_EQ(all[4].at("stars"), 1);
}

TEST(SinkJsonl, KeepsAnUnfinishedFileUnderAnotherNameAndSaysSo) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  const auto sink = started(path);
  write_frame(*sink, 1);
  RunSummary summary;
  summary.reason = "interrupted";
  sink->close(summary);
  EXPECT_FALSE(fs::exists(path));
  const auto all = lines(path + ".part");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[2].at("complete"), false);
  EXPECT_EQ(all[2].at("reason"), "interrupted");
  EXPECT_EQ(json::parse(sink->report()).at("incomplete_output"), path + ".part");
}

TEST(SinkJsonl, WarnsBeforeItReplacesAnUnfinishedFile) {
  const test::TempDir dir;
  dir.write("out.jsonl.part", "old");
  auto sink = test::make<Sink>(sink_jsonl_type(), {{"path", dir / "out.jsonl"}});
  test::StartContext start;
  sink->start(start);
  ASSERT_EQ(start.logged.size(), 1U);
  EXPECT_EQ(start.logged[0].level, LogLevel::warning);
  EXPECT_NE(start.logged[0].text.find("out.jsonl.part"), std::string::npos);
}

TEST(SinkJsonl, ReplacesAnExistingFileOnlyAtTheEndAndOnlyByForce) {
  const test::TempDir dir;
  const std::string path = dir.write("out.jsonl", "old\n");
  EXPECT_THROW(started(path), OptionError);
  const auto sink = started(path, true);
  write_frame(*sink, 1);
  EXPECT_EQ(read(path), "old\n");
  sink->close(complete(1));
  EXPECT_EQ(lines(path).size(), 3U);
}

TEST(SinkJsonl, LeavesNothingBehindWhereTheRunCannotBegin) {
  const test::TempDir dir;
  started(dir / "out.jsonl").reset();
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

std::string refusal(const std::string& path) {
  try {
    started(path, true);
  } catch (const OptionError& e) {
    return e.option() + ": " + e.what();
  }
  return "";
}

TEST(SinkJsonl, IsRefusedWhileAnotherRunWritesTheSameFile) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  const auto first = started(path);
  write_frame(*first, 1);
  EXPECT_EQ(refusal(path),
            "path: another run is writing " + path + ".part; wait until it has ended or give another output");
  write_frame(*first, 2, 1);
  first->close(complete(2));
  EXPECT_EQ(lines(path).size(), 6U);
  EXPECT_FALSE(fs::exists(path + ".part"));
  EXPECT_EQ(refusal(path), "") << "the next run may begin";
}

TEST(SinkJsonl, OfConcurrentRunsOneWinsAndItsFileIsWhole) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  std::atomic<int> won{0};
  const auto run = [&] {
    for (int i = 0; i < 200; ++i) {
      try {
        const auto sink = started(path, true);
        write_frame(*sink, 3);
        sink->close(complete(1));
        ++won;
      } catch (const OptionError& e) {
        if (std::string(e.what()).rfind("another run is writing", 0) != 0) throw;
      }
    }
  };
  std::vector<std::future<void>> runs;
  for (int i = 0; i < 3; ++i) runs.push_back(std::async(std::launch::async, run));
  for (auto& r : runs) EXPECT_NO_THROW(r.get());
  EXPECT_GT(won, 0);
  EXPECT_EQ(lines(path).size(), 5U);
  EXPECT_FALSE(fs::exists(path + ".part"));
}

TEST(SinkJsonl, WritesThroughNoLinkUnderItsUnfinishedName) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  const std::string precious = dir.write("precious", "data\n");
  fs::create_symlink("precious", path + ".part");
  EXPECT_EQ(refusal(path), "path: " + path + ".part is in the way: a symbolic link; remove it or give another output");
  fs::remove(path + ".part");
  fs::create_hard_link(precious, path + ".part");
  EXPECT_EQ(refusal(path),
            "path: " + path + ".part is in the way: a second name of another file; remove it or give another output");
  EXPECT_EQ(read(precious), "data\n");
}

TEST(SinkJsonl, RefusesAnythingElseUnderItsUnfinishedName) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  fs::create_directory(path + ".part");
  EXPECT_EQ(refusal(path), "path: " + path + ".part is in the way: a folder; remove it or give another output");
  fs::remove(path + ".part");
  ASSERT_EQ(::mkfifo((path + ".part").c_str(), 0600), 0);
  EXPECT_EQ(refusal(path), "path: " + path + ".part is in the way: no plain file; remove it or give another output");
}

TEST(SinkJsonl, KeepsAFileThatAppearsUnderItsNameMeanwhile) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  const auto sink = started(path);
  write_frame(*sink, 1);
  dir.write("out.jsonl", "somebody else's\n");
  try {
    sink->close(complete(1));
    FAIL() << "it replaced the file";
  } catch (const RunError& e) {
    EXPECT_EQ(std::string(e.what()),
              path + " was made by somebody else during the run and is kept; this run's records are in " + path +
                  ".part: give them another name");
  }
  EXPECT_EQ(read(path), "somebody else's\n");
  EXPECT_EQ(lines(path + ".part").size(), 3U);
}

TEST(SinkJsonl, RefusesALinkThatLeadsNowhereBeforeTheRun) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  fs::create_symlink("nothing", path);
  auto sink = test::make<Sink>(sink_jsonl_type(), {{"path", path}});
  test::StartContext start;
  EXPECT_THROW(sink->start(start), OptionError);
}

TEST(SinkJsonl, ClaimsStandardOutputToo) {
  auto sink = test::make<Sink>(sink_jsonl_type(), {{"path", "-"}});
  test::StartContext start;
  sink->start(start);
  EXPECT_EQ(start.outputs, std::vector<std::string>{"-"});
}

TEST(SinkJsonl, RefusesAFolderThatIsMissing) {
  const test::TempDir dir;
  EXPECT_NE(refusal(dir / "no/out.jsonl").find("No such file or directory"), std::string::npos);
}

TEST(SinkJsonl, RefusesAFolderAsItsFile) {
  const test::TempDir dir;
  EXPECT_NE(refusal(dir.path().string()).find("is a folder"), std::string::npos);
}

TEST(SinkJsonl, RefusesAnEmptyName) { EXPECT_THROW(started(""), OptionError); }

std::string write_error(Sink& sink) {
  try {
    for (int i = 0; i < 100; ++i) write_frame(sink, 100);
  } catch (const RunError& e) {
    return e.what();
  }
  return "";
}

TEST(SinkJsonl, EndsTheRunWhereTheDeviceIsFull) {
  const auto sink = started("/dev/full", true);
  const std::string error = write_error(*sink);
  EXPECT_EQ(error, "can't write /dev/full: No space left on device");
  EXPECT_NO_THROW(sink->close(RunSummary{}));
}

/// Files of this process may not grow beyond a limit, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &old_);
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit = old_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

TEST(SinkJsonl, NeverNamesAFileThatTheDiskCouldNotTake) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  const auto sink = started(path);
  const FileSizeLimit limit(1'500'000);
  EXPECT_EQ(write_error(*sink), "can't write " + path + ".part: File too large");
  sink->close(complete(1));
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(fs::exists(path + ".part"));
}

TEST(SinkJsonl, NeverNamesAFileWhoseLastBytesFail) {
  const test::TempDir dir;
  const std::string path = dir / "out.jsonl";
  const auto sink = started(path);
  write_frame(*sink, 1);
  const FileSizeLimit limit(100);
  EXPECT_THROW(sink->close(complete(1)), RunError);
  EXPECT_FALSE(fs::exists(path));
}

/// Standard output of this process is the writing end of a pipe while it lives.
class PipedOutput {
 public:
  PipedOutput() {
    saved_ = ::dup(STDOUT_FILENO);
    if (::pipe(ends_) != 0) throw std::runtime_error("pipe");
    ::dup2(ends_[1], STDOUT_FILENO);
    ::close(ends_[1]);
  }
  ~PipedOutput() {
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
    close_reader();
  }
  PipedOutput(const PipedOutput&) = delete;
  PipedOutput& operator=(const PipedOutput&) = delete;
  void close_reader() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }
  [[nodiscard]] std::string take() const {
    std::string bytes(65536, '\0');
    const ssize_t n = ::read(ends_[0], bytes.data(), bytes.size());
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }

 private:
  int saved_ = -1;
  int ends_[2] = {-1, -1};
};

TEST(SinkJsonl, WritesEachFrameToStandardOutputAtOnce) {
  PipedOutput out;
  const auto sink = started("-");
  write_frame(*sink, 1);
  const std::string first = out.take();
  sink->close(complete(1));
  const std::string last = out.take();
  EXPECT_EQ(first.rfind(R"({"type":"frame")", 0), 0U);
  EXPECT_EQ(first.back(), '\n');
  EXPECT_EQ(json::parse(last).at("type"), "run");
}

TEST(SinkJsonl, ReportsAReaderThatHasGoneInsteadOfDyingOfASignal) {
  PipedOutput out;
  const auto sink = started("-");
  out.close_reader();
  ASSERT_EQ(std::signal(SIGPIPE, SIG_DFL), SIG_DFL) << "the guard under test must not be helped by the process";
  EXPECT_EQ(write_error(*sink), "can't write standard output: Broken pipe");
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

}  // namespace
}  // namespace starflow
