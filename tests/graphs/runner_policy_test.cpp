// SPDX-License-Identifier: MIT
/// \file
/// Frames that a host pushes faster than the graph takes them: who waits, who is dropped, and that each is on record.

#include <starflow/graph/runner.hpp>

#include <support/graph_nodes.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace starflow {
namespace {

using graph::FrameResult;
using graph::GraphRunner;
using graph::RunOptions;
using graph::WhenFull;
using test::FunctionGraph;
using test::Number;
using namespace std::chrono_literals;

/// A graph of one node, which holds every frame until it is let go; one frame inside at most.
class Held : public testing::Test {
 protected:
  using Told = std::vector<std::pair<std::uint64_t, Outcome>>;

  Held() {
    g_.run.max_in_flight = 1;
    const auto source = g_.push();
    const auto node = g_.node("hold", {source}, [this](Node::Context& c) {
      entered_.release();
      let_go_.acquire();
      c.out(0, Number{c.info().frame_id, 0});
    });
    g_.sink("out", {node}, [this](Sink::Context& c) {
      sink_.emplace_back(c.info().frame_id, c.outcome());
      for (const NodeError& e : c.errors()) errors_.push_back(e.node + ": " + e.code);
    });
  }

  void start() {
    RunOptions options;
    options.on_result = [this](const FrameResult& r) { told_.emplace_back(r.info.frame_id, r.outcome); };
    runner_ = std::make_unique<GraphRunner>(g_.spec(), options);
  }
  /// The first frame is in the node when this returns.
  bool submit_first() {
    const bool taken = submit(0);
    entered_.acquire();
    return taken;
  }
  bool submit(std::uint64_t id) {
    FrameInfo info;
    info.frame_id = id;
    image_ = cv::Mat(4, 4, CV_8UC1, pixels_);
    return runner_->submit(Frame::borrow(image_, info, [this] { ++released_; }));
  }
  graph::RunReport finish() {
    let_go_.release(1000);
    return runner_->finish();
  }

  FunctionGraph g_;
  std::unique_ptr<GraphRunner> runner_;
  std::counting_semaphore<> entered_{0}, let_go_{0};
  Told told_, sink_;
  std::vector<std::string> errors_;
  std::uint8_t pixels_[16] = {};
  cv::Mat image_;
  std::atomic<int> released_{0};
};

TEST_F(Held, DropsTheOldestThatWaits) {
  g_.run.when_full = WhenFull::drop_oldest;
  g_.run.queue = 2;
  start();
  EXPECT_TRUE(submit_first());
  for (std::uint64_t id = 1; id <= 4; ++id) EXPECT_TRUE(submit(id));
  EXPECT_EQ(released_, 2) << "the pixels of 1 and 2 are let go at once";
  const auto report = finish();
  const Told expected{
      {0, Outcome::ok}, {1, Outcome::dropped}, {2, Outcome::dropped}, {3, Outcome::ok}, {4, Outcome::ok}};
  EXPECT_EQ(told_, expected);
  EXPECT_EQ(sink_, expected);
  EXPECT_EQ(released_, 5);
  EXPECT_EQ(report.summary.frames, 5U);
  EXPECT_EQ(test::outcomes(report.summary, Outcome::dropped), 2U);
  EXPECT_EQ(report.peak_in_flight, 1U);
  EXPECT_TRUE(report.summary.complete);
}

TEST_F(Held, DropsTheNewestWhereTheQueueIsFull) {
  g_.run.when_full = WhenFull::drop_newest;
  start();
  EXPECT_TRUE(submit_first());
  EXPECT_TRUE(submit(1));
  EXPECT_FALSE(submit(2));
  EXPECT_FALSE(submit(3));
  finish();
  EXPECT_EQ(sink_, (Told{{0, Outcome::ok}, {1, Outcome::ok}, {2, Outcome::dropped}, {3, Outcome::dropped}}));
  EXPECT_EQ(told_, sink_);
  EXPECT_TRUE(errors_.empty());
}

TEST_F(Held, RejectsTheNewestWithAnErrorWhereAskedToFail) {
  g_.run.when_full = WhenFull::fail;
  g_.run.queue = 0;
  start();
  EXPECT_TRUE(submit_first());
  EXPECT_FALSE(submit(1));
  const auto report = finish();
  EXPECT_EQ(sink_, (Told{{0, Outcome::ok}, {1, Outcome::rejected}}));
  EXPECT_EQ(errors_, std::vector<std::string>{"source: rejected"});
  EXPECT_EQ(test::outcomes(report.summary, Outcome::rejected), 1U);
}

TEST_F(Held, DropsAFrameThatWaitedTooLong) {
  g_.run.when_full = WhenFull::drop_oldest;
  g_.run.queue = 2;
  g_.run.max_age_ms = 1;
  start();
  submit_first();
  submit(1);
  std::this_thread::sleep_for(20ms);
  finish();
  EXPECT_EQ(sink_, (Told{{0, Outcome::ok}, {1, Outcome::dropped}}));
}

TEST_F(Held, DropsWhatWaitsWhenTheRunIsDrained) {
  g_.run.when_full = WhenFull::drop_oldest;
  start();
  submit_first();
  submit(1);
  runner_->drain();
  EXPECT_FALSE(submit(2));
  const auto report = finish();
  EXPECT_EQ(sink_, (Told{{0, Outcome::ok}, {1, Outcome::dropped}}));
  EXPECT_EQ(test::outcomes(report.summary, Outcome::rejected), 1U);
  EXPECT_EQ(released_, 3);
}

TEST_F(Held, LetsGoOfWhatWaitsWhenTheRunIsAbortedAndDestroyed) {
  g_.run.when_full = WhenFull::drop_newest;
  g_.run.queue = 8;
  start();
  submit_first();
  for (std::uint64_t id = 1; id <= 8; ++id) EXPECT_TRUE(submit(id));
  runner_->abort();
  let_go_.release(1000);
  runner_.reset();
  EXPECT_EQ(released_, 9);
  EXPECT_EQ(sink_.size(), 9U) << "each has its outcome";
}

TEST_F(Held, KeepsTheLimitOfBytesWithAPolicyToo) {
  g_.run.when_full = WhenFull::drop_oldest;
  g_.run.max_in_flight = 8;
  g_.run.max_bytes_in_flight = 16;  // one frame
  start();
  submit_first();
  EXPECT_TRUE(submit(1));
  EXPECT_TRUE(submit(2));
  const auto report = finish();
  EXPECT_EQ(sink_, (Told{{0, Outcome::ok}, {1, Outcome::dropped}, {2, Outcome::ok}}));
  EXPECT_EQ(report.peak_bytes, 16U);
}

class Policies : public testing::TestWithParam<WhenFull> {};

TEST_P(Policies, GiveEachOfManyFramesOneOutcomeInTheOrderOfItsSubmitter) {
  constexpr std::uint64_t kThreads = 4, kFrames = 500;
  FunctionGraph g;
  g.run.when_full = GetParam();
  g.run.max_in_flight = 3;
  g.run.queue = 2;
  const auto source = g.push();
  const auto a = g.node("a", {source}, [](Node::Context& c) {
    test::delay(c.info().frame_id, 60);
    c.out(0, Number{c.info().frame_id, 0});
  });
  const auto b = g.node("b", {a}, test::mixing(1), true);
  std::vector<std::uint64_t> last(kThreads, 0);
  std::uint64_t told = 0, wrong = 0;
  g.sink("out", {b}, [&](Sink::Context& c) {
    const std::uint64_t thread = c.info().frame_id / kFrames, number = c.info().frame_id % kFrames + 1;
    if (number <= last[thread]) ++wrong;
    last[thread] = number;
    ++told;
  });
  GraphRunner runner(g.spec(), {});
  std::vector<std::thread> hosts;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    hosts.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kFrames; ++i) {
        FrameInfo info;
        info.frame_id = t * kFrames + i;
        runner.submit(Frame::adopt(cv::Mat(8, 8, CV_8UC1, cv::Scalar(1)), info));
        if (i % 8 == 0) std::this_thread::sleep_for(100us);
      }
    });
  }
  for (auto& host : hosts) host.join();
  const auto report = runner.finish();
  EXPECT_EQ(report.summary.frames, kThreads * kFrames);
  EXPECT_EQ(told, kThreads * kFrames);
  EXPECT_EQ(wrong, 0U);
  EXPECT_LE(report.peak_in_flight, 3U);
  const auto left_out =
      test::outcomes(report.summary, Outcome::dropped) + test::outcomes(report.summary, Outcome::rejected);
  EXPECT_EQ(test::outcomes(report.summary, Outcome::ok) + left_out, kThreads * kFrames);
  EXPECT_EQ(left_out > 0, GetParam() != WhenFull::block) << "else the test shows nothing";
}

INSTANTIATE_TEST_SUITE_P(Runner,
                         Policies,
                         testing::Values(WhenFull::block, WhenFull::drop_oldest, WhenFull::drop_newest, WhenFull::fail),
                         [](const auto& p) {
                           return std::string(graph::kWhenFullNames[static_cast<std::size_t>(p.param)]);
                         });

struct Case {
  graph::OnError on_error;
  Outcome outcome;
  bool complete;
};
class OnErrorOf : public testing::TestWithParam<Case> {};

TEST_P(OnErrorOf, ANodeSaysWhatBecomesOfItsFrameAndOfTheRun) {
  FunctionGraph g;
  const auto source = g.numbers(50);
  const auto good = g.node("good", {source}, test::mixing(1));
  const auto bad = g.node("bad", {good}, [](Node::Context& c) {
    if (c.info().frame_id == 30) throw FrameError("test", "as planned");
    c.out(0, c.in<Number>(0));
  });
  g.sink("a", {good}, [](Sink::Context&) {});
  g.sink("b", {bad}, [](Sink::Context&) {});
  graph::GraphSpec spec = g.spec();
  spec.nodes[bad].on_error = GetParam().on_error;
  Outcome got = Outcome::ok;
  RunOptions options;
  options.on_result = [&](const FrameResult& r) {
    if (r.info.frame_id == 30) got = r.outcome;
  };
  const auto report = GraphRunner(spec, options).run();
  EXPECT_EQ(got, GetParam().outcome);
  EXPECT_EQ(report.summary.complete, GetParam().complete);
  EXPECT_EQ(report.summary.reason, GetParam().complete ? "" : "aborted: node 'bad', frame 30: as planned");
}

INSTANTIATE_TEST_SUITE_P(Runner,
                         OnErrorOf,
                         testing::Values(Case{graph::OnError::skip_output, Outcome::partial, true},
                                         Case{graph::OnError::fail_frame, Outcome::failed, true},
                                         Case{graph::OnError::abort, Outcome::partial, false}),
                         [](const auto& c) {
                           return std::string(graph::kOnErrorNames[static_cast<std::size_t>(c.param.on_error)]);
                         });

}  // namespace
}  // namespace starflow
