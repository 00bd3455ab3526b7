// SPDX-License-Identifier: MIT
/// \file
/// What a failure does to its frame, to the other frames and to the run.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>

#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace starflow {
namespace {

using graph::FrameResult;
using graph::RunOptions;
using graph::RunReport;
using test::FunctionGraph;
using test::mix;
using test::Number;
using test::outcomes;

// Ten frames; `bad` is called for frame 4. \return what the sink saw of each frame
std::map<std::uint64_t, std::pair<std::uint64_t, std::vector<NodeError>>> run_with(const std::function<void()>& bad) {
  std::map<std::uint64_t, std::pair<std::uint64_t, std::vector<NodeError>>> seen;
  FunctionGraph g;
  const auto src = g.numbers(10);
  const auto node = g.node("weak", {src}, [&](Node::Context& c) {
    if (c.info().frame_id == 4) bad();
    test::mixing(5)(c);
  });
  const auto next = g.node("next", {node}, test::mixing(6));
  g.sink("sink", {next}, [&](Sink::Context& c) {
    const auto* n = c.input(0).as<Number>();
    seen[c.info().frame_id] = {n == nullptr ? 0 : n->value, c.errors()};
  });
  EXPECT_TRUE(g.go().summary.complete);
  return seen;
}

TEST(InputOfANode, ThatIsReadAsAnotherTypeIsNamedWithBothTypes) {
  std::vector<std::string> told;
  FunctionGraph g;
  const auto src = g.numbers(1);
  const auto wrong = g.node("wrong", {src}, [](Node::Context& c) { (void)c.in<Frame>(0); });
  const auto absent = g.node("absent", {{src}, {wrong, true}}, [](Node::Context& c) { (void)c.in<Number>(1); });
  g.sink("sink", {absent}, [&](Sink::Context& c) {
    for (const NodeError& e : c.errors()) told.push_back(e.node + ": " + e.text);
  });
  EXPECT_TRUE(g.go().summary.complete);
  EXPECT_EQ(told,
            (std::vector<std::string>{"wrong: input 0 (in0) was read as starflow.frame/1, but holds test.number/1",
                                      "absent: input 1 (in1) was read as test.number/1, but is empty"}));
}

struct Thrown {
  const char* name;
  void (*bad)();
  const char* code;
};
void PrintTo(const Thrown& t, std::ostream* out) { *out << t.name; }

class OneBadFrame : public testing::TestWithParam<Thrown> {};

TEST_P(OneBadFrame, IsNamedWithItsNodeAndLeavesTheOthersAsTheyWere) {
  const auto good = run_with([] {});
  const auto got = run_with(GetParam().bad);
  ASSERT_EQ(got.size(), 10U);
  for (const auto& [frame, seen] : got) {
    if (frame == 4) continue;
    EXPECT_EQ(seen.first, good.at(frame).first);
    EXPECT_TRUE(seen.second.empty());
  }
  const auto& errors = got.at(4).second;
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].node, "weak");
  EXPECT_EQ(errors[0].code, GetParam().code);
  EXPECT_FALSE(errors[0].text.empty());
  EXPECT_EQ(got.at(4).first, 0U);
}
INSTANTIATE_TEST_SUITE_P(Kinds,
                         OneBadFrame,
                         testing::Values(Thrown{"frame_error", [] { throw FrameError("test.bad", "bad"); }, "test.bad"},
                                         Thrown{"exception", [] { throw std::out_of_range("far"); }, "exception"},
                                         Thrown{"unknown", [] { throw 42; }, "unknown_exception"},
                                         Thrown{"memory", [] { throw std::bad_alloc(); }, "out_of_memory"}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(Runner, CallsAFrameOfWhichOneSinkGotItsInputsPartial) {
  FunctionGraph g;
  const auto src = g.numbers(3);
  const auto weak = g.node("weak", {src}, [](Node::Context& c) {
    if (c.info().frame_id == 1) throw FrameError("test.bad", "bad");
    test::mixing(1)(c);
  });
  const auto strong = g.node("strong", {src}, test::mixing(2));
  bool patient_ran_without = false;
  const auto patient = g.node("patient", {strong, {weak, true}}, [&](Node::Context& c) {
    if (!c.input(1)) patient_ran_without = true;
    test::mixing(3)(c);
  });
  int needy_ran = 0;
  const auto needy = g.node(
      "needy", {strong, weak},
      [&](Node::Context& c) {
        ++needy_ran;
        test::mixing(4)(c);
      },
      true);
  g.sink("a", {patient}, [](Sink::Context& c) { ASSERT_TRUE(c.input(0)); });
  std::vector<bool> b;
  g.sink("b", {needy}, [&](Sink::Context& c) { b.push_back(static_cast<bool>(c.input(0))); });
  std::vector<Outcome> seen;
  RunOptions options;
  options.on_result = [&](const FrameResult& r) { seen.push_back(r.outcome); };
  const RunReport report = g.go(options);
  EXPECT_EQ(seen, (std::vector{Outcome::ok, Outcome::partial, Outcome::ok}));
  EXPECT_TRUE(patient_ran_without);
  EXPECT_EQ(needy_ran, 2);
  EXPECT_EQ(b, (std::vector{true, false, true}));
}

TEST(Runner, FailsANodeThatSendsNothingWhereALaterOneCantDoWithout) {
  FunctionGraph g;
  const auto node = g.node("mute", {g.numbers(1)}, [](Node::Context&) {});
  std::vector<NodeError> errors;
  g.sink("out", {node}, [&](Sink::Context& c) { errors = c.errors(); });
  EXPECT_EQ(outcomes(g.go().summary, Outcome::failed), 1U);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].code, "no_output");
  EXPECT_EQ(errors[0].text, "sent nothing to its output 'out', which node 'out' needs");
}

TEST(Runner, FailsANodeThatSendsAMessageOfAnotherType) {
  FunctionGraph g;
  const auto node = g.node("odd", {g.numbers(1)}, [](Node::Context& c) { c.send(0, {}); });
  std::vector<NodeError> errors;
  g.sink("out", {node}, [&](Sink::Context& c) { errors = c.errors(); });
  EXPECT_EQ(outcomes(g.go().summary, Outcome::failed), 1U);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].text, "sent an empty message to output 'out', which is test.number/1");
}

TEST(Runner, MakesAFailedFrameOfASourceThatThrowsAndGoesOn) {
  FunctionGraph g;
  const auto src = g.source([next = std::uint64_t{0}](Source::Context& c) mutable {
    if (next == 5) return false;
    c.info.frame_id = next++;
    c.info.source = "file" + std::to_string(c.info.frame_id);
    if (c.info.frame_id == 1 || c.info.frame_id == 2) throw FrameError("test.unreadable", "bad");
    c.out(0, Number{c.info.frame_id, 1});
    return true;
  });
  std::vector<std::string> failed;
  g.sink("sink", {g.node("node", {src}, test::mixing(1))}, [&](Sink::Context& c) {
    if (c.outcome() == Outcome::failed) failed.push_back(c.info().source + " " + c.errors().at(0).node);
  });
  const RunReport report = g.go();
  EXPECT_TRUE(report.summary.complete);
  EXPECT_EQ(report.summary.frames, 5U);
  EXPECT_EQ(failed, (std::vector<std::string>{"file1 source", "file2 source"}));
}

TEST(Runner, EndsWhenTheSourceFailsTwiceOnOneFrame) {
  FunctionGraph g;
  const auto src = g.source([](Source::Context& c) -> bool {
    c.info.frame_id = 7;
    c.info.source = "stuck.fits";
    throw FrameError("test.unreadable", "bad");
  });
  g.sink("sink", {src}, [](Sink::Context&) {});
  const RunReport report = g.go();
  EXPECT_TRUE(report.aborted);
  EXPECT_EQ(report.summary.frames, 2U);
  EXPECT_EQ(report.summary.reason,
            "aborted: source 'source' failed twice in a row on frame 7 (stuck.fits) and does not move on");
}

struct Place {
  const char* name;
  bool in_node, in_sink, in_result, in_progress, in_log;
  const char* reason;
};
void PrintTo(const Place& p, std::ostream* out) { *out << p.name; }

class EndingFailure : public testing::TestWithParam<Place> {};

TEST_P(EndingFailure, EndsTheRunWithItsTextAndClosesEverySink) {
  constexpr std::uint64_t kFrames = 1000;
  const Place place = GetParam();
  FunctionGraph g;
  const auto node = g.node("node", {g.numbers(kFrames)}, [&](Node::Context& c) {
    if (c.info().frame_id == 30 && place.in_node) throw RunError("the disk is full");
    if (c.info().frame_id == 30 && place.in_log) c.log(LogLevel::info, "hello");
    test::mixing(1)(c);
  });
  std::vector<RunSummary> closed;
  std::uint64_t other_writes = 0, delivered = 0;
  test::SinkBody a, b;
  a.write = [&](Sink::Context& c) {
    if (c.info().frame_id == 30 && place.in_sink) throw std::runtime_error("the disk is full");
  };
  b.write = [&](Sink::Context&) { ++other_writes; };
  a.close = b.close = [&](const RunSummary& s) { closed.push_back(s); };
  g.sink("a", {node}, a);
  g.sink("b", {node}, b);
  RunOptions options;
  options.on_result = [&](const FrameResult& r) {
    ++delivered;
    if (r.info.frame_id == 30 && place.in_result) throw std::runtime_error("the disk is full");
  };
  options.on_progress = [&](const RunSummary& s) {
    if (s.frames == 31 && place.in_progress) throw std::runtime_error("the disk is full");
  };
  options.on_log = [&](LogLevel, std::string_view text) {
    if (text == "node: hello") throw std::runtime_error("the disk is full");
  };
  const RunReport report = g.go(options);
  EXPECT_TRUE(report.aborted);
  EXPECT_EQ(report.summary.reason, place.reason);
  EXPECT_LT(report.summary.frames, kFrames);
  EXPECT_EQ(other_writes, report.summary.frames);
  EXPECT_EQ(delivered, report.summary.frames);
  ASSERT_EQ(closed.size(), 2U);
  for (const RunSummary& s : closed) {
    EXPECT_FALSE(s.complete);
    EXPECT_EQ(s.reason, place.reason);
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t n : report.summary.outcomes) sum += n;
  EXPECT_EQ(sum, report.summary.frames);
}
INSTANTIATE_TEST_SUITE_P(
    Places,
    EndingFailure,
    testing::Values(
        Place{"node", true, false, false, false, false, "aborted: node 'node', frame 30: the disk is full"},
        Place{"sink", false, true, false, false, false, "aborted: sink 'a', frame 30: the disk is full"},
        Place{"result", false, false, true, false, false,
              "aborted: the result callback threw at frame 30: the disk is full"},
        Place{"progress", false, false, false, true, false, "aborted: the progress callback threw: the disk is full"},
        Place{"log", false, false, false, false, true, "aborted: the log callback threw: the disk is full"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Runner, TellsLaterSinksAndTheReportThatAnEarlierOneCouldNotBeClosed) {
  FunctionGraph g;
  const auto src = g.numbers(3);
  bool later_complete = true;
  test::SinkBody a, b;
  a.close = [](const RunSummary&) { throw std::runtime_error("can't rename"); };
  b.close = [&](const RunSummary& s) { later_complete = s.complete; };
  b.report = [] { return std::string("{}"); };
  g.sink("a", {src}, a);
  g.sink("b", {src}, b);
  const RunReport report = g.go();
  EXPECT_EQ(report.summary.reason, "aborted: closing sink 'a': can't rename");
  EXPECT_FALSE(later_complete);
  EXPECT_EQ(outcomes(report.summary, Outcome::ok), 3U);
  ASSERT_EQ(report.reports.size(), 1U);
  EXPECT_EQ(report.reports[0].first, "b");
}

TEST(Runner, EndsWhenMoreFramesFailThanAllowedButNotBeforeTwenty) {
  const auto failing = [](double allowed, std::uint64_t every) {
    FunctionGraph g;
    g.run.max_in_flight = 1;
    g.run.max_failed_fraction = allowed;
    const auto node = g.node("node", {g.numbers(100)}, [every](Node::Context& c) {
      if (c.info().frame_id % every == 0) throw FrameError("test.bad", "bad");
      test::mixing(1)(c);
    });
    g.sink("sink", {node}, [](Sink::Context&) {});
    return g.go();
  };
  const RunReport report = failing(0.4, 2);
  EXPECT_TRUE(report.aborted);
  EXPECT_EQ(outcomes(report.summary, Outcome::failed) + outcomes(report.summary, Outcome::ok), 20U);
  EXPECT_EQ(report.summary.reason,
            "aborted: 10 of 20 frames failed, more than the fraction run.max_failed_fraction = 0.4 allows");
  EXPECT_TRUE(failing(0.55, 2).summary.complete);
  EXPECT_TRUE(failing(1.0, 1).summary.complete);
}

}  // namespace
}  // namespace starflow
