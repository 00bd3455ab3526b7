// SPDX-License-Identifier: MIT
/// \file
/// The journal of a run: what of it is read after a crash, and which nodes a run with one can't have.

#include "journal.hpp"
#include "support/graph_nodes.hpp"
#include "support/temp_dir.hpp"

#include <starflow/graph/diagnostic.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace starflow::test {
namespace {

using graph::Journal;
using graph::JournalText;

const std::string kBegin = R"({"type":"begin","format":"starflow.journal/1","shard":[0,1]})"
                           "\n";
const std::string kCheckpoint =
    R"({"type":"checkpoint","frames":7,"outcomes":[6,0,1,0,0,0],"stars":40,"sinks":["here"]})"
    "\n";

TEST(JournalText, EndsAtALineThatWasCutShort) {
  const JournalText whole = JournalText::parse(kBegin + kCheckpoint + kCheckpoint);
  EXPECT_EQ(whole.checkpoints.size(), 2U);
  for (std::size_t lost = 1; lost < kCheckpoint.size(); ++lost) {
    const std::string text = kBegin + kCheckpoint + kCheckpoint;
    const JournalText cut = JournalText::parse(std::string_view(text).substr(0, text.size() - lost));
    EXPECT_EQ(cut.checkpoints.size(), 1U) << lost;
    EXPECT_EQ(cut.bytes, kBegin.size() + kCheckpoint.size()) << lost;
    EXPECT_FALSE(cut.foreign);
  }
}

TEST(JournalText, EndsAtBlocksThatAPowerLossLeftEmpty) {
  const JournalText text = JournalText::parse(kBegin + kCheckpoint + std::string(512, '\0') + '\n' + kCheckpoint);
  EXPECT_EQ(text.checkpoints.size(), 1U);
  const JournalText empty = JournalText::parse(std::string(512, '\0'));
  EXPECT_TRUE(empty.begin.is_null());
  EXPECT_FALSE(empty.foreign);
}

TEST(JournalText, KnowsWhatIsNone) {
  EXPECT_TRUE(JournalText::parse("dear diary").foreign);
  EXPECT_TRUE(JournalText::parse(R"({"type":"begin","format":"other"})").foreign);
  EXPECT_FALSE(JournalText::parse("").foreign);
  EXPECT_FALSE(JournalText::parse(kBegin.substr(0, 20)).foreign) << "the first line was cut short";
}

TEST(JournalText, TellsTheCounts) {
  const RunSummary counts = graph::counts_of(JournalText::parse(kBegin + kCheckpoint).checkpoints.back());
  EXPECT_EQ(counts.frames, 7U);
  EXPECT_EQ(counts.outcomes[0], 6U);
  EXPECT_EQ(counts.outcomes[2], 1U);
  EXPECT_EQ(counts.stars, 40U);
}

class JournalOfARun : public ::testing::Test {
 protected:
  [[nodiscard]] Journal::Plan plan() const {
    Journal::Plan p;
    p.key = {{"version", "1"},
             {"simd", "sse4"},
             {"shard", {0, 1}},
             {"config_hash", "ab"},
             {"settings", nlohmann::json::object()},
             {"inputs", ""},
             {"sinks", nlohmann::json::array()}};
    p.sinks = {{"out", "sink.test", {dir_ / "a.txt"}}};
    p.seconds = 0;
    return p;
  }
  TempDir dir_;
};

TEST_F(JournalOfARun, GivesBackWhatWasAdded) {
  RunSummary now;
  now.frames = 3;
  {
    Journal first(plan());
    first.begin();
    EXPECT_FALSE(first.due({})) << "nothing is new";
    EXPECT_TRUE(first.due(now));
    first.add(now, {"one"});
    now.frames = 5;
    first.add(now, {"two"});
  }
  const Journal second(plan());
  EXPECT_TRUE(second.continues());
  EXPECT_EQ(second.so_far().frames, 5U);
  EXPECT_EQ(second.checkpoints(0), (std::vector<std::string>{"one", "two"}));
}

TEST_F(JournalOfARun, IsLeftBehindOnlyOnceTheRunHasBegun) {
  { const Journal refused(plan()); }
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
  { Journal(plan()).begin(); }
  EXPECT_FALSE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(JournalOfARun, IsKeptByOneRunAtATime) {
  const Journal first(plan());
  EXPECT_THROW(Journal{plan()}, RunError);
}

/// What GraphRunner says of a run with a journal.
std::string refusal(const FunctionGraph& graph) {
  graph::RunOptions options;
  options.resume = true;
  try {
    graph::GraphRunner(graph.spec(), options);
  } catch (const graph::ConfigError& e) {
    return e.what();
  }
  return {};
}

TEST(RunWithAJournal, RefusesNodesThatKeepNoAccountByName) {
  FunctionGraph graph;
  const std::size_t source = graph.numbers(3);
  const std::size_t memory = graph.node(
      "memory", {source}, [](Node::Context& c) { c.out(0, Number{}); }, true);
  graph.sink("out", {memory}, [](Sink::Context&) {});
  const std::string text = refusal(graph);
  EXPECT_NE(text.find("node 'memory': type test.memory keeps a memory from frame to frame"), std::string::npos) << text;
  EXPECT_NE(text.find("node 'out': keeps no account of what it has written"), std::string::npos) << text;
}

TEST(RunWithAJournal, RefusesAGraphThatWritesNothing) {
  FunctionGraph graph;
  graph.numbers(3);
  EXPECT_NE(refusal(graph).find("the graph has no sink"), std::string::npos);
}

}  // namespace
}  // namespace starflow::test
