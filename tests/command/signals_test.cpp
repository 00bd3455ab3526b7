// SPDX-License-Identifier: MIT
/// \file
/// Ctrl-C, by which a user says: enough.

#include "night.hpp"

#include <sys/stat.h>

namespace starflow::test {
namespace {

using std::chrono::milliseconds;

class Signals : public Night {
 protected:
  /// A run of the simulated sky with SIGINT (or others) once it has begun.
  ProgramResult interrupted(const std::vector<std::string>& set, const std::vector<TimedSignal>& signals) {
    std::vector<std::string> words{"run", graph("quicklook"), "--output", "sky.jsonl"};
    for (const std::string& s : set) words.insert(words.end(), {"--set", s});
    ProgramSetup setup;
    setup.signals = signals;
    return starflow(std::move(words), std::move(setup));
  }
  std::function<bool()> begun() {
    return [this] { return exists("sky.jsonl.part"); };
  }
  /// What the unfinished output holds is as good as what a finished one does.
  std::vector<json> expect_dense_records() {
    EXPECT_FALSE(exists("sky.jsonl"));
    const auto records = records_of(file_text(dir_ / "sky.jsonl.part"));
    const auto frames = of_type(records, "frame"), stars = of_type(records, "star"), runs = of_type(records, "run");
    std::size_t n_stars = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      EXPECT_EQ(frames[i]["frame_id"], i);
      if (frames[i]["outcome"] == "ok") n_stars += frames[i]["n_stars"].get<std::size_t>();
    }
    EXPECT_EQ(stars.size(), n_stars);
    EXPECT_EQ(runs.size(), 1U);
    if (runs.size() == 1) {
      EXPECT_EQ(runs[0]["complete"], false);
      EXPECT_EQ(runs[0]["frames"], frames.size());
    }
    return frames;
  }
};

const std::vector<std::string> kManySmall{"parameters.frames=1000000", "nodes.sky.options.width=64",
                                          "nodes.sky.options.height=64", "nodes.sky.options.stars=3"};
const std::vector<std::string> kHuge{"parameters.frames=1000", "nodes.sky.options.width=3000",
                                     "nodes.sky.options.height=3000"};

TEST_F(Signals, OnceFinishesWhatHasBegunAndSaysHowToGoOn) {
  for (const int number : {SIGINT, SIGTERM}) {
    const ProgramResult got = interrupted(kManySmall, {{number, begun(), milliseconds(300)}});
    EXPECT_EQ(got.code, 130) << got.err;
    const auto frames = expect_dense_records();
    EXPECT_GT(frames.size(), 0U);
    for (const json& frame : frames) EXPECT_EQ(frame["outcome"], "ok");
    for (const char* text : {"interrupted: finishing the frames that have begun; once more to cancel them",
                             "warning: out: the output is not complete. What was measured stands in sky.jsonl.part; "
                             "the same command starts "
                             "over",
                             "not complete: interrupted"})
      EXPECT_NE(got.err.find(text), std::string::npos) << got.err;
  }
}

TEST_F(Signals, TwiceCancelsWhatHasBegun) {
  const ProgramResult got =
      interrupted(kHuge, {{SIGINT, begun(), milliseconds(300)}, {SIGINT, [] { return true; }, milliseconds(60)}});
  EXPECT_EQ(got.code, 130) << got.err;
  EXPECT_NE(got.err.find("interrupted again: cancelling"), std::string::npos) << got.err;
  for (const json& frame : expect_dense_records()) {
    EXPECT_TRUE(frame["outcome"] == "ok" || frame["outcome"] == "cancelled") << frame["outcome"];
  }
}

TEST_F(Signals, ThriceEndsAtOnce) {
  const auto soon = [] { return true; };
  const ProgramResult got = interrupted(
      kHuge,
      {{SIGINT, begun(), milliseconds(300)}, {SIGINT, soon, milliseconds(20)}, {SIGINT, soon, milliseconds(20)}});
  EXPECT_EQ(got.code, 130) << got.err;
}

TEST_F(Signals, BeforeTheRunEndTheProcess) {
  // A graph that nobody writes: reading it waits for ever.
  ASSERT_EQ(mkfifo((dir_ / "never.json").c_str(), 0600), 0);
  ProgramSetup setup;
  setup.signals = {{SIGINT, [] { return true; }, milliseconds(400)}};
  setup.most = std::chrono::seconds(10);
  EXPECT_EQ(starflow({"run", "never.json"}, setup).code, 130);
  EXPECT_EQ(starflow({"validate", "never.json"}, setup).code, 128 + SIGINT);
}

TEST_F(Signals, AfterWhichTheSameCommandStartsOver) {
  interrupted(kManySmall, {{SIGINT, begun(), milliseconds(100)}});
  ASSERT_TRUE(exists("sky.jsonl.part"));
  const ProgramResult again = interrupted({"parameters.frames=2"}, {});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(exists("sky.jsonl"));
  EXPECT_FALSE(exists("sky.jsonl.part"));
}

}  // namespace
}  // namespace starflow::test
